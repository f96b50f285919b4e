"""Visits to Stripe's Customer Portal: where they begin."""

from dataclasses import dataclass

from portal.gateways.stripe_objects.kit import Tree

PORTAL_LOCALES = (
    *("auto", "bg", "cs", "da", "de", "el", "en", "en-AU", "en-CA", "en-GB", "en-IE", "en-IN", "en-NZ"),
    *("en-SG", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id", "it", "ja", "ko", "lt"),
    *("lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi"),
    *("zh", "zh-HK", "zh-TW"),
)
"""The languages that Stripe's portal speaks (`locale` of a portal session)."""


@dataclass(frozen=True, slots=True)
class Home:
    """The portal's own start page."""


@dataclass(frozen=True, slots=True)
class ChangeCard:
    """Straight to changing what is charged."""


@dataclass(frozen=True, slots=True)
class CancelPlan:
    """Straight to ending a subscription."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class SwitchPlan:
    """Straight to choosing another plan."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class ConfirmSwitch:
    """Straight to confirming a plan that was chosen here; Stripe allows one item."""

    subscription_id: str
    item_id: str
    price_id: str
    quantity: int


PortalFlow = Home | ChangeCard | CancelPlan | SwitchPlan | ConfirmSwitch


def flow_data(flow: PortalFlow, return_url: str) -> Tree | None:
    """The deep link as Stripe takes it, leading back when it is done; None for the start page."""
    match flow:
        case Home():
            return None
        case ChangeCard():
            where: Tree = {"type": "payment_method_update"}
        case CancelPlan(subscription_id):
            where = _about("subscription_cancel", subscription_id)
        case SwitchPlan(subscription_id):
            where = _about("subscription_update", subscription_id)
        case ConfirmSwitch(subscription_id, item_id, price_id, quantity):
            item = {"id": item_id, "price": price_id, "quantity": quantity}
            where = _about("subscription_update_confirm", subscription_id, items=[item])
    back = {"type": "redirect", "redirect": {"return_url": return_url}}
    return {**where, "after_completion": back}


def _about(kind: str, subscription_id: str, **more: object) -> Tree:
    return {"type": kind, kind: {"subscription": subscription_id, **more}}
