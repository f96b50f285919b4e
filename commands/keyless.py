"""Commands that run before a portal is set up: they keep nothing that SECRET_KEY would protect."""

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from portal.kit.tokens import random_text

KEYLESS = frozenset({("tickets", "audit"), ("scope", "draft"), ("scope", "sign"), ("scope", "check")})
KEEPS = "--store"
"""The option with which an audit goes into the portal's database, and then needs the portal's own key."""
KEY_LENGTH = 64


def throwaway_key(arguments: Sequence[str]) -> dict[str, str]:
    """A `secret_key` for this one run, if `arguments` are such a command and the environment has no SECRET_KEY."""
    if os.environ.get("SECRET_KEY") or KEEPS in arguments or Path(arguments[0]).name != "flask":
        return {}
    is_keyless = any(pair in KEYLESS for pair in pairwise(arguments[1:]))
    return {"secret_key": random_text(KEY_LENGTH)} if is_keyless else {}
