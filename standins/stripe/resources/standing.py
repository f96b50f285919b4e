"""What follows for subscription and customer from the state of their invoices."""

from standins.stripe.store import Obj
from standins.stripe.world import World

OVER = ("canceled", "incomplete_expired")


def follow(world: World, invoice: Obj) -> None:
    """Brings the status of the invoice's subscription and the customer's `delinquent` up to date."""
    ident = subscription_of(invoice)
    if ident and world.store.find(ident, "subscription"):
        with world.changing("subscription", ident, "customer.subscription.updated") as subscription:
            if subscription["latest_invoice"] == invoice["id"]:
                subscription["status"] = _status(subscription["status"], invoice)
    owner = world.store.find(invoice["customer"], "customer")
    if owner and not owner.get("_deleted"):
        with world.changing("customer", owner["id"], "customer.updated") as customer:
            open_ones = world.store.all("invoice", owner["id"])
            customer["delinquent"] = any(is_late(row) for row in open_ones)


def subscription_of(invoice: Obj) -> str | None:
    """The id of the subscription that an invoice belongs to."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return str(details["subscription"]) if details else None


def is_late(invoice: Obj) -> bool:
    """Whether a payment failed or the due date has passed, and nothing was paid since."""
    return bool(invoice["status"] == "open" and (invoice["attempted"] or invoice.get("_overdue")))


def _status(status: str, invoice: Obj) -> str:
    if status in (*OVER, "trialing"):
        return status
    if is_late(invoice):
        return status if status in ("incomplete", "unpaid") else "past_due"
    settled = invoice["status"] in ("paid", "uncollectible", "void")
    if status == "incomplete":
        return "active" if invoice["status"] == "paid" else status
    return "active" if settled else status
