"""What Stripe's Customer Portal offers otherwise than the portal file says: found by command, nightly and by event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal.actor import stripe_actor, system_actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.context import current_settings, stripe
from portal.errors import NotFoundError
from portal.extensions import db, release_connection
from portal.kit.clock import utcnow
from portal.notifications.events import Event, announce
from portal.stripe_portal.file import PortalFile, PortalFileError, read_portal_file
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.offers import find_offers
from portal.stripe_portal.queries import configuration_id, stored_configuration
from portal.stripe_portal.values import Difference, differences, wanted_values

NOWHERE = Difference("configuration", "one", "none; run flask stripe configure")


@dataclass(frozen=True, slots=True)
class Drift:
    """One class and what differs; nothing where Stripe is as the file says.

    `is_file_newer` where the file, or what its lookup keys lead to, has changed since `flask stripe configure`.
    """

    customer_class: str
    stripe_id: str | None
    differences: tuple[Difference, ...]
    is_file_newer: bool = False


def find_drift(file: PortalFile, customer_class: str) -> Drift:
    """Compare one class. Asks Stripe and changes nothing. Raises what reading Stripe raises."""
    stripe_id, row = configuration_id(customer_class), stored_configuration(customer_class)
    configured = row.values if row else None
    release_connection()
    if stripe_id is None:
        return Drift(customer_class, None, (NOWHERE,))
    try:
        live = stripe().portal_configuration(stripe_id)
        wanted = wanted_values(file, customer_class, find_offers(file.classes[customer_class]))
    except NotFoundError:
        return Drift(customer_class, stripe_id, (NOWHERE,))
    except PortalFileError as error:
        unsold = Difference("features.subscription_update.products", "named", error.message)
        return Drift(customer_class, stripe_id, (unsold,))
    return Drift(
        customer_class, stripe_id, differences(wanted, live), configured is not None and configured != wanted
    )


def check_drift(file: PortalFile, customer_class: str, mark: Callable[[], None] = lambda: None) -> Drift:
    """Compare one class, keep what was found, tell staff what is new in it, and call `mark`, all in one commit."""
    found = find_drift(file, customer_class)
    _note(found)
    mark()
    db.session.commit()
    return found


def configured_classes(file: PortalFile) -> list[str]:
    """The classes of the file that `flask stripe configure` has brought to Stripe in the mode of the key."""
    rows = db.session.scalars(
        select(StripeConfiguration.customer_class).where(
            StripeConfiguration.livemode == current_settings().stripe_is_live,
            StripeConfiguration.values.is_not(None),
        )
    )
    known = set(rows)
    return [name for name in file.classes if name in known]


def note_configuration_event(configuration_id: str, mark: Callable[[], None]) -> None:
    """Compare one of our configurations with the file after Stripe said that it changed; staff are told what differs.

    Reads Stripe outside any transaction; then `mark` runs in the transaction that keeps what was found, and it is
    committed. A configuration that is not ours is only marked. Raises what reading Stripe raises.
    """
    customer_class = db.session.scalar(
        select(StripeConfiguration.customer_class).where(StripeConfiguration.stripe_id == configuration_id)
    )
    file = read_portal_file() if customer_class else None
    if file and customer_class in configured_classes(file):
        check_drift(file, str(customer_class), mark)
    else:
        mark()
        db.session.commit()


def _note(found: Drift) -> None:
    """Differences that were told of already are not told of again; those that went are forgotten."""
    row = stored_configuration(found.customer_class, lock=True)
    if row is None:
        return
    lines = [str(difference) for difference in found.differences]
    known, row.differences, row.checked_at = row.differences or [], lines, utcnow()
    db.session.flush()
    if lines and lines != known:
        _tell(row, found.differences)


def _tell(row: StripeConfiguration, found: Sequence[Difference]) -> None:
    before = {difference.place: difference.in_file for difference in found}
    after = {difference.place: difference.at_stripe for difference in found}
    change = Change("portal_configuration", row.id, row.customer_class, before, after)
    record(stripe_actor(None), Action.PORTAL_DRIFTED, change)
    what = {"customer_class": row.customer_class, "differences": row.differences}
    announce(Event.PORTAL_DRIFTED, system_actor(None), what)
