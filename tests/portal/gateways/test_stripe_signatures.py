"""Webhook signatures: which are good, and that every other one is refused."""

import hmac
import time
from collections.abc import Callable
from hashlib import sha256

import pytest

from portal.gateways.stripe_api import BadSignatureError, StripeGateway
from tests.portal.gateways.stripe_gateway import NEW_SECRET, OLD_SECRET, stripe_settings

BODY = b'{"id": "evt_1"}'


@pytest.fixture(scope="module")
def gateway() -> StripeGateway:
    return StripeGateway(stripe_settings())


def mac(secret: str, at: float, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), f"{int(at)}.".encode() + body, sha256).hexdigest()


def header(secret: str = NEW_SECRET, offset: float = 0, body: bytes = BODY, scheme: str = "v1") -> str:
    moment = time.time() + offset
    return f"t={int(moment)},{scheme}={mac(secret, moment, body)}"


@pytest.mark.parametrize("offset", [0, -290, 290])
@pytest.mark.parametrize("secret", [OLD_SECRET, NEW_SECRET])
def test_both_secrets_of_a_roll_are_good_and_told_apart(
    gateway: StripeGateway, secret: str, offset: float
) -> None:
    found = gateway.verify_event(BODY, header(secret, offset))
    assert (found.text, found.secret_hint) == (BODY.decode(), sha256(secret.encode()).hexdigest()[:8])


def test_one_good_signature_of_several_is_enough(gateway: StripeGateway) -> None:
    moment = int(time.time())
    both = f"t={moment},v1={'0' * 64},v1={mac(OLD_SECRET, moment)},v0={'1' * 64}"
    assert gateway.verify_event(BODY, both).text == BODY.decode()


def now() -> int:
    return int(time.time())


WRONG: dict[str, Callable[[], str]] = {
    "none": lambda: "",
    "other secret": lambda: header("whsec_other"),
    "too old": lambda: header(offset=-310),
    "in the future": lambda: header(offset=310),
    "old scheme": lambda: header(scheme="v0"),
    "another body": lambda: header(body=b"{}"),
    "no time": lambda: f"v1={mac(NEW_SECRET, now())}",
    "no signature": lambda: f"t={now()}",
    "words for a time": lambda: f"t=now,v1={mac(NEW_SECRET, now())}",
    "Arabic digits": lambda: f"t=١٢٣,v1={mac(NEW_SECRET, now())}",
    "a very long time": lambda: f"t={'9' * 5000},v1={mac(NEW_SECRET, now())}",
    "two times": lambda: f"t={now()},t={now() + 9999},v1={mac(NEW_SECRET, now() + 9999)}",
    "future first": lambda: f"t={now() + 9999},v1={mac(NEW_SECRET, now() + 9999)},t={now()}",
    "a second time": lambda: f"t={now()},v1={mac(NEW_SECRET, now())},t={now() + 1}",
    "noise": lambda: "=,=,t,v1,,==",
    "beyond ASCII": lambda: f"t={now()},v1=ü",
    "half a character": lambda: f"t={now()},v1=\udcff",
}


@pytest.mark.parametrize("kind", WRONG)
def test_every_other_header_is_refused(gateway: StripeGateway, kind: str) -> None:
    with pytest.raises(BadSignatureError) as refusal:
        gateway.verify_event(BODY, WRONG[kind]())
    assert int(refusal.value.status) == 400


def test_one_changed_byte_is_noticed(gateway: StripeGateway) -> None:
    with pytest.raises(BadSignatureError):
        gateway.verify_event(BODY + b" ", header())


def test_a_body_that_is_no_text_is_refused(gateway: StripeGateway) -> None:
    with pytest.raises(BadSignatureError):
        gateway.verify_event(b"\xff\xfe", header(body=b"\xff\xfe"))
