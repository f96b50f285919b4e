"""Stripe's events as they come in: verified and stored, nothing more. `events` handles them."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from sqlalchemy.engine import Connection

from portal.context import stripe
from portal.errors import InvalidInputError
from portal.extensions import INSERTS, db
from portal.gateways.stripe_api import StripeGateway
from portal.kit.clock import from_timestamp, utcnow
from portal.stripe_mirror.models import EventStatus, IgnoredBecause, StripeEvent

KEPT_PREFIXES = (
    "customer.",
    "payment_method.",
    "invoice.",
    "credit_note.",
    "billing_portal.configuration.",
)
KEPT = {"charge.refunded"}
NOT_KEPT = {"invoice.upcoming"}
LONGEST_ID, LONGEST_TYPE = 64, 80
YEAR_9999 = 253_370_764_800
KINDS = {"id": str, "type": str, "livemode": bool, "created": int, "data": dict}
NEW_EVENT = {
    engine: insert_into(StripeEvent.__table__).on_conflict_do_nothing(index_elements=["id"])
    for engine, insert_into in INSERTS.items()
}

Values = dict[str, Any]


class BadEventError(InvalidInputError):
    """A signed body that is not a Stripe event."""

    status = HTTPStatus.BAD_REQUEST


def store_event(payload: bytes, signature: str) -> None:
    """Verify and store one event, once by its id. The caller commits before answering.

    Raises `BadSignatureError`, `BadEventError`, and `UnavailableError` where Stripe is not connected.
    """
    put_event(db.session.connection(), read_event(stripe(), payload, signature))


def read_event(gateway: StripeGateway, payload: bytes, signature: str) -> Values:
    """What to store of a body that Stripe signed.

    An event of the other mode (live or test), or of a kind that changes nothing here, is kept as ignored and without
    its content: a portal session's holds an address that opens somebody's billing.
    Raises `BadSignatureError`, `BadEventError`.
    """
    verified = gateway.verify_event(payload, signature)
    event = _parse(verified.text)
    customer_id, object_id = _about(event["data"])
    ignored = _why_ignored(gateway, event)
    now = utcnow()
    return {
        "id": event["id"],
        "type": event["type"],
        "livemode": event["livemode"],
        "payload": "{}" if ignored else verified.text,
        "customer_id": customer_id,
        "object_id": object_id,
        "secret_hint": verified.secret_hint,
        "ignored_because": ignored,
        "status": EventStatus.IGNORED if ignored else EventStatus.PENDING,
        "attempts": 0,
        "created_at": from_timestamp(event["created"]),
        "received_at": now,
        "next_attempt_at": None if ignored else now,
    }


def put_event(connection: Connection, event: Mapping[str, Any]) -> None:
    """Insert what `read_event` gave unless it is there, in the connection's transaction."""
    connection.execute(NEW_EVENT[connection.dialect.name], event)


def _why_ignored(gateway: StripeGateway, event: Values) -> IgnoredBecause | None:
    kind: str = event["type"]
    if event["livemode"] != gateway.is_live:
        return IgnoredBecause.OTHER_MODE
    is_kept = kind in KEPT or (kind.startswith(KEPT_PREFIXES) and kind not in NOT_KEPT)
    return None if is_kept else IgnoredBecause.KIND


def _about(data: Values) -> tuple[str | None, str | None]:
    """The ids of the customer and of the object; None for whatever else a signed body may hold in their place.

    A payment method that was detached names its customer only among what it was before.
    """
    found = data["object"]
    object_id = _id(found.get("id"))
    if found.get("object") == "customer":
        return object_id, object_id
    earlier = data.get("previous_attributes")
    before = earlier.get("customer") if isinstance(earlier, dict) else None
    return _id(found.get("customer") or before), object_id


def _id(value: object) -> str | None:
    is_id = isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable()
    return str(value) if is_id else None


def _parse(text: str) -> Values:
    """The event in a body. Raises `BadEventError`."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        raise BadEventError("The body is not JSON.") from None
    if not isinstance(event, dict) or any(type(event.get(name)) is not kind for name, kind in KINDS.items()):
        raise BadEventError("The body is not a Stripe event.")
    is_short = 0 < len(event["id"]) <= LONGEST_ID and len(event["type"]) <= LONGEST_TYPE
    is_plain = (event["id"] + event["type"]).isprintable()
    is_about_something = isinstance(event["data"].get("object"), dict)
    if not (is_short and is_plain and is_about_something and 0 < event["created"] < YEAR_9999):
        raise BadEventError("The body is not a Stripe event.")
    return event
