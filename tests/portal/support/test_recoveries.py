"""An account whose second factor is lost: two staff, a day, mails, and a link that stops it."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from jobs.finish_recoveries import finish_recoveries
from jobs.work import Work
from portal.actor import ActorKind
from portal.audit.models import AuditEntry
from portal.errors import (
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidInputError,
    NotFoundError,
)
from portal.extensions import db
from portal.identity.models import SecondFactor, UserSession
from portal.identity.second_factor import has_second_factor
from portal.identity.sessions import sessions_of_user
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage
from portal.permissions import Role
from portal.support import recoveries
from portal.support.models import Recovery, RecoveryStatus
from tests.factories import World
from tests.portal.support.conftest import ORIGIN, REASON, Staff


def told(topic: str) -> list[dict[str, Any]]:
    """What the person was to be told, newest last."""
    statement = select(OutboxMessage).where(OutboxMessage.topic == topic).order_by(OutboxMessage.id)
    return [message.payload for message in db.session.scalars(statement)]


def noted(organization_id: str) -> list[tuple[str, str, str | None]]:
    """Action, actor and reason of the recovery's rows in the organization's log."""
    statement = (
        select(AuditEntry)
        .where(
            AuditEntry.organization_id == organization_id, AuditEntry.action.like("recovery:second-factor:%")
        )
        .order_by(AuditEntry.id)
    )
    return [
        (row.action.rpartition(":")[2], row.actor_name, row.reason) for row in db.session.scalars(statement)
    ]


def approved(staff: Staff, member_id: str) -> Recovery:
    recovery = recoveries.ask_recovery(staff.lead, member_id, REASON)
    recoveries.approve_recovery(staff.other_lead, recovery.id, "I called them back")
    db.session.commit()
    return recovery


def make_due(recovery: Recovery) -> None:
    db.session.execute(
        update(Recovery).where(Recovery.id == recovery.id).values(due_at=utcnow() - timedelta(seconds=1))
    )
    db.session.commit()


def test_two_leads_a_day_and_then_the_factor_and_the_sessions_are_gone(
    world: World, staff: Staff, locked_out: str
) -> None:
    user_id = world.acme.users[Role.VIEWER]
    recovery = approved(staff, locked_out)
    due = recovery.due_at
    assert due is not None
    assert timedelta(hours=23, minutes=59) < due - utcnow() <= timedelta(hours=24)
    assert finish_recoveries(Work("worker")) == 0
    assert has_second_factor(user_id)
    make_due(recovery)
    assert finish_recoveries(Work("worker")) == 1
    assert finish_recoveries(Work("worker")) == 0
    assert not has_second_factor(user_id)
    assert sessions_of_user(user_id) == []
    assert db.session.get_one(Recovery, recovery.id).status is RecoveryStatus.FINISHED
    assert noted(world.acme.organization_id) == [
        ("asked", "Lead", REASON),
        ("approved", "Second Lead", "I called them back"),
        ("removed", "Portal", None),
    ]
    (asked,), (approval,), (ended,) = (told(f"recovery-{name}") for name in ("asked", "approved", "ended"))
    assert (asked["recovery_id"], asked["reason"], asked["about"]) == (recovery.id, REASON, [user_id])
    assert (approval["due_at"], approval["about"]) == (due.isoformat(), [user_id])
    assert (ended["outcome"], ended["about"]) == ("removed", [user_id])
    assert len(told("second-factor-changed")) == 1


def test_the_lead_who_asked_cannot_approve(staff: Staff, locked_out: str) -> None:
    recovery = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    with pytest.raises(ForbiddenError, match="Another lead"):
        recoveries.approve_recovery(staff.lead, recovery.id, REASON)
    assert recovery.status is RecoveryStatus.ASKED


def test_support_neither_asks_nor_approves_nor_stops(staff: Staff, locked_out: str) -> None:
    recovery = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    for verb, thing in (
        (recoveries.ask_recovery, locked_out),
        (recoveries.approve_recovery, recovery.id),
        (recoveries.cancel_recovery, recovery.id),
    ):
        with pytest.raises(ForbiddenError):
            verb(staff.support, thing, REASON)


def test_nobody_recovers_their_own_account(world: World, staff: Staff, locked_out: str) -> None:
    from dataclasses import replace

    mine = replace(staff.lead, id=world.acme.users[Role.VIEWER])
    with pytest.raises(ForbiddenError, match="own account"):
        recoveries.ask_recovery(mine, locked_out, REASON)
    recovery = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    with pytest.raises(ForbiddenError, match="own account"):
        recoveries.approve_recovery(mine, recovery.id, REASON)


def test_without_a_second_factor_there_is_nothing_to_recover(world: World, staff: Staff) -> None:
    with pytest.raises(ConflictError, match="no second factor"):
        recoveries.ask_recovery(staff.lead, world.acme.members[Role.ADMIN], REASON)


def test_one_recovery_of_an_account_at_a_time(staff: Staff, locked_out: str) -> None:
    recovery = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    db.session.commit()
    with pytest.raises(ConflictError, match="under way"):
        recoveries.ask_recovery(staff.other_lead, locked_out, REASON)
    db.session.rollback()
    recoveries.cancel_recovery(staff.other_lead, recovery.id, REASON)
    db.session.commit()
    assert recoveries.ask_recovery(staff.other_lead, locked_out, REASON).id != recovery.id


def test_another_organizations_member_and_recovery_are_unknown(
    world: World, staff: Staff, locked_out: str
) -> None:
    elsewhere = staff.lead.within(world.globex.organization_id)
    recovery = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    for verb, thing in (
        (recoveries.ask_recovery, locked_out),
        (recoveries.approve_recovery, recovery.id),
        (recoveries.cancel_recovery, recovery.id),
    ):
        with pytest.raises(NotFoundError):
            verb(elsewhere, thing, REASON)


@pytest.mark.parametrize("is_approved", [False, True])
def test_the_link_stops_it_once_at_any_time_before_the_end(
    world: World, staff: Staff, locked_out: str, is_approved: bool
) -> None:
    recovery = (
        approved(staff, locked_out)
        if is_approved
        else recoveries.ask_recovery(staff.lead, locked_out, REASON)
    )
    db.session.commit()
    token = recoveries.recovery_token(recovery.id)
    assert recoveries.find_recovery(token).id == recovery.id
    recoveries.cancel_by_link(token, ORIGIN)
    db.session.commit()
    make_due(recovery)
    assert finish_recoveries(Work("worker")) == 0
    assert has_second_factor(world.acme.users[Role.VIEWER])
    for verb in (recoveries.find_recovery, lambda given: recoveries.cancel_by_link(given, ORIGIN)):
        with pytest.raises(GoneError):
            verb(token)
    action, name, _ = noted(world.acme.organization_id)[-1]
    assert (action, name) == ("cancelled", "Viewer of Acme")
    assert [payload["outcome"] for payload in told("recovery-ended")] == ["cancelled"]


def test_the_link_is_good_for_one_recovery_only(world: World, staff: Staff, locked_out: str) -> None:
    recovery = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    token = recoveries.recovery_token(recovery.id)
    assert token != recoveries.recovery_token(f"{recovery.id}x")
    for wrong in ("", token[:-1], token.lower(), recovery.id, recovery.token_hash):
        with pytest.raises(GoneError):
            recoveries.find_recovery(wrong)


def test_no_row_and_no_message_holds_the_link(app: Flask, staff: Staff, locked_out: str) -> None:
    from tests.blueprints.web import dump

    token = recoveries.recovery_token(approved(staff, locked_out).id)
    db.session.rollback()
    assert token not in repr(dump(app))


def test_a_reason_is_needed_for_each_step(staff: Staff, locked_out: str) -> None:
    recovery = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    db.session.commit()
    for verb, thing in (
        (recoveries.ask_recovery, locked_out),
        (recoveries.approve_recovery, recovery.id),
        (recoveries.cancel_recovery, recovery.id),
    ):
        with pytest.raises(InvalidInputError) as refused:
            verb(staff.other_lead, thing, "no")
        assert refused.value.field == "reason"


def test_who_switched_it_off_meanwhile_is_signed_out_all_the_same(
    world: World, staff: Staff, locked_out: str
) -> None:
    recovery = approved(staff, locked_out)
    db.session.execute(db.delete(SecondFactor))
    make_due(recovery)
    assert finish_recoveries(Work("worker")) == 1
    assert sessions_of_user(world.acme.users[Role.VIEWER]) == []


def test_the_rows_of_the_person_are_staffs_in_the_organizations_log(
    world: World, staff: Staff, locked_out: str
) -> None:
    recoveries.ask_recovery(staff.lead, locked_out, REASON)
    row = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "recovery:second-factor:asked")
    ).one()
    assert (row.actor_kind, row.chain, row.entity_name) == (
        ActorKind.STAFF,
        world.acme.organization_id,
        "viewer@acme.example",
    )
    assert db.session.scalar(select(func.count()).select_from(UserSession)) == 1


def test_what_was_asked_for_long_ago_is_not_approved(staff: Staff, locked_out: str) -> None:
    recovery = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    db.session.execute(update(Recovery).values(asked_at=utcnow() - timedelta(days=8)))
    with pytest.raises(ConflictError, match="7 days"):
        recoveries.approve_recovery(staff.other_lead, recovery.id, "I called them back")


def test_a_factor_set_up_anew_during_the_wait_stays(world: World, staff: Staff, locked_out: str) -> None:
    approved(staff, locked_out)
    user_id = world.acme.users[Role.VIEWER]
    db.session.execute(
        update(SecondFactor)
        .where(SecondFactor.user_id == user_id)
        .values(confirmed_at=utcnow() + timedelta(minutes=1))
    )
    db.session.execute(update(Recovery).values(due_at=utcnow() - timedelta(seconds=1)))
    db.session.commit()
    assert finish_recoveries(Work("worker")) == 1
    assert has_second_factor(user_id)
    assert db.session.scalars(select(Recovery.status)).one() is RecoveryStatus.CANCELLED
