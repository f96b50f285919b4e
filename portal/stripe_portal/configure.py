"""`flask stripe configure`: the portal file becomes configurations at Stripe, one for each class of customer."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import func, select

from portal.actor import system_actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.context import current_settings, stripe
from portal.errors import ConflictError, NotFoundError
from portal.extensions import db, release_connection
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id
from portal.stripe_portal.file import PortalFile, PortalFileError
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.modes import mode_of
from portal.stripe_portal.offers import find_offers
from portal.stripe_portal.queries import configuration_id, stored_configuration
from portal.stripe_portal.values import (
    Difference,
    Values,
    differences,
    owner_marks,
    parameters,
    wanted_values,
)


class NotKeptError(ConflictError):
    """Stripe took a configuration and keeps something else."""


@dataclass(frozen=True, slots=True)
class Configured:
    """What was done for one class. `differences` is what stood at Stripe instead before."""

    customer_class: str
    stripe_id: str
    outcome: Literal["created", "updated", "unchanged"]
    differences: tuple[Difference, ...] = ()


def configure(file: PortalFile) -> list[Configured]:
    """Bring Stripe to what the file says; commits after each class.

    A second run finds nothing to do. One that died between Stripe and our database leaves a configuration that the
    next run knows by its metadata and takes. Raises `PortalFileError` before anything is written where the file does
    not fit this account, `NotKeptError`, and what Stripe raises.
    """
    _require_known_classes(file)
    release_connection()
    wanted = {name: wanted_values(file, name, find_offers(part)) for name, part in file.classes.items()}
    return [_configure_class(customer_class, values) for customer_class, values in wanted.items()]


def _configure_class(customer_class: str, values: Values) -> Configured:
    known_id = configuration_id(customer_class)
    release_connection()
    live = _live(customer_class, known_id)
    found = differences(values, live) if live else ()
    outcome: Literal["created", "updated", "unchanged"] = "unchanged"
    stripe_id = live["id"] if live else ""
    if live is None:
        stripe_id, outcome = _create(values), "created"
    elif found:
        stripe().update_portal_configuration(
            stripe_id, parameters(values, is_new=False), idempotency_key=new_id("key")
        )
        outcome = "updated"
    if outcome != "unchanged":
        _require_kept(stripe_id, values)
    _store(customer_class, stripe_id, values, outcome, found)
    return Configured(customer_class, stripe_id, outcome, found)


def _live(customer_class: str, known_id: str | None) -> dict[str, Any] | None:
    """The class's configuration at Stripe: the one we know, else one of ours that our database does not know."""
    if known_id:
        try:
            return stripe().portal_configuration(known_id)
        except NotFoundError:
            if known_id == current_settings().stripe_portal_config_id:
                mode = mode_of(current_settings().stripe_is_live)
                message = f"STRIPE_PORTAL_CONFIG_ID: the account of the key has no {known_id} in {mode} mode"
                raise PortalFileError(message) from None
    marks = owner_marks(customer_class)
    for found in stripe().portal_configurations():
        if found["active"] and marks.items() <= (found["metadata"] or {}).items():
            return stripe().portal_configuration(found["id"])
    return None


def _create(values: Values) -> str:
    """The key guards the two tries of this call alone: a later run must not get an old answer."""
    return stripe().create_portal_configuration(
        parameters(values, is_new=True), idempotency_key=new_id("key")
    )


def _require_kept(stripe_id: str, values: Values) -> None:
    if left := differences(values, stripe().portal_configuration(stripe_id)):
        raise NotKeptError(f"Stripe keeps {stripe_id} otherwise: {'; '.join(map(str, left))}")


def _store(
    customer_class: str, stripe_id: str, values: Values, outcome: str, found: tuple[Difference, ...]
) -> None:
    row = stored_configuration(customer_class)
    if row is None:
        row = StripeConfiguration(customer_class=customer_class, livemode=current_settings().stripe_is_live)
        db.session.add(row)
    row.stripe_id, row.values, row.differences, row.checked_at = stripe_id, values, [], utcnow()
    db.session.flush()
    if outcome != "unchanged":
        before = {part.place: part.at_stripe for part in found} or None
        after = {part.place: part.in_file for part in found} or {"outcome": outcome}
        what = Change("portal_configuration", row.id, customer_class, before, after)
        record(system_actor(None, "Operator"), Action.PORTAL_CONFIGURED, what)
    db.session.commit()


def _require_known_classes(file: PortalFile) -> None:
    """A class that organizations are of must stay in the file: they could not open Stripe's pages any more."""
    counts = db.session.execute(
        select(Organization.customer_class, func.count())
        .where(Organization.customer_class.not_in(file.classes))
        .group_by(Organization.customer_class)
    ).all()
    if counts:
        words = ", ".join(f"{name} ({count})" for name, count in counts)
        raise PortalFileError(f"organizations are of classes that the file does not have: {words}")
