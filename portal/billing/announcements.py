"""What is told of changes to billing, whether they began here or at Stripe."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.queries import entries_about
from portal.audit.wording import field_changes
from portal.billing.models import Subscription
from portal.billing.payment_trouble import payment_state
from portal.extensions import db
from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceStatus
from portal.notifications.events import Event, announce

Fields = dict[str, Any]
HELD = ("held_plan_name", "held_seats")
PLAN_TERMS = (
    "plan_name",
    "seats",
    "amount_minor",
    "currency",
    "interval",
    "interval_count",
    "cancel_at_period_end",
    *HELD,
)
"""What a plan is to its customer. How its payment stands is told with the invoice."""
OWN_KINDS = {
    "ending": ("cancel_at_period_end",),
    "kept": ("cancel_at_period_end",),
    "planned": HELD,
    "released": HELD,
}
"""Kinds of changed plans whose words say by themselves what became of these terms."""
TAKEN_BACK = {"kept": Action.PLAN_KEPT, "released": Action.HELD_CHANGE_RELEASED}
NOT_YET = ("incomplete", "incomplete_expired")
"""The first payment of a plan has not come, and may never."""


def details_changed(actor: Actor, organization: Organization, before: Fields, after: Fields) -> None:
    """Tell of another billing email, and of other details, each to those whom it concerns."""
    old, new = before["billing_email"], after["billing_email"]
    if old != new:
        announce(
            Event.BILLING_EMAIL_CHANGED,
            actor,
            {"before": old, "after": new},
            addresses=[old, new],
            organization_id=organization.id,
        )
    changes = field_changes(_without_email(before), _without_email(after), "organization")
    if changes:
        payload = {"lines": [], "changes": changes}
        announce(Event.BILLING_DETAILS_CHANGED, actor, payload, organization_id=organization.id)


def tax_id_changed(actor: Actor, organization: Organization, before: str | None, after: str | None) -> None:
    """Tell of a number that was added (`before` None), removed (`after` None) or found to be another than it seemed."""
    what = "added" if before is None else "removed" if after is None else "looked up"
    payload = {"lines": [(f"Tax ID {what}", after or before)], "changes": []}
    announce(Event.BILLING_DETAILS_CHANGED, actor, payload, organization_id=organization.id)


def card_changed(
    actor: Actor, organization: Organization, before: Fields | None, after: Fields | None
) -> None:
    """Tell of another card, or of none."""
    card = f"{after['brand'].replace('_', ' ').title()} ending in {after['last4']}" if after else None
    payload = {"card": card, "changes": field_changes(before, after)}
    announce(Event.CARD_CHANGED, actor, payload, organization_id=organization.id)


def plan_changed(actor: Actor, plan: Subscription, before: Fields | None, after: Fields) -> None:
    """Tell of a new, changed, ending or ended plan. `before` is None for a new one; other values may be left out.

    What somebody here has taken back is told as theirs, although it is read at Stripe.
    """
    if plan.status in NOT_YET:
        return
    has_begun = before is None or before.get("status") in NOT_YET
    has_ended = after.get("status") == "canceled"
    old, new = _terms(before or {}), _terms(after)
    if old == new and not has_begun and not has_ended:
        return
    kind = "ended" if has_ended else "started" if has_begun else _kind(old, new)
    said = OWN_KINDS.get(kind, ())
    is_whole = has_begun or has_ended
    payload = {
        "plan": plan.plan_name,
        "kind": kind,
        "changes": [] if is_whole else field_changes(_without(old, said), _without(new, said)),
        "ends_at": _iso(plan.period_ends_at) if plan.cancel_at_period_end else None,
        "next_plan": plan.held_plan_name,
        "next_seats": plan.held_seats,
        "next_at": _iso(plan.held_starts_at),
    }
    announce(
        Event.PLAN_CHANGED, _who_took_back(plan, kind) or actor, payload, organization_id=plan.organization_id
    )


def invoice_changed(actor: Actor, invoice: Invoice, before: str | None, tried: int) -> None:
    """Tell of a new invoice (`before` None), of its payment, or of a charge that failed after `tried` tries.

    One that was paid, or could not be charged, as soon as it was issued is told of once, as that.
    """
    has_failed = invoice.status is InvoiceStatus.OPEN and invoice.attempts > tried
    common = {"invoice": invoice.number, "invoice_id": invoice.id, "currency": invoice.currency}
    if invoice.status is InvoiceStatus.PAID and before != InvoiceStatus.PAID.value:
        payload = {**common, "amount_minor": invoice.paid_minor, "paid_at": _iso(invoice.paid_at)}
        announce(Event.INVOICE_PAID, actor, payload, organization_id=invoice.organization_id)
    elif invoice.status is InvoiceStatus.OPEN and before is None and not has_failed:
        payload = {**common, "amount_minor": invoice.due_minor, "due_at": _iso(invoice.due_at)}
        announce(Event.INVOICE_ISSUED, actor, payload, organization_id=invoice.organization_id)
    if has_failed:
        payload = {
            **common,
            "amount_minor": invoice.due_minor,
            "attempts": invoice.attempts,
            "next_attempt_at": _iso(invoice.next_attempt_at),
            "payment_state": _payment_state(invoice),
        }
        announce(Event.PAYMENT_FAILED, actor, payload, organization_id=invoice.organization_id)


def _terms(fields: Fields) -> Fields:
    return {name: fields[name] for name in PLAN_TERMS if name in fields}


def _kind(old: Fields, new: Fields) -> str:
    """Which change of a plan that goes on: the gravest of those that come together."""
    if new.get("cancel_at_period_end") is True:
        return "ending"
    if old.get("cancel_at_period_end") is True and new.get("cancel_at_period_end") is False:
        return "kept"
    if new.get("held_plan_name") and any(old.get(name) != new.get(name) for name in HELD):
        return "planned"
    is_released = old.get("held_plan_name") and not new.get("held_plan_name")
    # one that has come true takes the plan's other terms with it
    return "released" if is_released and not _without(new, (*HELD, "currency")) else "changed"


def _who_took_back(plan: Subscription, kind: str) -> Actor | None:
    """Whoever did it here since Stripe last told of the plan; None where it was done at Stripe."""
    if kind not in TAKEN_BACK:
        return None
    wanted = (*TAKEN_BACK.values(), Action.SUBSCRIPTION_CHANGED)
    rows = entries_about(plan.organization_id, plan.stripe_id, wanted, limit=2)
    row = rows[-1] if rows else None  # the newest is of the change that is told of
    if row is None or row.action != TAKEN_BACK[kind]:
        return None
    return Actor(row.actor_kind, row.actor_id, row.actor_name, plan.organization_id)


def _payment_state(invoice: Invoice) -> str:
    """As the banner has it, for this invoice and the plan that it is for; "" where neither says anything."""
    plan = db.session.get(Subscription, invoice.subscription_id) if invoice.subscription_id else None
    state = payment_state([plan.status] if plan else [], [invoice.payment_state])
    return state.value if state else ""


def _without_email(fields: Fields) -> Fields:
    return _without(fields, ("billing_email",))


def _without(fields: Fields, names: Sequence[str]) -> Fields:
    return {name: value for name, value in fields.items() if name not in names}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
