"""Passwords: long, verified exactly as typed, and kept only as an Argon2id hash."""

import pytest

from portal.errors import InvalidInputError
from portal.identity import passwords
from portal.identity.passwords import (
    MAXIMUM_LENGTH,
    MINIMUM_LENGTH,
    hash_password,
    needs_rehash,
    verify_password,
)
from tests.factories import PASSWORD_HASH

TYPED = " Grüße " + "x" * 80 + "END "
VARIANTS = {
    "trimmed": TYPED.strip(),
    "cut at 72 bytes": TYPED.encode()[:72].decode(),
    "one letter less": TYPED[:-1],
    "other case": TYPED.lower(),
    "other normal form": TYPED.replace("ü", "u\u0308"),
    "empty": "",
}


@pytest.fixture(scope="module")
def stored() -> str:
    return hash_password(TYPED)


def test_only_the_exact_password_works(stored: str) -> None:
    assert verify_password(stored, TYPED)
    assert [name for name, variant in VARIANTS.items() if verify_password(stored, variant)] == []


def test_the_hash_is_argon2id_with_a_salt(stored: str) -> None:
    assert stored.startswith("$argon2id$")
    assert hash_password(TYPED) != stored
    assert len(stored) <= 200


def test_a_hash_with_weaker_parameters_wants_to_be_made_again(stored: str) -> None:
    assert not needs_rehash(stored)
    assert needs_rehash(PASSWORD_HASH)


@pytest.mark.parametrize("length", [0, MINIMUM_LENGTH - 1, MAXIMUM_LENGTH + 1])
def test_too_short_and_too_long_are_refused_beside_the_field(length: int) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        hash_password("x" * length)
    assert refusal.value.field == "password"


def test_without_a_second_factor_fifteen_characters_are_the_least() -> None:
    assert MINIMUM_LENGTH == 15


def test_nobody_has_no_password_and_is_checked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []

    class Counting:
        def verify(self, stored: str, _password: str) -> bool:
            checked.append(stored)
            return True

    monkeypatch.setattr(passwords, "hasher", Counting())
    assert not verify_password(None, "nobody has this password")
    assert checked == [passwords.UNKNOWN_USER_HASH]


def test_a_broken_hash_lets_nobody_in() -> None:
    assert not verify_password("not a hash", "not a hash")
