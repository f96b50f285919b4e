"""Portal files, and a Stripe account that sells what they name, for tests."""

from pathlib import Path
from typing import Any

from portal.stripe_portal.file import PortalFile, read_portal_file

PLAIN = """
[business_profile]
headline = "Billing of {product_name}"

[classes.standard]
label = "Standard"

[classes.standard.features]
invoice_history.enabled = true
payment_method_update.enabled = true

[classes.standard.features.subscription_cancel]
enabled = true
cancellation_reasons = ["unused", "other"]

[classes.standard.features.subscription_update]
enabled = true
default_allowed_updates = ["price", "quantity"]
proration_behavior = "always_invoice"
schedule_at_period_end = ["decreasing_item_amount", "shortening_interval"]

[[classes.standard.features.subscription_update.products]]
lookup_keys = ["pro-monthly", "pro-yearly"]
adjustable_quantity = { minimum = 1, maximum = 50 }

[[classes.standard.features.subscription_update.products]]
metadata = { plan = "starter" }

[classes.managed]
label = "Managed"
features.invoice_history.enabled = true
"""


def portal_file(folder: Path, text: str = PLAIN) -> PortalFile:
    """What `text` says, read from a file in `folder`."""
    path = folder / "portal.toml"
    path.write_text(text, encoding="utf-8")
    return read_portal_file(path)


def sell_plans(api: Any) -> dict[str, str]:
    """Make at Stripe what `PLAIN` names, and a secret plan; gives ids of products and prices by short names."""
    pro = api.products.create({"name": "Pro"}).id
    secret = api.products.create({"name": "Secret"}).id
    starter = api.products.create({"name": "Starter", "metadata": {"plan": "starter"}}).id

    def price(product: str, interval: str, lookup_key: str | None = None) -> str:
        values = {
            "product": product,
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": interval},
        }
        return str(api.prices.create(values | ({"lookup_key": lookup_key} if lookup_key else {})).id)

    return {
        "pro": pro,
        "pro-monthly": price(pro, "month", "pro-monthly"),
        "pro-yearly": price(pro, "year", "pro-yearly"),
        "secret": secret,
        "secret-monthly": price(secret, "month"),
        "starter": starter,
        "starter-monthly": price(starter, "month"),
    }
