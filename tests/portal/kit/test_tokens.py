"""Ids and secrets cannot be guessed, and only hashes of secrets are kept."""

import re

from portal.kit.tokens import ALPHABET, ID_LENGTH, digest, new_id, new_secret, random_text


def test_ids_carry_130_bits_and_say_what_they_are() -> None:
    ids = {new_id("org") for _ in range(2_000)}
    assert len(ids) == 2_000
    assert all(re.fullmatch(r"org_[0-9A-Za-z]{22}", name) for name in ids)
    assert len(ALPHABET) ** ID_LENGTH > 2**130


def test_ids_fit_their_columns() -> None:
    assert len(new_id("bill")) <= 32


def test_every_letter_of_the_alphabet_is_used() -> None:
    assert set(random_text(5_000)) == set(ALPHABET)


def test_secrets_carry_256_bits_and_are_safe_in_addresses() -> None:
    secrets = {new_secret() for _ in range(2_000)}
    assert len(secrets) == 2_000
    assert all(re.fullmatch(r"[\w-]{43}", secret, re.ASCII) for secret in secrets)
    assert len({secret[:4] for secret in secrets}) > 1_900


def test_a_digest_is_sha_256() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
