"""Live or test: the key, the webhook secrets, the portal configurations and the stored customers must agree.

Stripe keeps two worlds apart by the key (https://docs.stripe.com/keys#test-live-modes). A database or a setting of the
one beside a key of the other gives pages that find nothing, or charges that nobody meant.
"""

from sqlalchemy import select

from portal.context import current_settings, stripe
from portal.extensions import db, release_connection
from portal.gateways.stripe_api.webhooks import secret_hint
from portal.stripe_mirror.models import StripeEvent, StripeSync
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.pinned import NOTE, is_pinned_missing

RECENT_EVENTS = 200


def contradictions() -> list[str]:
    """What does not agree with the key, a sentence each, naming the setting or command that puts it right.

    Asks our database alone; nothing where Stripe is not connected.
    """
    if current_settings().stripe_secret_key is None:
        return []
    return [*stored_contradictions(), *_configurations()]


def stored_contradictions() -> list[str]:
    """The same without portal configurations, which `flask stripe configure` puts right itself."""
    return [*_webhook_secrets(), *_customers()] if current_settings().stripe_secret_key else []


def contradictions_of_key() -> list[str]:
    """What `flask stripe configure` refuses: `stored_contradictions`, and a key of another mode than it says.

    Asks Stripe. Raises `StripeUnavailableError`, and `UnavailableError` where Stripe is not connected.
    """
    gateway, found = stripe(), stored_contradictions()
    release_connection()
    seen = gateway.account_is_live()
    if seen is not None and seen != gateway.is_live:
        found.append(f"STRIPE_SECRET_KEY is a {_own()} key, but shows {_other()} objects.")
    return found


def mode_of(livemode: bool) -> str:
    """What Stripe's pages call it."""
    return "live" if livemode else "test"


def _webhook_secrets() -> list[str]:
    """A secret that only signed events of the other mode; one with events of both is of a connected platform."""
    rows = db.session.execute(
        select(StripeEvent.secret_hint, StripeEvent.livemode)
        .order_by(StripeEvent.received_at.desc(), StripeEvent.id.desc())
        .limit(RECENT_EVENTS)
    ).all()
    secrets = [secret.get_secret_value().encode() for secret in current_settings().stripe_webhook_secrets]
    found = []
    for place, secret in enumerate(secrets, start=1):
        signed = {livemode for hint, livemode in rows if hint == secret_hint(secret)}
        if signed == {not _is_live()}:
            which = f" (number {place})" if len(secrets) > 1 else ""
            found.append(
                f"STRIPE_WEBHOOK_SECRETS{which} signs {_other()} events, "
                f"but STRIPE_SECRET_KEY is a {_own()} key."
            )
    return found


def _customers() -> list[str]:
    statement = select(StripeSync.customer_id).where(
        StripeSync.livemode.is_(not _is_live()), StripeSync.deleted_at.is_(None)
    )
    customer = db.session.scalar(statement.limit(1))
    if customer is None:
        return []
    return [f"The database holds {_other()} customers ({customer}), but STRIPE_SECRET_KEY is a {_own()} key."]


def _configurations() -> list[str]:
    """The one that the environment names is not of the key's mode, or there are only such."""
    statement = select(StripeConfiguration.stripe_id, StripeConfiguration.livemode)
    known = db.session.execute(statement.where(StripeConfiguration.customer_class != NOTE)).all()
    pinned = current_settings().stripe_portal_config_id
    if any(stripe_id == pinned and livemode != _is_live() for stripe_id, livemode in known):
        return [
            f"STRIPE_PORTAL_CONFIG_ID is a {_other()} configuration, but STRIPE_SECRET_KEY is a {_own()} key."
        ]
    if is_pinned_missing():
        place = f"in {_own()} mode of the account that STRIPE_SECRET_KEY is of"
        return [f"STRIPE_PORTAL_CONFIG_ID: there is no {pinned} {place}."]
    if known and all(livemode != _is_live() for _, livemode in known):
        beside = f"but STRIPE_SECRET_KEY is a {_own()} key. Run flask stripe configure."
        return [f"The portal configurations are {_other()} ones, {beside}"]
    return []


def _is_live() -> bool:
    return current_settings().stripe_is_live


def _own() -> str:
    return mode_of(_is_live())


def _other() -> str:
    return mode_of(not _is_live())
