"""A person of the staff has one view at a time, and each that was started has its end in the customer's log."""

import threading

import pytest
from flask import Flask
from sqlalchemy import func, select

from jobs.end_staff_views import end_staff_views
from jobs.work import Work
from portal.actor import Actor
from portal.audit.models import AuditEntry
from portal.errors import ConflictError, ForbiddenError, NotFoundError
from portal.extensions import db
from portal.support.models import StaffView
from portal.support.views import LIFETIME, end_view, start_view
from tests.factories import World
from tests.portal.support.conftest import REASON, Staff, actor

AT_ONCE = 6


def entries(action: str) -> int:
    rows = select(AuditEntry.id).where(AuditEntry.action == f"staff:view:{action}")
    return len(db.session.scalars(rows).all())


def open_views() -> int:
    statement = select(func.count()).select_from(StaffView).where(StaffView.ended_at.is_(None))
    return db.session.scalar(statement) or 0


def test_who_is_not_staff_starts_none(world: World, staff: Staff) -> None:
    with pytest.raises(ForbiddenError):
        start_view(world.acme.actor(), "ses_1", REASON)
    with pytest.raises(NotFoundError):
        start_view(staff.support.within("org_unknown"), "ses_1", REASON)


def test_it_lasts_half_an_hour_and_not_longer(staff: Staff) -> None:
    view = start_view(staff.support, "ses_1", REASON)
    assert (view.expires_at - view.started_at).total_seconds() == LIFETIME.total_seconds() == 1800


def test_ending_twice_is_one_end(staff: Staff) -> None:
    start_view(staff.support, "ses_1", REASON)
    end_view(staff.support)
    end_view(staff.support)
    assert (entries("started"), entries("ended")) == (1, 1)


def test_several_who_view_do_not_disturb_each_other(staff: Staff) -> None:
    for person in (staff.support, staff.lead, staff.other_lead):
        start_view(person, f"ses_{person.id}", REASON)
    end_view(staff.lead)
    assert (open_views(), entries("ended")) == (2, 1)


def test_starts_at_the_same_moment_leave_one_open_and_an_end_for_each_other(
    app: Flask, world: World, staff: Staff
) -> None:
    places = [world.acme.organization_id, world.globex.organization_id]
    email = world.support_email
    db.session.commit()
    barrier, outcomes = threading.Barrier(AT_ONCE), []

    def start(number: int) -> None:
        with app.app_context():
            person: Actor = actor(email, places[number % 2])
            db.session.rollback()
            barrier.wait()
            try:
                start_view(person, f"ses_{number}", REASON)
                db.session.commit()
                outcomes.append("started")
            except ConflictError:
                db.session.rollback()
                outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=start, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == AT_ONCE
    assert open_views() == 1
    assert entries("started") == outcomes.count("started") == entries("ended") + 1


def test_two_workers_write_one_end(app: Flask, staff: Staff) -> None:
    start_view(staff.support, "ses_that_is_over", REASON)
    db.session.commit()
    counts: list[int] = []
    barrier = threading.Barrier(2)

    def work(name: str) -> None:
        with app.app_context():
            barrier.wait()
            counts.append(end_staff_views(Work(name)))
            db.session.remove()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(counts) == [0, 1]
    assert (open_views(), entries("ended")) == (0, 1)
