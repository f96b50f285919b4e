"""Letting somebody in whose second factor is lost: two of the staff, a day's wait, mails, and a link that stops it."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.actor import Actor, ActorKind, Origin, system_actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.context import derive_token
from portal.errors import ConflictError, ForbiddenError, GoneError, or_not_found
from portal.extensions import db
from portal.identity.second_factor import has_second_factor, remove_second_factor, was_set_up_since
from portal.identity.sessions import end_all_sessions
from portal.kit.clock import utcnow
from portal.kit.tokens import digest, new_id
from portal.notifications.events import Event, announce
from portal.permissions import StaffRole
from portal.support.models import Recovery, RecoveryStatus
from portal.team.queries import get_member

WAIT = timedelta(hours=24)
LAPSES_AFTER = timedelta(days=7)
NO_LONGER_GOOD = "There is nothing to stop any more: this was stopped already, or is over."


def ask_recovery(actor: Actor, member_id: str, reason: str) -> Recovery:
    """Ask for the removal of a member's second factor; another lead has to approve. The member is told, with a link.

    Raises `ForbiddenError`, `InvalidInputError` (reason), `NotFoundError`, and `ConflictError` where there is no
    second factor or a recovery of this account is under way.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    user = get_member(actor.organization, member_id).user
    _refuse_own_account(actor, user.id)
    if not has_second_factor(user.id):
        raise ConflictError("This person has no second factor. They can sign in with their password.")
    recovery_id = new_id("rec")
    recovery = Recovery(
        id=recovery_id,
        user=user,
        organization_id=actor.organization,
        token_hash=digest(recovery_token(recovery_id)),
        reason=reason,
        asked_by_id=str(actor.id),
        asked_by_name=actor.name,
    )
    db.session.add(recovery)
    try:
        db.session.flush()
    except IntegrityError:
        raise ConflictError("A recovery of this account is under way already.") from None
    _note(actor, Action.RECOVERY_ASKED, recovery, reason)
    _tell(Event.RECOVERY_ASKED, actor, recovery, {"recovery_id": recovery.id, "reason": reason})
    return recovery


def approve_recovery(actor: Actor, recovery_id: str, reason: str) -> Recovery:
    """Agree to what another lead has asked for: the second factor goes after `WAIT`. The person is told again.

    Raises `ForbiddenError` (also for who asked), `InvalidInputError`, `NotFoundError`, `ConflictError`.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    recovery = _lock(actor, recovery_id)
    _refuse_own_account(actor, recovery.user_id)
    if recovery.status is not RecoveryStatus.ASKED:
        raise ConflictError("This recovery is not waiting for an approval.")
    if recovery.asked_by_id == actor.id:
        raise ForbiddenError("Another lead has to approve what you asked for.")
    now = utcnow()
    if now - recovery.asked_at > LAPSES_AFTER:
        raise ConflictError("This was asked for more than 7 days ago. Stop it and ask again.")
    recovery.status = RecoveryStatus.APPROVED
    recovery.approved_by_id, recovery.approved_by_name, recovery.approved_at = actor.id, actor.name, now
    recovery.due_at = due_at = now + WAIT
    db.session.flush()
    _note(
        actor, Action.RECOVERY_APPROVED, recovery, reason, {"waits_until": due_at.isoformat(" ", "minutes")}
    )
    payload = {"recovery_id": recovery.id, "due_at": due_at.isoformat()}
    _tell(Event.RECOVERY_APPROVED, actor, recovery, payload)
    return recovery


def cancel_recovery(actor: Actor, recovery_id: str, reason: str) -> Recovery:
    """Stop it before anything was removed. Raises as `approve_recovery` does; who asked may stop it too."""
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    recovery = _lock(actor, recovery_id)
    if recovery.closed_at is not None:
        raise ConflictError("This recovery is over already.")
    _cancel(actor, recovery, reason)
    return recovery


def cancel_by_link(token: str, origin: Origin) -> Recovery:
    """Stop it by the link in the mail; nobody needs to be signed in. Raises `GoneError`."""
    recovery = find_recovery(token, lock=True)
    user = recovery.user
    actor = Actor(
        ActorKind.USER, user.id, user.name, recovery.organization_id, email=user.email, origin=origin
    )
    _cancel(actor, recovery, None)
    return recovery


def find_recovery(token: str, *, lock: bool = False) -> Recovery:
    """The open recovery behind a link. Stopped, finished and unknown ones all raise the same `GoneError`."""
    statement = (
        select(Recovery)
        .where(Recovery.token_hash == digest(token), Recovery.closed_at.is_(None))
        .options(db.joinedload(Recovery.user), db.joinedload(Recovery.organization))
    )
    if lock:
        statement = statement.with_for_update(of=Recovery).execution_options(populate_existing=True)
    recovery = db.session.scalar(statement)
    if recovery is None:
        raise GoneError(NO_LONGER_GOOD)
    return recovery


def finish_due_recovery() -> bool:
    """Finish the recovery that has been due for longest: no second factor, no session left; commits.

    Returns False where none is due. Its row is locked meanwhile: of a finish and a cancel, or of two workers, the
    later finds it closed.
    """
    statement = (
        select(Recovery)
        .where(Recovery.status == RecoveryStatus.APPROVED, Recovery.due_at <= utcnow())
        .options(db.joinedload(Recovery.user))
        .order_by(Recovery.due_at, Recovery.id)
        .limit(1)
        .with_for_update(of=Recovery, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    recovery = db.session.scalar(statement)
    if recovery is None:
        db.session.rollback()
        return False
    actor = system_actor(recovery.organization_id)
    if was_set_up_since(recovery.user_id, recovery.asked_at):  # they got in, and have a new one
        _cancel(actor, recovery, None)
    else:
        _finish(actor, recovery)
    db.session.commit()
    return True


def _finish(actor: Actor, recovery: Recovery) -> None:
    if has_second_factor(recovery.user_id):  # they may have found it, and switched it off themselves
        remove_second_factor(replace(actor, organization_id=None), recovery.user)
    end_all_sessions(recovery.user_id)
    _close(recovery, RecoveryStatus.FINISHED, actor.name)
    _note(actor, Action.RECOVERY_FINISHED, recovery, None)
    _tell(Event.RECOVERY_ENDED, actor, recovery, {"outcome": "removed"})


def recovery_token(recovery_id: str) -> str:
    """The secret of the cancel link: 256 bits derived from the id and `SECRET_KEY`, so that no row holds it."""
    return derive_token(f"recovery:{recovery_id}")


def _lock(actor: Actor, recovery_id: str) -> Recovery:
    statement = (
        select(Recovery)
        .where(Recovery.id == recovery_id, Recovery.organization_id == actor.organization)
        .options(db.joinedload(Recovery.user))
        .with_for_update(of=Recovery)
        .execution_options(populate_existing=True)
    )
    return or_not_found(db.session.scalar(statement))


def _cancel(actor: Actor, recovery: Recovery, reason: str | None) -> None:
    _close(recovery, RecoveryStatus.CANCELLED, actor.name)
    _note(actor, Action.RECOVERY_CANCELLED, recovery, reason)
    _tell(Event.RECOVERY_ENDED, actor, recovery, {"outcome": "cancelled"})


def _close(recovery: Recovery, status: RecoveryStatus, name: str) -> None:
    recovery.status, recovery.closed_at, recovery.closed_by_name = status, utcnow(), name
    db.session.flush()


def _refuse_own_account(actor: Actor, user_id: str) -> None:
    if actor.id == user_id:
        raise ForbiddenError("Nobody recovers their own account. Ask two others.")


def _note(
    actor: Actor, action: Action, recovery: Recovery, reason: str | None, after: dict[str, str] | None = None
) -> None:
    record(actor, action, Change("recovery", recovery.id, recovery.user.email, None, after), reason=reason)


def _tell(event: Event, actor: Actor, recovery: Recovery, payload: dict[str, str]) -> None:
    """The person alone: it is about their account, not about an organization of theirs."""
    announce(event, replace(actor, organization_id=None), payload, about=[recovery.user_id])
