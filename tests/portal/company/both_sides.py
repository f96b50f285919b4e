"""What a change here and one at Stripe do to each other: Stripe's side, and the messages to it."""

from dataclasses import replace
from typing import Any

from portal.audit.models import AuditEntry
from portal.company.queries import CompanyDetails, company_details
from portal.extensions import db
from portal.gateways.stripe_objects import AddressSnapshot
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.notifications.delivery import deliver
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import claim_messages
from tests.factories import World
from tests.fakes import FakeStripe

BERLIN = AddressSnapshot("Hauptstr. 1", "", "Berlin", "", "10115", "DE")


def at_stripe(stripe: FakeStripe, **changes: Any) -> None:
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], **changes)


def numbers_at_stripe(stripe: FakeStripe) -> list[str]:
    return [known.value for known in stripe.customers["cus_acme"].tax_ids]


def details(world: World) -> CompanyDetails:
    db.session.expire_all()
    return company_details(db.session.get_one(Organization, world.acme.organization_id))


def entries() -> list[tuple[str, str]]:
    rows = db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.position))
    return [(row.actor_name, row.action) for row in rows]


def told() -> list[list[list[str]]]:
    rows = db.session.scalars(db.select(OutboxMessage).where(OutboxMessage.channel == Channel.EVENT))
    return [
        row.payload["lines"] or row.payload["changes"]
        for row in rows
        if row.topic == "billing-details-changed"
    ]


def push() -> None:
    """Send what is due to Stripe, also what waits for its next try."""
    db.session.commit()
    db.session.execute(
        db.update(OutboxMessage)
        .where(OutboxMessage.channel == Channel.STRIPE, OutboxMessage.status == OutboxStatus.PENDING)
        .values(next_attempt_at=utcnow())
    )
    while messages := claim_messages("worker", Channel.STRIPE, 1):
        deliver(messages[0].id, "worker")
