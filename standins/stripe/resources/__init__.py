"""Every resource that the stand-in serves, by its routes."""

from standins.stripe.resources import (
    account,
    catalog,
    clocks,
    credit_notes,
    customers,
    endpoints,
    invoice_items,
    invoices,
    payment_methods,
    payments,
    portal,
    setup_intents,
    subscription_items,
    subscriptions,
    tax_ids,
)

ROUTES = [
    *account.ROUTES,
    *catalog.ROUTES,
    *clocks.ROUTES,
    *credit_notes.ROUTES,
    *customers.ROUTES,
    *endpoints.ROUTES,
    *invoice_items.ROUTES,
    *invoices.ROUTES,
    *payment_methods.ROUTES,
    *payments.ROUTES,
    *portal.ROUTES,
    *setup_intents.ROUTES,
    *subscription_items.ROUTES,
    *subscriptions.ROUTES,
    *tax_ids.ROUTES,
]
