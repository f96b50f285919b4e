"""Acme's 14 months at Stripe, lived through with one of Stripe's test clocks: renewals, seats, a failed card.

https://docs.stripe.com/billing/testing/test-clocks
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import stripe

from demo.story import (
    ACME,
    CARD_FAILS_DAYS_AGO,
    CARD_REPLACED_AFTER_DAYS,
    FIRST_SEATS,
    MONTHS,
    PLAN_SWITCH_DAYS_AGO,
    SEAT_CHANGES,
    STARTED_DAYS_AGO,
    SeatChange,
)
from portal.config import Settings, SettingsError
from portal.gateways.stripe_api import API_VERSION

YEAR_IN_MONTHS = 10
LONGEST_STEP = timedelta(days=50)  # Stripe advances a clock by at most two billing intervals at a time


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that costs so many US cents a seat and month. One price and no other: Stripe's portal switches only
    plans of one item."""

    name: str
    seat: int


STARTER, PRO = Plan("Starter", 1_200), Plan("Pro", 1_600)


class StripeHistory:
    """Makes the customer and lives its life up to now. Amounts are US cents."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        if settings.stripe_secret_key is None:
            raise SettingsError("STRIPE_SECRET_KEY: is missing")
        addresses: Any = {"api": settings.stripe_api_base} if settings.stripe_api_base else {}
        self.client = stripe.StripeClient(
            settings.stripe_secret_key.get_secret_value(),
            stripe_version=API_VERSION,
            base_addresses=addresses,
        ).v1
        self.now = now
        self.clock = ""

    def live(self, billing_email: str) -> str:
        """Go through all of it; returns the customer's id."""
        start = self.now - timedelta(days=STARTED_DAYS_AGO)
        clock = self.client.test_helpers.test_clocks.create({"frozen_time": _seconds(start), "name": ACME})
        self.clock = clock.id
        customer = self.client.customers.create(
            {"name": ACME, "email": billing_email, "test_clock": self.clock, "metadata": {"demo": "acme"}}
        ).id
        self._use_card(customer, "pm_card_visa")
        starter, pro = self._sell(STARTER), self._sell(PRO)
        subscription = self.client.subscriptions.create(
            {
                "customer": customer,
                "items": [{"price": starter, "quantity": FIRST_SEATS}],
            }
        ).id
        for days_ago, happening in sorted(
            self._happenings(customer, subscription, pro), key=lambda item: -item[0]
        ):
            self._advance(self.now - timedelta(days=days_ago))
            happening()
        self._advance(self.now)
        return customer

    def _happenings(self, customer: str, subscription: str, pro: str) -> Iterator[tuple[int, Any]]:
        for change in SEAT_CHANGES:
            yield change.days_ago, lambda change=change: self._set_seats(subscription, change)
        yield PLAN_SWITCH_DAYS_AGO, lambda: self._switch(subscription, pro)
        yield CARD_FAILS_DAYS_AGO, lambda: self._use_card(customer, "pm_card_chargeCustomerFail")
        renewal_after = self._renewal_after(CARD_FAILS_DAYS_AGO)
        yield renewal_after - CARD_REPLACED_AFTER_DAYS, lambda: self._replace_card(customer)

    def _renewal_after(self, days_ago: int) -> int:
        """How many days ago the plan renewed for the first time after `days_ago` (it renews monthly)."""
        start = self.now - timedelta(days=STARTED_DAYS_AGO)
        for months in range(1, MONTHS + 2):
            year, month = divmod(start.month - 1 + months, 12)
            renewal = start.replace(year=start.year + year, month=month + 1, day=min(start.day, 28))
            if renewal > self.now - timedelta(days=days_ago):
                return (self.now - renewal).days
        raise ValueError("the plan does not renew between the failing card and now")

    def _sell(self, plan: Plan) -> str:
        """Put a plan on sale: the id of its monthly price. The yearly one costs as much as ten months."""
        product = self.client.products.create({"name": plan.name, "unit_label": "seat"}).id
        key = plan.name.lower()
        self._price(product, plan.seat * YEAR_IN_MONTHS, "year", f"{key}-yearly")
        return self._price(product, plan.seat, "month", f"{key}-monthly")

    def _price(self, product: str, cents: int, interval: Literal["month", "year"], key: str) -> str:
        """A price for each seat, under the key by which stripe_portal.toml names it."""
        return self.client.prices.create(
            {
                "currency": "usd",
                "recurring": {"interval": interval},
                "product": product,
                "unit_amount": cents,
                "metadata": {"per": "seat"},
                "lookup_key": key,
                "transfer_lookup_key": True,  # a demo that was made before on this account has it
            }
        ).id

    def _set_seats(self, subscription: str, change: SeatChange) -> None:
        self.client.subscription_items.update(self._item(subscription), {"quantity": change.seats})

    def _switch(self, subscription: str, price: str) -> None:
        self.client.subscriptions.update(
            subscription, {"items": [{"id": self._item(subscription), "price": price}]}
        )

    def _item(self, subscription: str) -> str:
        return self.client.subscription_items.list({"subscription": subscription}).data[0].id

    def _use_card(self, customer: str, token: str) -> None:
        method = self.client.payment_methods.attach(token, {"customer": customer}).id
        self.client.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})

    def _replace_card(self, customer: str) -> None:
        """A working card, and the invoice that had failed paid with it."""
        self._use_card(customer, "pm_card_mastercard")
        for invoice in self.client.invoices.list({"customer": customer, "status": "open"}).data:
            self.client.invoices.pay(invoice.id)

    def _advance(self, to: datetime) -> None:
        """Move the clock, in steps that Stripe allows, waiting for each."""
        clocks = self.client.test_helpers.test_clocks
        while True:
            present = clocks.retrieve(self.clock)
            if present.status == "advancing":
                continue
            if present.frozen_time >= _seconds(to):
                return
            step = min(_seconds(to), present.frozen_time + int(LONGEST_STEP.total_seconds()))
            clocks.advance(self.clock, {"frozen_time": step})


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
