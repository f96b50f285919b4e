"""Where to go after signing in: only ever a path of our own."""

import re
from urllib.parse import urlsplit

DEFAULT = "/account"
LONGEST = 2000
OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
"""A slash, then printable ASCII without a backslash: browsers strip tabs and newlines and read `\\` as `/`."""


def safe_next(value: str | None) -> str:
    """`value` if a browser reads it as a path on this site, else the account (ASVS V3.7.2)."""
    if not value or len(value) > LONGEST or not OWN_PATH.fullmatch(value):
        return DEFAULT
    parts = urlsplit(value)
    if parts.scheme or parts.netloc or parts.path.startswith("/auth/"):
        return DEFAULT
    return value
