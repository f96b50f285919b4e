"""Reading Stripe and writing the mirror, so that only a fresher reading ever overwrites an older one."""

from collections.abc import Callable

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from portal.actor import stripe_actor
from portal.billing.payment_trouble import note_payment_standing
from portal.billing.queries import organization_by_customer
from portal.database import AnyRow
from portal.errors import ConflictError
from portal.extensions import db, refuse_changes, release_connection
from portal.gateways.stripe_objects import CustomerSnapshot
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.stripe_mirror.apply import apply
from portal.stripe_mirror.models import StripeSync
from portal.stripe_mirror.readings import EVERYTHING, Reading, Scope, nothing, read
from portal.stripe_mirror.target import Target

TRIES = 5
CUSTOMER = Scope()


class BusyCustomerError(ConflictError):
    """Other processes kept writing newer readings of the same customer; try again later."""


def sync_customer(customer_id: str, before_commit: Callable[[], None] = nothing) -> bool:
    """Re-read one customer from Stripe, write it, commit. See `sync`."""
    return sync(customer_id, CUSTOMER, before_commit)


def sync_everything(customer_id: str, before_commit: Callable[[], None] = nothing) -> bool:
    """Re-read a customer with payment methods, invoices and credit notes, write them, commit. See `sync`."""
    return sync(customer_id, EVERYTHING, before_commit)


def sync(
    customer_id: str,
    scope: Scope,
    before_commit: Callable[[], None] = nothing,
    before_apply: Callable[[Target, Reading], None] | None = None,
    between: Callable[[], None] = nothing,
) -> bool:
    """Read outside any transaction, then write if nobody wrote meanwhile; otherwise read again.

    A reading that began after the last write was committed is never older than it, whatever order events came in.
    The first reading of a customer reads everything, and tells nobody: it is history. `before_apply` and
    `before_commit` run in the writing transaction, `between` as `read` says. Returns False when the customer is none
    of ours. Raises what `read` raises, and `BusyCustomerError` after `TRIES` lost races.
    """
    for _ in range(TRIES):
        refuse_changes()
        before = _known(customer_id)
        if before is not None:
            release_connection()
            reading = read(customer_id, scope if before.synced_at else EVERYTHING, between)
            if not _advance(customer_id, before.version):
                db.session.rollback()
                continue
            _apply(reading, before, before_apply)
        before_commit()
        db.session.commit()
        return before is not None
    raise BusyCustomerError("This customer is being updated by another process.")


def advance_version(customer_id: str) -> None:
    """Make every reading that is under way a stale one; part of the caller's transaction."""
    newer = (
        update(StripeSync).where(StripeSync.customer_id == customer_id).values(version=StripeSync.version + 1)
    )
    db.session.execute(newer.execution_options(synchronize_session=False))


def _apply(reading: Reading, before: AnyRow, before_apply: Callable[[Target, Reading], None] | None) -> None:
    """Write under the organization's lock: a change of its details must come before or after, not in between."""
    organization = organization_by_customer(reading.customer.id, lock=True)
    if organization is None:
        return
    target = Target(stripe_actor(organization.id), organization, is_told=before.synced_at is not None)
    if before_apply:
        before_apply(target, reading)
    _note_customer(reading.customer, before)
    apply(target, reading)
    note_payment_standing(organization, (plan.status for plan in reading.customer.subscriptions))


def _note_customer(customer: CustomerSnapshot, before: AnyRow) -> None:
    """The customer's mode, and since when it is deleted, if either differs from what it was."""
    livemode = before.livemode if customer.is_deleted else customer.livemode
    if (before.livemode, before.deleted_at is not None) == (livemode, customer.is_deleted):
        return
    values = {"livemode": livemode, "deleted_at": utcnow() if customer.is_deleted else None}
    statement = update(StripeSync).where(StripeSync.customer_id == customer.id).values(**values)
    db.session.execute(statement.execution_options(synchronize_session=False))


def _known(customer_id: str) -> AnyRow | None:
    """`version` and what else the row says now; None for a customer of nobody.

    `synced_at` tells whether there was a reading before: our own changes advance the version as well.
    """
    statement = (
        select(StripeSync.version, StripeSync.synced_at, StripeSync.livemode, StripeSync.deleted_at)
        .select_from(Organization)
        .outerjoin(StripeSync, StripeSync.customer_id == Organization.stripe_customer_id)
        .where(Organization.stripe_customer_id == customer_id)
    )
    found = db.session.execute(statement).one_or_none()
    if found is None or found.version is not None:
        return found
    try:
        db.session.execute(insert(StripeSync).values(customer_id=customer_id, version=0))
        db.session.commit()
    except IntegrityError:  # another process was first
        db.session.rollback()
    return db.session.execute(statement).one_or_none()


def _advance(customer_id: str, version: int) -> bool:
    """Take the right to write, if `version` is still the present one; holds the row until commit."""
    fence = (
        update(StripeSync)
        .where(StripeSync.customer_id == customer_id, StripeSync.version == version)
        .values(version=version + 1, synced_at=utcnow())
        .returning(StripeSync.version)
        .execution_options(synchronize_session=False)
    )
    return db.session.scalar(fence) is not None
