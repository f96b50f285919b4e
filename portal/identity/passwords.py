"""Passwords: Argon2id at the library's current parameters, which meet OWASP's (ASVS V11.4.2)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from portal.errors import InvalidInputError

MINIMUM_LENGTH = 15  # where there is no second factor yet (ASVS V6.2.1)
MAXIMUM_LENGTH = 200
hasher = PasswordHasher()
UNKNOWN_USER_HASH = hasher.hash("nobody has this password")


def hash_password(password: str, *, field: str = "password") -> str:
    """The hash to store. Raises `InvalidInputError` naming the field when it is too short or too long."""
    if len(password) < MINIMUM_LENGTH:
        raise InvalidInputError(
            f"Use at least {MINIMUM_LENGTH} characters. A few words are fine.", field=field
        )
    if len(password) > MAXIMUM_LENGTH:
        raise InvalidInputError(f"Use at most {MAXIMUM_LENGTH} characters.", field=field)
    return rehash(password)


def rehash(password: str) -> str:
    """The hash of a password that was right a moment ago, whatever the rules for new ones are today."""
    return hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one, exactly as typed.

    Takes as long for an unknown user (`stored` is None) as for a known one (ASVS V6.3.8).
    """
    try:
        hasher.verify(stored or UNKNOWN_USER_HASH, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the parameters have risen since `stored` was made."""
    return hasher.check_needs_rehash(stored)
