"""An emptied mirror, filled again from the stored events or by a reconciliation, is the same mirror."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from jobs.reconcile_stripe import reconcile_stripe
from jobs.retry_stripe_events import retry_stripe_events
from jobs.work import Work
from portal.actor import Actor, ActorKind
from portal.billing.models import CreditNote, PaymentMethod, Subscription
from portal.company.models import BillingDetails, TaxId
from portal.extensions import db
from portal.gateways.stripe_api import StripeGateway
from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceLine
from portal.kit.clock import moment
from portal.permissions import StaffRole
from portal.stripe_mirror.models import EventStatus, StripeEvent, StripeSync
from portal.stripe_mirror.receiving import store_event
from portal.stripe_mirror.reconcile import plan_reconciliation
from portal.stripe_mirror.replay import replay_since
from portal.stripe_mirror.rows import Rows, mirror_rows
from tests.factories import World
from tests.portal.gateways.stripe_gateway import NEW_SECRET, real  # noqa: F401
from tests.support.processes import wait_until
from tests.support.stripe_customers import NewCustomer, new_customer, plans, standin  # noqa: F401
from tests.support.stripe_standin import Receiver, StripeStandin

MIRROR = (PaymentMethod, Subscription, CreditNote, InvoiceLine, Invoice, TaxId, BillingDetails, StripeSync)
LEAD = Actor(ActorKind.STAFF, "usr_lead", "Lead", staff_role=StaffRole.LEAD)


@pytest.fixture
def heard(standin: StripeStandin) -> Iterator[Receiver]:  # noqa: F811
    """Everything that the stand-in tells."""
    with Receiver() as receiver:
        standin.set_webhook(receiver.url, NEW_SECRET)
        yield receiver
        standin.drop_webhooks()


def live(standin: StripeStandin, new_customer: NewCustomer) -> str:  # noqa: F811
    """A customer with a bit of everything in its past."""
    customer_id = new_customer(base=1, seat=5)
    api = standin.client().v1
    spare = api.payment_methods.attach("pm_card_mastercard", {"customer": customer_id})
    gone = api.payment_methods.attach("pm_card_amex", {"customer": customer_id})
    api.payment_methods.detach(gone.id)
    address: Any = {"line1": "1 Road", "city": "Berlin", "postal_code": "10115", "country": "DE"}
    api.customers.update(customer_id, {"address": address, "name": "Acme GmbH"})
    tax_id = api.customers.tax_ids.create(customer_id, {"type": "eu_vat", "value": "DE136695976"})
    assert tax_id.id
    assert spare.id
    (paid,) = api.invoices.list({"customer": customer_id}).data
    credit: Any = {"invoice": paid.id, "amount": 500, "credit_amount": 500, "reason": "order_change"}
    api.credit_notes.create(credit)
    (charge,) = api.charges.list({"customer": customer_id}).data
    standin.refund(charge.id, 700)
    return customer_id


def rows(world: World) -> Rows:
    db.session.expire_all()
    found = mirror_rows(db.session.get_one(Organization, world.acme.organization_id))
    db.session.rollback()
    return found


def forget_mirror() -> None:
    for model in MIRROR:
        db.session.execute(delete(model))
    db.session.commit()


def test_events_and_a_reconciliation_build_the_same_mirror(
    app: Flask,
    world: World,
    standin: StripeStandin,  # noqa: F811
    real: StripeGateway,  # noqa: F811
    heard: Receiver,
    new_customer: NewCustomer,  # noqa: F811
) -> None:
    app.extensions["portal"].stripe = real
    acme = db.session.get_one(Organization, world.acme.organization_id)
    acme.stripe_customer_id = customer_id = live(standin, new_customer)
    db.session.commit()
    wait_until("everything told", lambda: all(row["state"] == "delivered" for row in standin.deliveries()))
    for told in heard.received:
        store_event(told.body, told.signature)
    db.session.commit()

    assert retry_stripe_events(Work("worker")) > 10
    status = select(StripeEvent.id, StripeEvent.type).where(
        StripeEvent.customer_id == customer_id, StripeEvent.status != EventStatus.HANDLED
    )
    left = {row.type for row in db.session.execute(status)}
    assert not {
        kind for kind in left if kind.startswith(("customer.", "invoice.", "credit_note.", "payment_method."))
    }
    at_first = rows(world)
    kinds = [kind for kind, _ in at_first]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "customer": 1,
        "payment_method": 2,
        "subscription": 1,
        "credit_note": 1,
        "tax_id": 1,
        "invoice": 1,
    }

    forget_mirror()
    assert replay_since(LEAD, moment(0), "Rebuilding the mirror") > 10
    db.session.commit()
    retry_stripe_events(Work("worker"))
    assert rows(world) == at_first

    forget_mirror()
    plan_reconciliation()
    db.session.commit()
    assert reconcile_stripe(Work("worker")) == 1
    assert rows(world) == at_first
