"""Stripe's objects as the few plain values that the portal uses. Amounts are minor units, times aware UTC."""

from portal.gateways.stripe_objects.customers import (
    PURCHASE_ORDER_FIELD,
    AddressSnapshot,
    CardSnapshot,
    CustomerSnapshot,
    TaxIdSnapshot,
)
from portal.gateways.stripe_objects.invoices import CreditNoteSnapshot, InvoiceSnapshot, LineSnapshot
from portal.gateways.stripe_objects.keyed_prices import KeyedPrice
from portal.gateways.stripe_objects.plans import HeldChange, SubscriptionSnapshot
from portal.gateways.stripe_objects.portal import (
    PORTAL_LOCALES,
    CancelPlan,
    ChangeCard,
    ConfirmSwitch,
    Home,
    PortalFlow,
    SwitchPlan,
)
from portal.gateways.stripe_objects.previews import PreviewPart, PreviewSnapshot
from portal.gateways.stripe_objects.prices import PriceSnapshot, Tier

__all__ = [
    "PORTAL_LOCALES",
    "PURCHASE_ORDER_FIELD",
    "AddressSnapshot",
    "CancelPlan",
    "CardSnapshot",
    "ChangeCard",
    "ConfirmSwitch",
    "CreditNoteSnapshot",
    "CustomerSnapshot",
    "HeldChange",
    "Home",
    "InvoiceSnapshot",
    "KeyedPrice",
    "LineSnapshot",
    "PortalFlow",
    "PreviewPart",
    "PreviewSnapshot",
    "PriceSnapshot",
    "SubscriptionSnapshot",
    "SwitchPlan",
    "TaxIdSnapshot",
    "Tier",
]
