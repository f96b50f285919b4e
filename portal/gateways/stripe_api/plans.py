"""Calls about plans: subscriptions, held changes, prices, and what the next charge will be."""

from datetime import datetime
from functools import partial
from typing import Literal

from portal.gateways.stripe_api.client import Connection, path_of
from portal.gateways.stripe_api.errors import StripeRefusedError
from portal.gateways.stripe_objects.kit import Tree
from portal.gateways.stripe_objects.plans import Lookups, SubscriptionSnapshot, subscription_snapshot
from portal.gateways.stripe_objects.previews import PreviewSnapshot, preview_snapshot
from portal.gateways.stripe_objects.prices import PriceSnapshot, price_snapshot

SUBSCRIPTION_PARTS = ("default_payment_method", "schedule", "discounts")
NOTHING_UPCOMING = "invoice_upcoming_none"
Proration = Literal["always_invoice", "create_prorations", "none"]


class PlanCalls(Connection):
    """Reading plans and prices, previews, and taking back what is planned. Plans are switched in Stripe's portal."""

    def _subscription(self, data: Tree, discount: Tree | None, tries: int) -> SubscriptionSnapshot:
        items = data["items"]
        if items["has_more"]:
            listed = {"subscription": data["id"]}
            every = self._all_of(items, path_of("subscription_items"), listed, tries=tries)
            data = {**data, "items": {**items, "data": every}}
        lookups = Lookups(
            partial(self._product_name, tries=tries),
            partial(self._price, tries=tries),
            partial(self._coupon, tries=tries),
        )
        return subscription_snapshot(data, lookups, discount)

    def _product_name(self, product_id: str, *, tries: int = 2) -> str:
        path = path_of("products", product_id)
        return self._keep(path, lambda: str(self._get(path, tries=tries)["name"]))

    def _price(self, price_id: str, *, tries: int = 2) -> Tree:
        path = path_of("prices", price_id)
        return self._keep(path, lambda: self._get(path, tries=tries))

    def _coupon(self, coupon_id: str, *, tries: int = 2) -> Tree:
        path = path_of("coupons", coupon_id)
        return self._keep(path, lambda: self._get(path, tries=tries))

    def prices(self, product_ids: list[str]) -> list[PriceSnapshot]:
        """The recurring prices of these products that are on sale, as known for at most ten minutes."""
        return [price for product in product_ids for price in self._prices_of(product)]

    def _prices_of(self, product_id: str) -> list[PriceSnapshot]:
        wanted = {"product": product_id, "active": True, "type": "recurring", "expand": ["data.tiers"]}

        def read() -> list[PriceSnapshot]:
            found = self._pages(path_of("prices"), wanted)
            return [price_snapshot(item, self._product_name) for item in found]

        return self._keep(f"prices of {product_id}", read)

    def preview_next(
        self, customer_id: str, subscription_id: str, *, tries: int = 1
    ) -> PreviewSnapshot | None:
        """The next charge for a subscription with every part; None where nothing is upcoming."""
        wanted = {"customer": customer_id, "subscription": subscription_id}
        try:
            return self._preview(wanted, tries=tries)
        except StripeRefusedError as error:
            if error.code == NOTHING_UPCOMING:
                return None
            raise

    def preview_switch(
        self,
        customer_id: str,
        subscription_id: str,
        item_id: str,
        price_id: str,
        quantity: int,
        *,
        proration_at: datetime,
        proration: Proration = "always_invoice",
        tries: int = 1,
    ) -> PreviewSnapshot:
        """The next charge if the item became this price now; nothing is changed.

        With `always_invoice` it is what would be charged at once, with `create_prorations` the next regular charge.
        Which of them is true says the portal configuration. `proration_at` is the moment up to which the present
        plan counts.
        """
        details = {
            "items": [{"id": item_id, "price": price_id, "quantity": quantity}],
            "proration_behavior": proration,
            "proration_date": int(proration_at.timestamp()),
        }
        wanted = {"customer": customer_id, "subscription": subscription_id, "subscription_details": details}
        return self._preview(wanted, tries=tries, proration_at=proration_at)

    def _preview(self, wanted: Tree, *, tries: int, proration_at: datetime | None = None) -> PreviewSnapshot:
        data = self._post(path_of("invoices", "create_preview"), wanted, key=None, tries=tries)
        lines = self._all_of(data["lines"], path_of("invoices", data["id"], "lines"), {}, tries=tries)
        return preview_snapshot(data, lines, partial(self._price, tries=tries), proration_at)

    def keep_subscription(self, subscription_id: str, *, idempotency_key: str) -> None:
        """Take a planned end back; without one nothing is done."""
        path = path_of("subscriptions", subscription_id)
        data = self._get(path)
        if data["cancel_at_period_end"]:
            self._post(path, {"cancel_at_period_end": False}, key=idempotency_key)
        elif data.get("cancel_at"):
            self._post(path, {"cancel_at": ""}, key=idempotency_key)

    def release_schedule(self, schedule_id: str, *, idempotency_key: str) -> None:
        """Take a held change back: the plan stays what it is. One that does not wait any more is refused by Stripe."""
        self._post(path_of("subscription_schedules", schedule_id, "release"), {}, key=idempotency_key)
