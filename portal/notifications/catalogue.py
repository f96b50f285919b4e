"""Who is told of what, on which channels, and what cannot be switched off: one entry an event, nothing elsewhere."""

from collections.abc import Callable, Mapping
from typing import Any

from portal import links
from portal.notifications.entry import DIGEST_TOPIC, Entry, Group, Link, Recipients
from portal.notifications.events import Event
from portal.notifications.models import UserChannel

IN_APP_ONLY = frozenset({UserChannel.IN_APP})
PROTECTS_ACCOUNT = "it protects your account"
ABOUT_CONTROL = "it is about who controls the organization"
ABOUT_MONEY = "it is about where invoices and money go"
ABOUT_ACCESS = "it is about who can reach the organization's data"


def _to(*kinds: Recipients) -> frozenset[Recipients]:
    return frozenset(kinds)


def _page(address: Callable[[], str]) -> Link:
    return lambda _payload: address()


def _invoice(payload: Mapping[str, Any]) -> str:
    return links.invoice(payload["invoice_id"])


TEAM, BILLING, USAGE, API_KEYS = (
    _page(page) for page in (links.team, links.billing, links.usage, links.api_keys)
)
STAFF_WEBHOOKS, SECURITY, ACTIVITY = map(_page, (links.staff_webhooks, links.security, links.activity))
R = Recipients
CATALOGUE: dict[Event, Entry] = {
    Event.MEMBER_ADDED: Entry(
        "Member joined", "Somebody has joined the team.", Group.TEAM, _to(R.ADMINS), TEAM, may_wait=True
    ),
    Event.MEMBER_ROLE_CHANGED: Entry(
        "Role changed", "Your role, or a member's, was changed.", Group.TEAM, _to(R.ABOUT, R.ADMINS), TEAM
    ),
    Event.MEMBER_REMOVED: Entry(
        "Member removed",
        "You, or a member, left the team or was removed.",
        Group.TEAM,
        _to(R.ABOUT, R.ADMINS),
        TEAM,
    ),
    Event.INVITATION_SENT: Entry(
        "Invitation sent",
        "Somebody was invited to the team.",
        Group.TEAM,
        _to(R.ADMINS),
        TEAM,
        defaults=IN_APP_ONLY,
        may_wait=True,
    ),
    Event.OWNERSHIP_CHANGED: Entry(
        "Owner changed",
        "Somebody became an owner or is one no more.",
        Group.TEAM,
        _to(R.ABOUT, R.OWNERS),
        TEAM,
        locked_reason=ABOUT_CONTROL,
        is_on_in_slack=True,
    ),
    Event.BILLING_EMAIL_CHANGED: Entry(
        "Billing email changed",
        "Invoices go to another address from now on.",
        Group.BILLING,
        _to(R.ADDRESSES, R.OWNERS),
        BILLING,
        locked_reason=ABOUT_MONEY,
        is_on_in_slack=True,
    ),
    Event.BILLING_DETAILS_CHANGED: Entry(
        "Billing details changed",
        "What is printed on invoices was changed.",
        Group.BILLING,
        _to(R.BILLING, R.BILLING_ADDRESS),
        BILLING,
        locked_reason=ABOUT_MONEY,
    ),
    Event.CARD_CHANGED: Entry(
        "Card changed",
        "The card on file was added, replaced or removed.",
        Group.BILLING,
        _to(R.BILLING),
        BILLING,
    ),
    Event.PLAN_CHANGED: Entry(
        "Plan changed",
        "The plan, its seats or its price were changed.",
        Group.BILLING,
        _to(R.BILLING),
        BILLING,
        is_on_in_slack=True,
    ),
    Event.PAYMENT_FAILED: Entry(
        "Payment failed",
        "An invoice could not be charged.",
        Group.BILLING,
        _to(R.BILLING, R.BILLING_ADDRESS),
        _invoice,
        is_on_in_slack=True,
    ),
    Event.INVOICE_ISSUED: Entry(
        "Invoice issued",
        "There is a new invoice.",
        Group.BILLING,
        _to(R.BILLING, R.BILLING_ADDRESS),
        _invoice,
        may_wait=True,
    ),
    Event.INVOICE_OVERDUE: Entry(
        "Invoice overdue",
        "An invoice was not paid by its due day.",
        Group.BILLING,
        _to(R.BILLING, R.BILLING_ADDRESS),
        _invoice,
        is_on_in_slack=True,
    ),
    Event.INVOICE_PAID: Entry(
        "Invoice paid",
        "A payment has arrived.",
        Group.BILLING,
        _to(R.BILLING, R.BILLING_ADDRESS),
        _invoice,
        may_wait=True,
    ),
    Event.INVOICE_CORRECTED: Entry(
        "Invoice corrected",
        "An invoice was corrected or credited.",
        Group.BILLING,
        _to(R.BILLING, R.BILLING_ADDRESS),
        _invoice,
    ),
    Event.CONTRACT_DOCUMENTS_CHANGED: Entry(
        "Contract documents changed",
        "A document of your contract was added or removed.",
        Group.BILLING,
        _to(R.BILLING),
        BILLING,
        may_wait=True,
    ),
    Event.USAGE_ALERT: Entry(
        "Usage alert", "Usage has reached a limit that was set.", Group.USAGE, _to(R.BILLING), USAGE
    ),
    Event.API_KEY_CREATED: Entry(
        "API key created", "A new API key works from now on.", Group.API_KEYS, _to(R.ADMINS), API_KEYS
    ),
    Event.API_KEY_ROTATED: Entry(
        "API key rotated", "An API key has a new secret.", Group.API_KEYS, _to(R.ADMINS), API_KEYS
    ),
    Event.API_KEY_REVOKED: Entry(
        "API key revoked",
        "An API key no longer works.",
        Group.API_KEYS,
        _to(R.ADMINS),
        API_KEYS,
        may_wait=True,
    ),
    Event.API_KEY_LEAKED: Entry(
        "API key leaked",
        "An API key was found in a public place.",
        Group.API_KEYS,
        _to(R.ADMINS),
        API_KEYS,
        locked_reason=ABOUT_ACCESS,
        is_on_in_slack=True,
    ),
    Event.API_KEY_EXPIRING: Entry(
        "API key expiring", "An API key stops working soon.", Group.API_KEYS, _to(R.ADMINS), API_KEYS
    ),
    Event.SCREEN_CAN_DO_IT: Entry(
        "What you can do yourself",
        "A page here does by now what you wrote to support about. One mail, ever; without it no note either.",
        Group.ACCOUNT,
        _to(R.ABOUT),
        lambda payload: links.screen(payload["screen"]),
        is_for_staff=False,
    ),
    Event.NEW_DEVICE: Entry(
        "Sign-in on a new device",
        "Somebody signed in as you on a device that was not used before.",
        Group.ACCOUNT,
        _to(R.ABOUT),
        SECURITY,
        locked_reason=PROTECTS_ACCOUNT,
        is_for_staff=False,
    ),
    Event.SECOND_FACTOR_CHANGED: Entry(
        "Second factor changed",
        "Your second factor or its recovery codes were changed or used.",
        Group.ACCOUNT,
        _to(R.ABOUT),
        SECURITY,
        locked_reason=PROTECTS_ACCOUNT,
        is_for_staff=False,
    ),
    Event.EMAIL_CHANGED: Entry(
        "Sign-in email changed",
        "You sign in with another address from now on.",
        Group.ACCOUNT,
        _to(R.ABOUT, R.ADDRESSES),
        SECURITY,
        locked_reason=PROTECTS_ACCOUNT,
        is_for_staff=False,
    ),
    Event.PASSWORD_CHANGED: Entry(
        "Password changed",
        "Your password was changed.",
        Group.ACCOUNT,
        _to(R.ABOUT),
        SECURITY,
        locked_reason=PROTECTS_ACCOUNT,
        is_for_staff=False,
    ),
    Event.SESSIONS_ENDED: Entry(
        "Signed out everywhere",
        "Your sessions on other devices were ended.",
        Group.ACCOUNT,
        _to(R.ABOUT),
        SECURITY,
        locked_reason=PROTECTS_ACCOUNT,
        is_for_staff=False,
    ),
    Event.STAFF_VIEWED: Entry(
        "Viewed by support",
        "Somebody of our staff looked at the portal as you see it.",
        Group.TEAM,
        _to(R.OWNERS),
        ACTIVITY,
        locked_reason=ABOUT_ACCESS,
        is_on_in_slack=True,
    ),
    Event.RECOVERY_ASKED: Entry(
        "Account recovery asked for",
        "Our staff were asked to take off your second factor.",
        Group.ACCOUNT,
        _to(R.ABOUT),
        SECURITY,
        locked_reason=PROTECTS_ACCOUNT,
        is_on_in_slack=True,
    ),
    Event.RECOVERY_APPROVED: Entry(
        "Account recovery approved",
        "Your second factor will be taken off after a day.",
        Group.ACCOUNT,
        _to(R.ABOUT),
        SECURITY,
        locked_reason=PROTECTS_ACCOUNT,
        is_on_in_slack=True,
    ),
    Event.RECOVERY_ENDED: Entry(
        "Account recovery ended",
        "A recovery was finished or cancelled.",
        Group.ACCOUNT,
        _to(R.ABOUT),
        SECURITY,
        locked_reason=PROTECTS_ACCOUNT,
        is_on_in_slack=True,
    ),
    Event.STRIPE_EVENT_DEAD: Entry(
        "Stripe event given up",
        "The portal could not handle an event of Stripe.",
        Group.BILLING,
        _to(),
        STAFF_WEBHOOKS,
        is_on_in_slack=True,
    ),
    Event.MIRROR_REPAIRED: Entry(
        "Differences from Stripe",
        "What the portal keeps differed from Stripe and was put right.",
        Group.BILLING,
        _to(),
        STAFF_WEBHOOKS,
        is_on_in_slack=True,
    ),
    Event.PORTAL_DRIFTED: Entry(
        "Stripe's pages changed",
        "What Stripe's pages offer to customers is not what the portal file says.",
        Group.BILLING,
        _to(),
        STAFF_WEBHOOKS,
        is_on_in_slack=True,
    ),
}

OTHER_TOPICS = {
    "invitation": "Invitation",
    DIGEST_TOPIC: "Daily digest",
    "customer-details": "Billing details for Stripe",
    "customer-tax-ids": "Tax IDs for Stripe",
}


def topic_label(topic: str) -> str:
    """What an outbox row is about, in words; a topic of a newer version is shown as it is."""
    return CATALOGUE[Event(topic)].label if topic in set(Event) else OTHER_TOPICS.get(topic, topic)
