"""Whether Stripe knows the configuration that `STRIPE_PORTAL_CONFIG_ID` names: asked by the worker, kept for readiness.

An id does not tell its mode, and Stripe shows a key only what is of the key's own.
"""

from sqlalchemy.exc import IntegrityError

from portal.context import current_settings, stripe
from portal.errors import NotFoundError
from portal.extensions import db, release_connection
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.queries import stored_configuration

NOTE = "(pinned)"
"""Stands where a class stands. No class of the portal file can be called so."""


def check_pinned_configuration() -> bool:
    """Ask Stripe for the pinned configuration and keep whether it is missing; commits. Whether it is missing.

    Nothing is asked where none is pinned. Raises what reading Stripe raises, other than `NotFoundError`.
    """
    pinned = current_settings().stripe_portal_config_id
    release_connection()
    is_missing = bool(pinned) and not _is_known(str(pinned))
    note = stored_configuration(NOTE, lock=True)
    if note is not None and not is_missing:
        db.session.delete(note)
    elif is_missing:
        note = note or StripeConfiguration(customer_class=NOTE, livemode=current_settings().stripe_is_live)
        note.stripe_id = _noted(str(pinned))
        db.session.add(note)
    try:
        db.session.commit()
    except IntegrityError:  # another worker has just noted the same
        db.session.rollback()
    return is_missing


def is_pinned_missing() -> bool:
    """Whether Stripe did not know the pinned configuration when it was last asked. Asks our database alone."""
    pinned, note = current_settings().stripe_portal_config_id, stored_configuration(NOTE)
    return bool(pinned) and note is not None and note.stripe_id == _noted(str(pinned))


def _is_known(pinned: str) -> bool:
    try:
        return bool(stripe().portal_configuration(pinned)["livemode"]) == current_settings().stripe_is_live
    except NotFoundError:
        return False


def _noted(pinned: str) -> str:
    """Not the bare id, which may be in the table already: configured with another account's key."""
    return f"missing {pinned}"[:64]
