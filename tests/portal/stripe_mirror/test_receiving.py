"""What Stripe signed is stored once, as it came, and nothing else is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.gateways.stripe_api import BadSignatureError
from portal.stripe_mirror.models import EventStatus, StripeEvent
from portal.stripe_mirror.receiving import BadEventError, store_event
from tests.factories import World
from tests.support.stripe_events import event, signature

Receive = Callable[..., None]
CUSTOMER = {"id": "cus_acme", "object": "customer"}


def stored() -> StripeEvent:
    db.session.expire_all()
    return db.session.scalars(db.select(StripeEvent)).one()


def test_an_event_is_stored_once_and_as_it_came(world: World, receive: Receive) -> None:
    for _ in range(3):
        receive("customer.updated", CUSTOMER)
    row = stored()
    assert (row.type, row.status, row.attempts, row.livemode) == (
        "customer.updated",
        EventStatus.PENDING,
        0,
        False,
    )
    assert json.loads(row.payload)["data"]["object"] == CUSTOMER


GOOD: dict[str, Any] = {
    "id": "evt_1",
    "type": "customer.updated",
    "livemode": False,
    "created": 1,
    "data": {"object": {}},
}
BAD = [
    b"",
    b"no json",
    b"[]",
    b"null",
    b'"text"',
    b"[" * 100_000,
    b"{}",
    *(
        json.dumps({**GOOD, **wrong}).encode()
        for wrong in (
            {"id": None},
            {"id": "e" * 65},
            {"type": "t" * 81},
            {"livemode": "false"},
            {"created": "now"},
            {"created": True},
            {"created": 10**30},
            {"created": -(10**15)},
            {"data": []},
            {"data": {}},
            {"data": {"object": []}},
            {"id": "a\x00b"},
            {"type": "a\x00b"},
        )
    ),
]


@pytest.mark.parametrize("body", BAD, ids=lambda body: str(body)[2:60])
def test_a_signed_body_that_is_no_event_is_refused(world: World, body: bytes) -> None:
    with pytest.raises(BadEventError) as refusal:
        store_event(body, signature(body))
    assert int(refusal.value.status) == 400
    assert db.session.scalars(db.select(StripeEvent)).all() == []


def test_a_nul_inside_the_object_is_kept_as_it_came(world: World, receive: Receive) -> None:
    receive("customer.updated", {**CUSTOMER, "name": "a\x00b"})
    assert json.loads(stored().payload)["data"]["object"]["name"] == "a\x00b"


def test_the_double_verifies_signatures_as_the_real_one_does(world: World) -> None:
    body = event("customer.updated", CUSTOMER)
    with pytest.raises(BadSignatureError):
        store_event(body, signature(body, "whsec_other"))


@pytest.mark.parametrize(
    ("kind", "obj", "more", "customer"),
    [
        ("customer.updated", {"id": "cus_acme", "object": "customer"}, {}, "cus_acme"),
        ("invoice.paid", {"id": "in_1", "object": "invoice", "customer": "cus_acme"}, {}, "cus_acme"),
        (
            "payment_method.detached",
            {"id": "pm_1", "object": "payment_method", "customer": None},
            {"data": {"previous_attributes": {"customer": "cus_acme"}}},
            "cus_acme",
        ),
        ("product.updated", {"id": "prod_1", "object": "product"}, {}, None),
        ("invoice.paid", {"id": "in_1", "customer": {"id": "cus_acme"}}, {}, None),
        ("customer.updated", {"object": "customer"}, {}, None),
        ("invoice.paid", {"id": "in_1", "customer": "c" * 65}, {}, None),
        ("invoice.paid", {"id": "in_1", "customer": "cus\u0000"}, {}, None),
        ("payment_method.detached", {"id": "pm_1"}, {"data": {"previous_attributes": ["customer"]}}, None),
    ],
)
def test_an_event_names_the_customer_by_whom_it_can_be_found(
    world: World, kind: str, obj: dict[str, Any], more: dict[str, Any], customer: str | None
) -> None:
    body = event(kind, obj, **more)
    store_event(body, signature(body))
    db.session.commit()
    assert db.session.scalar(select(StripeEvent.customer_id)) == customer
