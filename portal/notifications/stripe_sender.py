"""Telling Stripe what was changed here: the present state, whatever it was when the message was put in."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from portal.billing.queries import organization_by_customer
from portal.company.models import TaxId, TaxIdStatus
from portal.company.queries import address_of, details_row, holders_of, tax_ids_of, tax_ids_to_push
from portal.company.tax_id_checks import is_same_number
from portal.company.tax_ids import CUSTOMER_TAX_IDS
from portal.company.telling import CUSTOMER_DETAILS, details_of_message
from portal.context import stripe
from portal.errors import NotFoundError
from portal.extensions import release_connection
from portal.gateways.stripe_api import StripeRefusedError
from portal.gateways.stripe_objects import AddressSnapshot, TaxIdSnapshot
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage
from portal.notifications.outbox import RESENT, ask_again, mark_delivered
from portal.stripe_mirror.sync import advance_version

Finish = Callable[[OutboxMessage], None]
MOST_AT_ONCE = 4
"""Tax ids told of in one try: each may take four seconds, and all must be done within the message's lease."""
REFUSED_PARTS = ("type", "value")


@dataclass(frozen=True, slots=True)
class _Details:
    """What Stripe prints. None is left alone there: nobody has changed it here."""

    name: str | None
    email: str | None
    address: AddressSnapshot | None
    purchase_order: str | None


@dataclass(slots=True)
class _Ours:
    """What we want of a customer's tax ids: the numbers that are to be there, and which id is which row's."""

    wanted: list[tuple[str, str]]
    kept: dict[str, str]
    leaving: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Step:
    """A tax id to be told of, and what came of it."""

    id: str
    type: str
    value: str
    stripe_id: str | None
    is_removed: bool
    is_refused: bool = False


def tell_stripe(message: OutboxMessage) -> Finish:
    """Tell Stripe what a message is about; nothing is locked meanwhile. Raises what the gateway raises."""
    return TOPICS[message.topic](message)


def _tell_details(message: OutboxMessage) -> Finish:
    """Only what was changed here: what was changed at Stripe meanwhile is not ours to undo."""
    customer_id, organization = message.recipient, _organization(message)
    names = details_of_message(message.payload)
    organization_id, told = organization.id, _details(organization, names)
    key = f"{_key(message)}-{sha256(repr(told).encode()).hexdigest()[:12]}"
    release_connection()
    stripe().update_customer(
        customer_id,
        name=told.name,
        email=told.email,
        address=told.address,
        purchase_order=told.purchase_order,
        idempotency_key=key,
    )

    def finish(sent: OutboxMessage) -> None:
        """Readings of Stripe from before now are stale; and what changed here meanwhile is told once more."""
        advance_version(customer_id)  # before the organization, as every reading does: no deadlock
        if _details(organization_by_id(organization_id, lock=True), names) == told:
            mark_delivered(sent)
        else:
            ask_again(sent, utcnow())

    return finish


def _tell_tax_ids(message: OutboxMessage) -> Finish:
    """Read what Stripe has before writing: what an earlier try did without our hearing of it is not done twice."""
    customer_id, organization_id = message.recipient, _organization(message).id
    waiting = tax_ids_to_push(organization_id)
    steps = [
        _Step(row.id, row.type, row.value, row.stripe_id, row.deleted_at is not None)
        for row in waiting[:MOST_AT_ONCE]
    ]
    ours, key = _ours(organization_id, waiting), _key(message)
    release_connection()
    there = list(stripe().customer(customer_id).tax_ids) if steps else []
    for step in steps:
        if step.is_removed:
            _remove(customer_id, step, there, ours, key)
        else:
            _add(customer_id, step, there, ours, key)

    def finish(sent: OutboxMessage) -> None:
        advance_version(customer_id)
        organization_by_id(organization_id, lock=True)
        is_all = _note_told(organization_id, {step.id: step for step in steps})
        mark_delivered(sent) if is_all else ask_again(sent, utcnow())

    return finish


def _ours(organization_id: str, waiting: Sequence[TaxId]) -> _Ours:
    present = tax_ids_of(organization_id)
    return _Ours(
        wanted=[(row.type, row.value) for row in present],
        kept={row.stripe_id: row.id for row in present if row.stripe_id},
        leaving={row.stripe_id for row in waiting if row.stripe_id and row.deleted_at},
    )


def _remove(customer_id: str, step: _Step, there: list[TaxIdSnapshot], ours: _Ours, key: str) -> None:
    """By its id; by its number only where we never heard the id, and nobody wants the number again."""
    is_wanted = any(_is_same(step, *other) for other in ours.wanted)
    is_by_number = step.stripe_id is None and not is_wanted
    for known in list(there):
        is_meant = known.id == step.stripe_id or (is_by_number and _is_same(step, known.type, known.value))
        if is_meant and known.id not in ours.kept:
            stripe().delete_tax_id(customer_id, known.id, idempotency_key=f"{key}-{known.id}-remove")
            there.remove(known)


def _add(customer_id: str, step: _Step, there: list[TaxIdSnapshot], ours: _Ours, key: str) -> None:
    """Take the one that is there already; of two rows with one number the first has it, and there is no second."""
    same = [known for known in there if _is_same(step, known.type, known.value)]
    if any(ours.kept.get(known.id, step.id) != step.id for known in same):
        return
    found = next((known for known in same if known.id not in ours.leaving), None)
    try:
        found = found or stripe().create_tax_id(
            customer_id, step.type, step.value, idempotency_key=f"{key}-{step.id}-add"
        )
    except StripeRefusedError as error:
        if error.param not in REFUSED_PARTS:
            raise
        step.is_refused = True
        return
    step.stripe_id = found.id
    ours.kept[found.id] = step.id
    there.append(found)


def _note_told(organization_id: str, steps: dict[str, _Step]) -> bool:
    """Write what Stripe has now; whether nothing else waits. A number that was removed meanwhile keeps waiting."""
    rows = tax_ids_to_push(organization_id)
    holders = holders_of([step.stripe_id for step in steps.values() if step.stripe_id])
    is_all = True
    for row in rows:
        step = steps.get(row.id)
        if step is None:
            is_all = False
            continue
        if step.stripe_id and holders.get(step.stripe_id, row.id) == row.id:
            row.stripe_id = row.stripe_id or step.stripe_id
        if step.is_removed != (row.deleted_at is not None):
            is_all = False
            continue
        row.pushed_at = utcnow()
        if step.is_refused:
            row.status, row.next_attempt_at = TaxIdStatus.REFUSED, None
    return is_all


def _is_same(step: _Step, type_: str, value: str) -> bool:
    return step.type == type_ and is_same_number(step.value, value)


def _details(organization: Organization, names: Collection[str]) -> _Details:
    row = details_row(organization.id)
    address = address_of(row)
    return _Details(
        organization.name if "name" in names else None,
        organization.billing_email if "billing_email" in names else None,
        address if "address" in names and address.country else None,
        row.purchase_order if row and "purchase_order" in names else None,
    )


def _key(message: OutboxMessage) -> str:
    """Another for each try: under one key Stripe would refuse other values, or repeat a failure that it has stored."""
    return f"{message.message_key}-{message.payload.get(RESENT, 0)}-{message.attempts}"


def _organization(message: OutboxMessage) -> Organization:
    organization = organization_by_customer(message.recipient)
    if organization is None:
        raise NotFoundError("No organization has this Stripe customer.")
    return organization


TOPICS: dict[str, Callable[[OutboxMessage], Finish]] = {
    CUSTOMER_DETAILS: _tell_details,
    CUSTOMER_TAX_IDS: _tell_tax_ids,
}
