"""Reading Stripe and writing the mirror, so that only a fresher reading ever overwrites an older one."""

from collections.abc import Callable

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from portal.actor import stripe_actor
from portal.billing.mirror import Target, apply_customer, apply_invoice
from portal.billing.models import StripeSync
from portal.billing.queries import organization_by_customer
from portal.context import stripe
from portal.errors import ConflictError, NotFoundError
from portal.extensions import db, release_connection
from portal.gateways.stripe_objects import CustomerSnapshot, InvoiceSnapshot
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow

TRIES = 5
Reading = tuple[CustomerSnapshot, list[InvoiceSnapshot]]


class BusyCustomerError(ConflictError):
    """Other processes kept writing newer readings of the same customer; try again later."""


def sync_customer(customer_id: str, before_commit: Callable[[], None] | None = None) -> bool:
    """Re-read one customer from Stripe, write it, commit. See `sync`."""

    def read() -> Reading:
        return stripe().customer(customer_id), []

    return sync(customer_id, read, before_commit)


def sync_invoice(customer_id: str, invoice_id: str, before_commit: Callable[[], None] | None = None) -> bool:
    """Re-read one invoice and its customer from Stripe, write both, commit. See `sync`."""

    def read() -> Reading:
        return stripe().customer(customer_id), _invoice_if_any(invoice_id)

    return sync(customer_id, read, before_commit)


def sync_everything(customer_id: str, before_commit: Callable[[], None] | None = None) -> bool:
    """Re-read a customer and all invoices from Stripe, write them, commit. See `sync`."""

    def read() -> Reading:
        return stripe().customer(customer_id), stripe().invoices(customer_id)

    return sync(customer_id, read, before_commit)


def sync(
    customer_id: str,
    read: Callable[[], Reading],
    before_commit: Callable[[], None] | None,
) -> bool:
    """Read outside any transaction, then write if nobody wrote meanwhile; otherwise read again.

    A reading that began after the last write was committed is never older than it, whatever order events came in.
    `before_commit` runs in the writing transaction. Returns False when the customer is none of ours. Raises
    `StripeUnavailableError`, and `BusyCustomerError` after `TRIES` lost races.
    """
    release_connection()
    if organization_by_customer(customer_id) is None:
        if before_commit:
            before_commit()
        db.session.commit()
        return False
    for _ in range(TRIES):
        version = _version(customer_id)
        release_connection()
        reading = read()
        if not _advance(customer_id, version):
            db.session.rollback()
            continue
        _apply(customer_id, reading, is_first=version == 0)
        if before_commit:
            before_commit()
        db.session.commit()
        return True
    raise BusyCustomerError("This customer is being updated by another process.")


def advance_version(customer_id: str) -> None:
    """Make every reading that is under way a stale one; part of the caller's transaction."""
    newer = (
        update(StripeSync).where(StripeSync.customer_id == customer_id).values(version=StripeSync.version + 1)
    )
    db.session.execute(newer.execution_options(synchronize_session=False))


def _apply(customer_id: str, reading: Reading, *, is_first: bool) -> None:
    """Write under the organization's lock: a change of its details must come before or after, not in between."""
    customer, invoices = reading
    found = organization_by_customer(customer_id)
    if found is None:
        return
    organization = organization_by_id(found.id, lock=True)
    target = Target(stripe_actor(organization.id), organization, is_told=not is_first)
    apply_customer(target, customer)
    for invoice in invoices:
        apply_invoice(target, invoice)


def _version(customer_id: str) -> int:
    statement = select(StripeSync.version).where(StripeSync.customer_id == customer_id)
    version = db.session.scalar(statement)
    if version is None:
        try:
            db.session.execute(insert(StripeSync).values(customer_id=customer_id, version=0))
            db.session.commit()
        except IntegrityError:  # another process was first
            db.session.rollback()
        version = db.session.scalar(statement)
    return version or 0


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


def _invoice_if_any(invoice_id: str) -> list[InvoiceSnapshot]:
    try:
        return [stripe().invoice(invoice_id)]
    except NotFoundError:  # a draft that was deleted
        return []
