"""Answers that a browser saves as a file."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from flask import Response

UNSAFE = re.compile(r"[^\w .()-]+", re.ASCII)
LONGEST_NAME = 120


def download(body: bytes | Iterable[bytes], name: str, media_type: str) -> Response:
    """`body`, whole or piece by piece, as a file called `name` in every browser (RFC 6266).

    Nothing stays in the name that could harm.
    """
    clean = "".join(char for char in name if char.isprintable() and char not in '/\\:*?"<>|')[
        :LONGEST_NAME
    ].strip()
    plain = UNSAFE.sub("_", clean) or "download"
    response = Response(body, content_type=media_type)
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean)}"
    )
    return response
