"""Comparing the whole mirror with Stripe, customer after customer, and putting it right."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy import func, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from portal.actor import Actor, system_actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.context import stripe
from portal.errors import ConflictError, NotFoundError
from portal.extensions import db, insert_into
from portal.gateways.stripe_api import StripeUnavailableError
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.kit.work import (
    LEASE,
    RETRY_SCHEDULE,
    Claim,
    claim_due,
    database_now,
    lock_claimed,
    unclaimed,
)
from portal.notifications.events import Event, announce
from portal.permissions import StaffRole
from portal.stripe_mirror.models import ReconciliationStatus, StripeReconciliation
from portal.stripe_mirror.readings import EVERYTHING, Reading, nothing
from portal.stripe_mirror.rows import Finding, Rows, differences, mirror_rows
from portal.stripe_mirror.sync import sync
from portal.stripe_mirror.target import Target

MOST_FINDINGS = 200
"""So many are kept of one reconciliation; all are counted."""
MAXIMUM_ERROR_LENGTH = 500
TRIES_PER_CUSTOMER = 3
"""If Stripe answers, but so often not about one customer, the others have waited for it long enough."""
DATABASE_IS_AWAY = (OperationalError, InterfaceError, NoConnectionError)
"""Every other error of the database lies in what was to be written of one customer."""
log = logging.getLogger("portal.stripe")


def ask_reconciliation(actor: Actor, reason: str, claimed_by: str | None = None) -> StripeReconciliation:
    """Staff have the mirror compared with Stripe and put right; a worker does it unless `claimed_by` will.

    One that was put off goes on now. Raises `ForbiddenError`, `InvalidInputError` (reason), and `ConflictError` while
    another one is under way.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    row = _new(actor.name, claimed_by) or _hurry(actor.name, claimed_by)
    if row is None:
        raise ConflictError("A comparison with Stripe is under way already.")
    what = Change("stripe_reconciliation", row.id, "Stripe")
    record(actor, Action.RECONCILIATION_ASKED, what, reason=reason)
    return row


def plan_reconciliation() -> bool:
    """Queue the nightly one, unless one is under way; part of the caller's transaction."""
    return _new(None) is not None


def claim_reconciliation(worker: str) -> str | None:
    """Claim the one that is due, if any; its id. Commits."""
    rows = claim_due(StripeReconciliation, ReconciliationStatus.PENDING, worker, 1)
    return rows[0].id if rows else None


def count_customers() -> int:
    """How many customers a reconciliation goes through."""
    return db.session.scalars(select(func.count(Organization.stripe_customer_id))).one()


def reconcile_next(reconciliation_id: str, worker: str, sign: Callable[[], object] = nothing) -> bool:
    """Compare the next customer with Stripe, put it right, and prolong the claim, all in one commit.

    `sign` is called while it goes on. False when it was the last one and the reconciliation is finished, or when the
    claim was lost. Raises `StripeUnavailableError`; then nothing was changed, and `put_off` is due.
    """
    row = _held(reconciliation_id, worker)
    if row is None:
        db.session.rollback()
        return False
    organization = _organization_after(row.cursor)
    if organization is None:
        _finish(row)
        db.session.commit()
        return False
    customer_id, is_last_try = organization.stripe_customer_id or "", row.attempts >= TRIES_PER_CUSTOMER - 1
    about = Finding(organization.id, customer_id, "customer", customer_id, "unknown")
    db.session.rollback()
    claim = Claim(StripeReconciliation, [reconciliation_id], worker, sign)
    _Comparison(about, partial(_held, reconciliation_id, worker), is_last_try=is_last_try).run(claim)
    return True


def keep_claim(reconciliation_id: str, worker: str, wait: timedelta) -> None:
    """Hold on to the claim through a wait for the next try of a customer; commits."""
    db.session.rollback()
    row = _held(reconciliation_id, worker)
    if row is not None:
        row.attempts = min(row.attempts + 1, TRIES_PER_CUSTOMER - 1)
        row.claimed_until = utcnow() + wait + LEASE
    db.session.commit()


def put_off(reconciliation_id: str, worker: str, error: StripeUnavailableError) -> None:
    """Go on later, not before Stripe's `Retry-After`; after more than a day without an answer it failed. Commits."""
    db.session.rollback()
    row = _held(reconciliation_id, worker)
    if row is not None:
        row.attempts += 1
        row.last_error = error.message[:MAXIMUM_ERROR_LENGTH]
        row.claimed_by = row.claimed_until = None
        now = utcnow()
        planned = RETRY_SCHEDULE.next_attempt(row.attempts, now)
        row.next_attempt_at = planned and max(
            planned, now + timedelta(seconds=error.retry_after_seconds or 0)
        )
        if planned is None:
            row.status, row.finished_at = ReconciliationStatus.FAILED, now
    db.session.commit()


class _Comparison:
    """One customer of one reconciliation."""

    def __init__(
        self, about: Finding, held: Callable[[], StripeReconciliation | None], *, is_last_try: bool
    ) -> None:
        self._about, self._held, self._is_last_try = about, held, is_last_try
        self._organization: Organization | None = None
        self._before: Rows = {}
        self._unknown: list[Finding] = []

    def run(self, claim: Claim) -> None:
        """What goes wrong with one customer is a finding: it stops no other.

        Raises `StripeUnavailableError`, but not for ever for a customer while Stripe answers about others.
        """
        try:
            sync(self._about.customer_id, EVERYTHING, self._note, self._look, claim.keep)
        except DATABASE_IS_AWAY:
            raise
        except StripeUnavailableError as error:
            if not self._is_last_try or error.retry_after_seconds is not None:
                raise
            db.session.rollback()
            stripe().account_is_live()  # raises where Stripe answers nothing at all
            self._give_up("unreadable")
        except NotFoundError:
            self._give_up("unknown")
        except Exception:
            log.exception("customer not compared", extra={"customer": self._about.customer_id})
            self._give_up("unreadable")

    def _give_up(self, what: str) -> None:
        db.session.rollback()
        self._write([replace(self._about, what=what)], objects=1)
        db.session.commit()

    def _look(self, target: Target, reading: Reading) -> None:
        """Right before the reading is written: what we have, and what of it Stripe does not have."""
        self._organization, self._before = target.organization, mirror_rows(target.organization)
        known = {("invoice", item.id) for item in reading.invoices}
        known |= {("credit_note", item.id) for item in reading.credit_notes}
        self._unknown = [
            replace(self._about, kind=kind, object_id=object_id)
            for kind, object_id in self._before
            if kind in ("invoice", "credit_note") and (kind, object_id) not in known
        ]

    def _note(self) -> None:
        """Right after it: what is different now."""
        if self._organization is None:  # it was given another customer, or none, meanwhile
            self._write([], objects=0)
            return
        db.session.flush()
        after = mirror_rows(self._organization)
        found = differences(self._organization, self._before, after)
        self._write([*found, *self._unknown], objects=len(after))

    def _write(self, findings: Sequence[Finding], objects: int) -> None:
        row = self._held()
        if row is None:
            return
        row.cursor = self._about.organization_id
        row.customers += 1
        row.objects += objects
        row.found += len(findings)
        kept = row.findings.get("items", [])
        room = MOST_FINDINGS - len(kept)
        row.findings = {"items": [*kept, *(finding.as_json() for finding in findings[:room])]}
        row.attempts, row.last_error = 0, None
        row.claimed_until = utcnow() + LEASE


def _new(asked_by_name: str | None, claimed_by: str | None = None) -> StripeReconciliation | None:
    """None where one is pending already: the table takes only one."""
    until = utcnow() + LEASE if claimed_by else None
    values = {"asked_by_name": asked_by_name, "claimed_by": claimed_by, "claimed_until": until}
    statement = insert_into(StripeReconciliation).values(**values).on_conflict_do_nothing()
    row: StripeReconciliation | None = db.session.scalar(statement.returning(StripeReconciliation))
    return row


def _hurry(asked_by_name: str, claimed_by: str | None) -> StripeReconciliation | None:
    """The pending one, due now or in `claimed_by`'s hand; None where somebody has it, or would in a moment."""
    now = database_now()
    waits = [
        StripeReconciliation.status == ReconciliationStatus.PENDING,
        unclaimed(StripeReconciliation, now),
    ]
    if claimed_by is None:
        waits.append(StripeReconciliation.next_attempt_at > now)
    values = {
        "asked_by_name": asked_by_name,
        "attempts": 0,
        "next_attempt_at": now,
        "claimed_by": claimed_by,
        "claimed_until": now + LEASE if claimed_by else None,
    }
    statement = update(StripeReconciliation).where(*waits).values(**values).returning(StripeReconciliation)
    row: StripeReconciliation | None = db.session.scalar(
        statement.execution_options(synchronize_session=False, populate_existing=True)
    )
    return row


def _held(reconciliation_id: str, worker: str) -> StripeReconciliation | None:
    return lock_claimed(StripeReconciliation, reconciliation_id, ReconciliationStatus.PENDING, worker)


def _organization_after(organization_id: str) -> Organization | None:
    statement = select(Organization).where(
        Organization.id > organization_id, Organization.stripe_customer_id.is_not(None)
    )
    return db.session.scalar(statement.order_by(Organization.id).limit(1))


def _finish(row: StripeReconciliation) -> None:
    row.status, row.finished_at = ReconciliationStatus.DONE, utcnow()
    row.next_attempt_at = row.claimed_by = row.claimed_until = None
    if row.found:
        payload = {"found": row.found, "customers": row.customers}
        announce(Event.MIRROR_REPAIRED, system_actor(None), payload)
