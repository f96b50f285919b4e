"""Random ids and secrets, and the hashes we keep of them."""

import hashlib
import secrets
import string

ALPHABET = string.digits + string.ascii_letters
ID_LENGTH = 22  # 62**22 is a little over 2**130
LETTERS = bytes(ord(ALPHABET[number % 62]) for number in range(256))
UNFAIR = bytes(
    range(256 - 256 % 62, 256)
)  # dropped: with them some letters would come more often than others
SPARE_BYTES = 8


def random_text(length: int) -> str:
    """`length` characters of base 62 from the system's CSPRNG (ASVS V11.5.1: 22 of them are 130 bits)."""
    found = b""
    while len(found) < length:
        found += secrets.token_bytes(length + SPARE_BYTES).translate(LETTERS, UNFAIR)
    return found[:length].decode()


def new_id(prefix: str) -> str:
    """A public id that nobody can guess, such as `org_3fB...`."""
    return f"{prefix}_{random_text(ID_LENGTH)}"


def new_secret() -> str:
    """A bearer secret of 256 bits, safe in a URL and in a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What the database keeps of a random secret: SHA-256 in hex.

    A plain hash is enough for 256 random bits; passwords go through `portal.identity.passwords` instead.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
