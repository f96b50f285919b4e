"""Codes of authenticator apps, against the RFC's own values and another implementation."""

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from portal.identity.totp import STEP_SECONDS, app_address, code_at, matching_step, new_key, step_of

RFC_KEY = base64.b32encode(b"12345678901234567890").decode()
NOW = datetime(2026, 11, 23, 12, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),  # RFC 6238, appendix B: the last six of the eight digits
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert code_at(RFC_KEY, seconds // STEP_SECONDS) == code


def test_another_implementation_agrees() -> None:
    key = new_key()
    app = pyotp.parse_uri(app_address(key, "ana+x@acme.example", "Sky & Lark: 2"))
    assert isinstance(app, pyotp.TOTP)
    assert (app.name, app.issuer) == ("ana+x@acme.example", "Sky & Lark: 2")
    for step in range(100):
        assert app.at(step * STEP_SECONDS) == code_at(key, step)


def test_the_address_is_read_by_apps_that_split_at_the_colon() -> None:
    parts = urlsplit(app_address(RFC_KEY, "ana@acme.example", "Sky Lark"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Sky Lark:ana@acme.example"
    assert parse_qs(parts.query) == {"secret": [RFC_KEY], "issuer": ["Sky Lark"]}


def test_keys_are_random_and_long_enough() -> None:
    keys = {new_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert {len(base64.b32decode(key)) for key in keys} == {20}


@pytest.mark.parametrize(("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_of_drift_each_way_and_no_more(steps: int, fits: bool) -> None:
    step = step_of(NOW) + steps
    assert matching_step(RFC_KEY, code_at(RFC_KEY, step), NOW) == (step if fits else None)


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345\u0661", "-12345", "1e5000"]
)
def test_what_is_no_code_never_fits(typed: str) -> None:
    assert matching_step(RFC_KEY, typed, NOW) is None


def test_a_code_may_be_typed_with_the_blank_that_apps_show() -> None:
    code = code_at(RFC_KEY, step_of(NOW))
    assert matching_step(RFC_KEY, f" {code[:3]} {code[3:]} ", NOW) == step_of(NOW)
