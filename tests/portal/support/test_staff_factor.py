"""Somebody of the staff who has lost their second factor is helped by an operator, not by a lead."""

import pytest
from flask import Flask
from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.errors import ConflictError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.identity.queries import user_by_email
from portal.identity.second_factor import has_second_factor
from portal.identity.sessions import sessions_of_user, start_session
from portal.support.service import take_off_staff_factor
from tests.factories import World
from tests.portal.support.conftest import ORIGIN
from tests.portal.support.test_recoveries import told

REASON = "Their phone fell into the harbour"


def test_the_factor_and_the_sessions_are_gone_and_the_person_is_told(world: World) -> None:
    user = user_by_email(world.lead_email)
    assert user is not None
    start_session(user, ORIGIN)
    take_off_staff_factor(world.lead_email, REASON)
    db.session.commit()
    assert not has_second_factor(user.id)
    assert sessions_of_user(user.id) == []
    row = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert row is not None
    assert (row.action, row.actor_name, row.reason) == ("security:second-factor:removed", "Operator", REASON)
    assert [message["change"] for message in told("second-factor-changed")] == ["removed"]


def test_customers_are_not_helped_this_way(world: World) -> None:
    with pytest.raises(NotFoundError):
        take_off_staff_factor("owner@acme.example", REASON)


def test_a_reason_is_needed(world: World) -> None:
    with pytest.raises(InvalidInputError):
        take_off_staff_factor(world.lead_email, " ")


def test_what_is_off_cannot_be_taken_off(world: World) -> None:
    take_off_staff_factor(world.lead_email, REASON)
    with pytest.raises(ConflictError):
        take_off_staff_factor(world.lead_email, REASON)


def test_the_command_says_what_happens_next(app: Flask, world: World) -> None:
    answer = app.test_cli_runner().invoke(
        args=["staff", "take-off-second-factor", world.support_email, "--reason", REASON]
    )
    assert (answer.exit_code, "next sign-in" in answer.output) == (0, True)
    answer = app.test_cli_runner().invoke(
        args=["staff", "take-off-second-factor", "nobody@portal.example", "--reason", REASON]
    )
    assert answer.exit_code == 1
    assert "Nobody of the staff" in answer.output
