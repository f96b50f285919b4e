"""No secret enters the log, wherever in a change it stands; what is none stays as it is."""

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit.actions import Action
from portal.audit.masking import MASK, masked, masked_text
from portal.audit.models import AuditEntry
from portal.audit.service import Change, record
from portal.extensions import db
from tests.factories import World

WORD = st.text(string.ascii_letters + string.digits, min_size=24, max_size=40)
DIGITS = st.text("0123456789", min_size=15, max_size=15)


def with_check_digit(digits: str) -> str:
    """The card number that these digits begin (ISO/IEC 7812)."""
    for last in "0123456789":
        numbers = [int(digit) for digit in digits + last]
        doubled = [sum(divmod(2 * number, 10)) for number in numbers[-2::-2]]
        if (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0:
            return digits + last
    raise AssertionError


CARDS = DIGITS.map(lambda digits: with_check_digit("4" + digits[1:]))
AMEX = DIGITS.map(lambda digits: with_check_digit("37" + digits[2:14]))
DINERS = DIGITS.map(lambda digits: with_check_digit("36" + digits[2:13]))
JWT_PART = st.text(string.ascii_letters + string.digits + "-_", min_size=8, max_size=60)
BY_FORM = st.one_of(
    st.tuples(st.sampled_from(["sk_live_", "sk_test_", "rk_live_", "whsec_", "ptl_", "pk_live_"]), WORD).map(
        "".join
    ),
    st.tuples(JWT_PART, JWT_PART, JWT_PART).map(lambda parts: f"eyJ{parts[0]}.{parts[1]}.{parts[2]}"),
    CARDS,
    CARDS.map(lambda card: " ".join(card[start : start + 4] for start in range(0, 16, 4))),
    AMEX,
    DINERS,
    WORD.map(lambda word: f"https://hooks.slack.com/services/T0/B0/{word}"),
    WORD.map(lambda word: f"hooks.slack.com/triggers/{word}"),
    WORD.map(lambda word: f"xoxb-{word}"),
    WORD.map(lambda word: f"Bearer {word}"),
    WORD.map(lambda word: f"$argon2id$v=19$m=8,t=1,p=1${word}"),
    WORD.map(lambda word: f"postgresql://portal:{word}@db.example/portal").filter(
        lambda url: MASK not in url
    ),
)
SECRET_FIELDS = st.sampled_from(
    [
        "password",
        "new_password",
        "Passphrase",
        "client_secret",
        "token",
        "access_tokens",
        "totp",
        "one_otp",
        "recovery_codes",
        "backup_code",
        "code",
        "api_key",
        "key",
        "cvc",
        "card_number",
        "pin",
        "private_key",
        "Authorization",
        "cookie",
        "credentials",
    ]
)
PLAIN_FIELDS = st.sampled_from(["name", "note", "billing_email", "values", "items", "description", "url"])


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value itself, or deep in lists and objects with names that say nothing."""
    return st.recursive(
        inner,
        lambda deeper: st.one_of(
            st.lists(deeper, min_size=1, max_size=2),
            st.dictionaries(PLAIN_FIELDS, deeper, min_size=1, max_size=2),
        ),
        max_leaves=4,
    )


def secret_part(value: str) -> str:
    """What must not be read: of a URL or a header only the secret in it."""
    for mark in ("portal:", "Bearer "):
        if mark in value:
            return value.partition(mark)[2].partition("@")[0]
    return value


@given(secret=BY_FORM, data=st.data(), name=PLAIN_FIELDS)
def test_a_secret_is_known_by_its_form(secret: str, data: st.DataObject, name: str) -> None:
    around = data.draw(st.sampled_from(["{}", "see {}", "{} (old)", "key={};"]))
    value = data.draw(nested(st.just(around.format(secret))))
    assert secret_part(secret) not in json.dumps(masked({name: value}))


@given(secret=WORD, data=st.data(), name=SECRET_FIELDS)
def test_a_secret_is_known_by_its_name(secret: str, data: st.DataObject, name: str) -> None:
    fields = {name: data.draw(nested(st.just(secret)))}
    outer = data.draw(st.sampled_from([fields, {"before": fields}, {"items": [fields, {"name": "x"}]}]))
    text = json.dumps(masked(outer), ensure_ascii=False)
    assert secret not in text
    assert MASK in text


@given(card=CARDS)
def test_a_card_number_is_masked_as_a_number_too(card: str) -> None:
    assert masked({"value": int(card), "list": [int(card)]}) == {"value": MASK, "list": [MASK]}


@given(secret=BY_FORM)
def test_a_secret_that_was_typed_as_a_name_is_masked(secret: str) -> None:
    assert secret_part(secret) not in json.dumps(masked({secret: 1}))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Acme Ltd", "billing_email": "billing@acme.example", "role": "member", "seats": 25},
        {"amount_minor": 1_250_000_00, "currency": "eur", "is_private": True, "token": None},
        {
            "iso": "2026-11-23T12:41:52.123456+00:00",
            "hash": "0123456789abcdef" * 4,
            "milliseconds": 1763900000000,
        },
        {"id": "org_0123456789abcdefghjkmnpqrs", "phone": "+353 86 123 4567", "number": "A-2026-000123"},
        {
            "url": "https://portal.example/account/billing?from=2026-01-01",
            "key_id": "a1b2c3d4",
            "country_code": "IE",
        },
        {
            "order": "4000 0000 0000 9",
            "count": 400000000000009,
            "keyboard": "x",
            "postcode": "D02",
            "passed": "yes",
            "last4": "4242",
            "expires": "2027-04",
        },
    ],
)
def test_what_is_no_secret_stays(fields: dict[str, Any]) -> None:
    assert masked(fields) == fields


def test_nothing_stays_nothing() -> None:
    assert masked(None) is None
    assert masked({}) == {}
    assert masked_text("nothing to see") == "nothing to see"


def test_the_name_of_a_thing_and_the_reason_are_masked_too(world: World) -> None:
    secret = "sk_live_abcdefghijklmnop"
    actor = world.acme.actor()
    record(actor, Action.API_KEY_CREATED, Change("api_key", "key_1", f"my {secret}"), reason=f"uses {secret}")
    db.session.commit()
    entry = db.session.scalars(db.select(AuditEntry)).one()
    assert (entry.entity_name, entry.reason) == (f"my {MASK}", f"uses {MASK}")
