"""In whatever order events of one subscription come, doubled and with poison among them, we end as Stripe is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest
from sqlalchemy import func, select

from jobs.retry_stripe_events import retry_stripe_events
from jobs.work import Work
from portal.billing.models import Subscription
from portal.billing.queries import known_billing
from portal.extensions import db
from portal.gateways.stripe_objects import CustomerSnapshot, HeldChange, InvoiceSnapshot, SubscriptionSnapshot
from portal.identity.models import Organization
from portal.stripe_mirror.models import EventStatus, StripeEvent
from portal.stripe_mirror.receiving import store_event
from tests.factories import World, make_organization
from tests.fakes import CARD, SUBSCRIPTION, FakeStripe
from tests.support.stripe_events import event, signature

HELD = HeldChange("sub_sched_1", "Starter", 3, 2_700, "month", 1, datetime(2027, 1, 1, tzinfo=UTC))
STATES = (
    replace(SUBSCRIPTION, status="incomplete", latest_invoice_id="in_1"),
    replace(SUBSCRIPTION, status="active", latest_invoice_id="in_1"),
    replace(SUBSCRIPTION, seats=8, amount_minor=24_000, discount="20% off", latest_invoice_id="in_2"),
    replace(SUBSCRIPTION, seats=8, amount_minor=24_000, held=HELD, latest_invoice_id="in_2"),
)
"""What the subscription was when the first four events were made. The fifth is made when it is what it stays."""
LAST = replace(STATES[-1], status="past_due", held=None, cancel_at_period_end=True, seats=7)
ORDERS = list(permutations(range(5)))


class Customer:
    """One customer with its subscription, and the order in which its events arrive."""

    def __init__(self, number: int, order: Sequence[int], last: SubscriptionSnapshot | None) -> None:
        self.id, self.order, self.card = f"cus_{number}", order, replace(CARD, id=f"pm_{number}")
        self.states = [replace(state, id=f"sub_{number}") if state else None for state in (*STATES, last)]
        self.organization = make_organization(f"Customer {number}", customer=self.id)

    def at_stripe(self, step: int) -> CustomerSnapshot:
        """Stripe is at least where the events that have arrived say: it is ahead, never behind."""
        plan = self.states[max(self.order[: step + 1])]
        name, email = self.organization.name, self.organization.billing_email
        return CustomerSnapshot(self.id, False, name, email, self.card, (plan,) if plan else ())

    def body(self, step: int) -> bytes:
        """The event as it was made: with the object of then, and all of one second."""
        number = self.order[step]
        plan = self.states[number]
        kind = "created" if number == 0 else "updated" if plan else "deleted"
        was = {"status": plan.status if plan else "canceled", "quantity": plan.seats if plan else 0}
        obj = {"id": f"sub_{self.id}", "object": "subscription", "customer": self.id, **was}
        return event(f"customer.subscription.{kind}", obj, f"evt_{self.id}_{number}")


def deliver(bodies: Sequence[bytes]) -> None:
    """In one transaction, each of them twice."""
    for body in bodies:
        for _ in range(2):
            store_event(body, signature(body))
    db.session.commit()


def run(stripe: FakeStripe, customers: Sequence[Customer]) -> None:
    """An event of each customer arrives and is handled, then the next of each; then all come once more."""
    for step in range(5):
        for customer in customers:
            stripe.customers[customer.id] = customer.at_stripe(step)
        poison = [
            event("invoice.paid", {"id": "in_poison", "customer": each.id}, f"evt_poison_{each.id}")
            for each in (customers[step::40] if step else ())  # the first reading takes what it finds
        ]
        deliver([*(customer.body(step) for customer in customers), *poison])
        retry_stripe_events(Work("worker"))
    deliver([customer.body(step) for customer in customers for step in range(5)])
    woken = select(StripeEvent.id).where(
        StripeEvent.status == EventStatus.PENDING, StripeEvent.id.not_like("evt_poison%")
    )
    assert not db.session.scalars(woken).all(), "what has been handled stays so"


@pytest.fixture
def poisoned(stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch) -> FakeStripe:
    """One invoice that cannot be read, whatever is tried."""
    original = stripe.invoice

    def invoice(invoice_id: str) -> InvoiceSnapshot:
        if invoice_id == "in_poison":
            raise KeyError("a field that Stripe has renamed")
        return original(invoice_id)

    monkeypatch.setattr(stripe, "invoice", invoice)
    return stripe


def test_every_order_of_five_events_ends_in_stripes_state(world: World, poisoned: FakeStripe) -> None:
    plans = [*((order, LAST) for order in ORDERS), *((order, None) for order in ORDERS[::5])]
    customers = [Customer(number, order, last) for number, (order, last) in enumerate(plans)]
    db.session.commit()
    run(poisoned, customers)
    db.session.expire_all()
    for customer in customers:
        known = known_billing(db.session.get_one(Organization, customer.organization.id))
        assert known.subscription == customer.states[-1], customer.order
        assert known.card == customer.card
    ended = select(func.count()).select_from(Subscription).where(Subscription.status == "canceled")
    seen = [customer for customer in customers if customer.states[-1] is None and customer.order[0] != 4]
    assert db.session.scalar(ended) == len(seen), "what was seen before its end is a tombstone"
    waiting = select(StripeEvent.id, StripeEvent.last_error).where(StripeEvent.status != EventStatus.HANDLED)
    found = db.session.execute(waiting).all()
    assert {row.last_error for row in found} == {"KeyError"}
    assert len(found) == sum(len(customers[step::40]) for step in range(1, 5))
    assert all(row.id.startswith("evt_poison_") for row in found)
