"""How a subscription begins, renews, and ends."""

from typing import Any

from standins.stripe.amounts import TIMES
from standins.stripe.errors import ApiError
from standins.stripe.periods import end_after
from standins.stripe.resources import (
    discount_engine,
    invoice_drafts,
    invoice_engine,
    invoice_items,
    pricing,
    standing,
)
from standins.stripe.store import Obj
from standins.stripe.world import World

INCOMPLETE_LIFE = 23 * 3600  # seconds until an unpaid first invoice ends the subscription


def items_of(world: World, subscription: str) -> list[Obj]:
    """The subscription's items with their whole price."""
    rows = world.store.children("subscription_item", subscription)
    return [row | {"price": world.get("price", row["price"])} for row in rows]


def period_of(world: World, subscription: str) -> tuple[int, int]:
    """Start and end of the current period (all items share it)."""
    first = world.store.children("subscription_item", subscription)[0]
    return first["current_period_start"], first["current_period_end"]


def set_period(world: World, subscription: str, start: int, end: int) -> None:
    """Gives every item this period."""
    for item in world.store.children("subscription_item", subscription):
        world.store.update(item | {"current_period_start": start, "current_period_end": end})


def next_end(world: World, subscription: Obj, start: int) -> int:
    """When a period that starts now ends, by the interval of the first item's price."""
    recurring = items_of(world, subscription["id"])[0]["price"]["recurring"]
    every = recurring["interval_count"]
    return end_after(subscription["billing_cycle_anchor"], start, recurring["interval"], every)


def bill(world: World, subscription: Obj, reason: str, *, at_once: bool, since: int | None = None) -> Obj:
    """Makes the invoice of the current period: a line per item, and what was pending.

    `at_once` finalizes it in this step (`charge_first` then charges the card); otherwise time does both, an
    hour later. `since` is where the period that has ended began.
    """
    invoice = invoice_drafts.draft(
        world, subscription["customer"], reason, subscription["currency"], subscription
    )
    invoice["period_start"] = since or invoice["period_end"]
    start, end = period_of(world, subscription["id"])
    for item in items_of(world, subscription["id"]):
        _add_item_line(world, invoice, subscription, item, start, end)
    invoice_items.take_up(world, invoice, subscription=subscription["id"])
    if subscription["status"] != "trialing":
        _spend_discounts(world, subscription)
    return publish(world, subscription, invoice, at_once=at_once)


def _spend_discounts(world: World, subscription: Obj) -> None:
    with world.changing("subscription", subscription["id"]) as stored:
        discount_engine.spend(world, stored)


def publish(world: World, subscription: Obj, invoice: Obj, *, at_once: bool) -> Obj:
    """Announces an invoice as the subscription's latest; with `at_once` finalizes it too."""
    finalizes_at = None if at_once else invoice["created"] + invoice_drafts.DRAFT_HOUR
    invoice_drafts.announce(world, invoice, finalizes_at)
    with world.changing("subscription", subscription["id"], "customer.subscription.updated") as stored:
        stored["latest_invoice"] = invoice["id"]
    return invoice_engine.finalize(world, invoice["id"]) if at_once else invoice


def _add_item_line(world: World, invoice: Obj, subscription: Obj, item: Obj, start: int, end: int) -> None:
    price, trial = item["price"], subscription["status"] == "trialing"
    name = world.get("product", price["product"])["name"]
    parts = pricing.parts(price, item["quantity"])
    details = {"invoice_item": None, "proration": False, "proration_details": {"credited_items": None}}
    details |= {"subscription": subscription["id"], "subscription_item": item["id"]}
    parent: Obj = {"type": "subscription_item_details", "subscription_item_details": details}
    for part in parts[:1] if trial else parts:
        counted = f"{part.quantity} {TIMES} {name} ({part.words})"
        invoice_drafts.add_line(
            world,
            invoice,
            0 if trial else part.amount,
            f"Trial period for {name}" if trial else counted,
            price=price,
            unit=str(part.amount if part.unit is None else part.unit),
            quantity=part.quantity,
            period={"start": start, "end": end},
            parent=parent | {"invoice_item_details": None},
        )


def charge_first(world: World, invoice: Obj) -> ApiError | None:
    """Charges an invoice that was finalized just now, unless it is paid or was sent."""
    if invoice["status"] != "open" or invoice["collection_method"] == "send_invoice":
        return None
    return invoice_engine.attempt(world, invoice["id"])


def renew(world: World, ident: str) -> Obj | None:
    """The end of a period or of a trial: the next period begins with a draft, or the subscription ends."""
    subscription = world.get("subscription", ident)
    since, end_of_period = period_of(world, ident)
    if subscription["cancel_at_period_end"]:
        end(world, ident)
        return None
    with world.changing("subscription", ident, "customer.subscription.updated") as subscription:
        if subscription["status"] == "trialing":
            subscription |= {"status": "active", "billing_cycle_anchor": end_of_period}
        _enter_phase(world, subscription, end_of_period)
        set_period(world, ident, end_of_period, next_end(world, subscription, end_of_period))
    return bill(world, subscription, "subscription_cycle", at_once=False, since=since)


def _enter_phase(world: World, subscription: Obj, at: int) -> None:
    """The end of a period under a schedule: what was held comes into force, or the schedule is over."""
    schedule = world.store.find(subscription["schedule"] or "", "subscription_schedule")
    if schedule is None:
        return
    phase = next((phase for phase in schedule["phases"] if phase["start_date"] == at), None)
    if phase is None:
        subscription["schedule"] = None
        _close_schedule(world, schedule["id"], "released", "released_at")
        return
    first, given = world.store.children("subscription_item", subscription["id"])[0], phase["items"][0]
    interval = world.get("price", first["price"])["recurring"]
    if world.get("price", given["price"])["recurring"] != interval:
        subscription["billing_cycle_anchor"] = at
    world.store.update(first | {"price": given["price"], "quantity": given["quantity"]})
    dates = {"start_date": phase["start_date"], "end_date": phase["end_date"]}
    with world.changing("subscription_schedule", schedule["id"], "subscription_schedule.updated") as stored:
        stored["current_phase"] = dates


def let_go(world: World, schedule: Obj) -> Obj:
    """Ends a schedule while its subscription goes on as it is; gives the schedule."""
    with world.changing(
        "subscription", schedule["subscription"], "customer.subscription.updated"
    ) as subscription:
        subscription["schedule"] = None
    return _close_schedule(world, schedule["id"], "released", "released_at")


def _close_schedule(world: World, ident: str, status: str, stamp: str) -> Obj:
    with world.changing("subscription_schedule", ident) as schedule:
        was = schedule["subscription"]
        schedule |= {"status": status, stamp: world.now(schedule["customer"]), "current_phase": None}
        if status == "released":
            schedule |= {"subscription": None, "released_subscription": was}
    world.emit(f"subscription_schedule.{status}", world.render(schedule))
    return schedule


def give_up(world: World, ident: str) -> None:
    """What happens to a subscription after the last retry of its invoice: `world.after_last_retry` says it."""
    if world.after_last_retry == "cancel":
        end(world, ident, reason="payment_failed")
    elif world.after_last_retry == "unpaid":
        with world.changing("subscription", ident, "customer.subscription.updated") as subscription:
            subscription["status"] = "unpaid"


def end(world: World, ident: str, **details: Any) -> Obj:
    """Ends a subscription now; drafts and retries of its invoices stop."""
    subscription = world.get("subscription", ident)
    now = world.now(subscription["customer"])
    subscription |= {"status": "canceled", "canceled_at": subscription["canceled_at"] or now, "ended_at": now}
    given = {name: value for name, value in details.items() if value is not None}
    reason = {"reason": subscription["cancellation_details"]["reason"] or "cancellation_requested"}
    subscription["cancellation_details"] = subscription["cancellation_details"] | reason | given
    if subscription["schedule"]:
        _close_schedule(world, subscription["schedule"], "canceled", "canceled_at")
        subscription["schedule"] = None
    world.store.update(subscription)
    world.emit("customer.subscription.deleted", world.render(subscription))
    _stop_invoices(world, subscription)
    return subscription


def expire(world: World, ident: str) -> None:
    """The first invoice was not paid in time."""
    with world.changing("subscription", ident, "customer.subscription.updated") as subscription:
        subscription |= {"status": "incomplete_expired", "ended_at": world.now(subscription["customer"])}
    latest = world.store.find(subscription["latest_invoice"] or "", "invoice")
    if latest and latest["status"] == "open":
        invoice_engine.close(world, latest["id"], "void")


def _stop_invoices(world: World, subscription: Obj) -> None:
    for invoice in world.store.all("invoice", subscription["customer"]):
        waiting = invoice["status"] in ("draft", "open")
        if waiting and standing.subscription_of(invoice) == subscription["id"]:
            with world.changing("invoice", invoice["id"], "invoice.updated") as stored:
                stored |= {
                    "auto_advance": False,
                    "next_payment_attempt": None,
                    "automatically_finalizes_at": None,
                }
