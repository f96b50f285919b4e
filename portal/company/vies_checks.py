"""Looking up the EU's tax ids. A register that does not answer says nothing about a number."""

from portal.actor import system_actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import tax_id_changed
from portal.company.models import TaxId, TaxIdStatus
from portal.context import vies
from portal.extensions import db, release_connection
from portal.gateways.vies import ViesAnswer, ViesUnavailableError
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.kit.work import Schedule, claim_due, lock_claimed

BACK_OFF = Schedule((300, 600, 1_200, 2_400, 3_270))
"""After 5, 10, 20 and 40 min, then about every hour for as long as it takes: with the jitter never more than 60 min."""
NAME = "VIES"


def claim_lookups(worker: str, limit: int) -> list[TaxId]:
    """Claim up to `limit` numbers whose time has come; commits."""
    return claim_due(TaxId, TaxIdStatus.PENDING, worker, limit, TaxId.deleted_at.is_(None))


def look_up(tax_id_id: str, worker: str) -> None:
    """Ask the register for one claimed number and write what it says; commits. No lock is held meanwhile."""
    row = lock_claimed(TaxId, tax_id_id, TaxIdStatus.PENDING, worker)
    if row is None:
        db.session.rollback()
        return
    number = row.value
    release_connection()
    try:
        answer = vies().look_up(number)
    except ViesUnavailableError:
        note_silence(tax_id_id, worker)
        return
    row = lock_claimed(TaxId, tax_id_id, TaxIdStatus.PENDING, worker)
    if row is not None and row.deleted_at is None:
        _note_answer(row, answer)
    db.session.commit()


def note_silence(tax_id_id: str, worker: str) -> None:
    """Plan the next try, whatever kept the answer away; commits. The number stays pending."""
    row = lock_claimed(TaxId, tax_id_id, TaxIdStatus.PENDING, worker)
    if row is not None and row.deleted_at is None:
        row.attempts += 1
        row.claimed_by = row.claimed_until = None
        step = min(row.attempts, len(BACK_OFF.waits))
        row.next_attempt_at = BACK_OFF.next_attempt(step, utcnow())
    db.session.commit()


def _note_answer(row: TaxId, answer: ViesAnswer) -> None:
    row.status = TaxIdStatus.VALID if answer.is_valid else TaxIdStatus.INVALID
    row.registered_name = answer.name or None
    row.attempts, row.checked_at = 0, utcnow()
    row.next_attempt_at = row.claimed_by = row.claimed_until = None
    actor = system_actor(row.organization_id, NAME)
    before, after = {"status": TaxIdStatus.PENDING.value}, {"status": row.status.value}
    record(actor, Action.TAX_ID_LOOKED_UP, Change("tax_id", row.id, row.value, before, after))
    if not answer.is_valid:
        organization = organization_by_id(row.organization_id)
        tax_id_changed(actor, organization, before=row.value, after=f"{row.value} is not in {NAME}")
