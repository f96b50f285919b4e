"""Who acts on a recovery at the same moment as somebody else."""

import multiprocessing
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from portal.errors import (
    PortalError,
)
from portal.extensions import db
from portal.identity.models import User
from portal.identity.second_factor import has_second_factor
from portal.support import recoveries
from portal.support.models import Recovery
from tests.factories import World
from tests.portal.support.conftest import ORIGIN, REASON, Staff
from tests.portal.support.test_recoveries import approved, make_due, noted


def in_a_process(url: str, member_id: str, recovery_id: str, what: str, start: Any, results: Any) -> None:
    """One of several at the same moment: the name of what it did, or of the error."""
    from portal.kit.clock import utcnow as now
    from tests.conftest import make_settings
    from wsgi import create_app

    app = create_app(make_settings(url))
    with app.app_context():
        leads = db.session.scalars(select(User).where(User.staff_role == "lead").order_by(User.email)).all()
        from tests.portal.support.conftest import actor

        organization = db.session.scalar(select(Recovery.organization_id)) or ""
        actors = [actor(lead.email, organization) for lead in leads]
        db.session.rollback()
        verbs: dict[str, Callable[[], object]] = {
            "ask": lambda: recoveries.ask_recovery(actors[0], member_id, REASON),
            "approve": lambda: recoveries.approve_recovery(actors[1], recovery_id, REASON),
            "cancel": lambda: recoveries.cancel_by_link(recoveries.recovery_token(recovery_id), ORIGIN),
            "finish": recoveries.finish_due_recovery,
        }
        start.wait()
        try:
            done = verbs[what]()
            db.session.commit()
            results.put((what, "done" if done else "nothing", now().isoformat()))
        except PortalError as error:
            db.session.rollback()
            results.put((what, type(error).__name__, now().isoformat()))
        db.session.remove()
        db.engine.dispose()


def race(app: Flask, member_id: str, recovery_id: str, *verbs: str) -> dict[str, list[str]]:
    """Let several processes go at once; what each kind came to."""
    context = multiprocessing.get_context("spawn")
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    start, results = context.Barrier(len(verbs)), context.Queue()
    processes = [
        context.Process(target=in_a_process, args=(url, member_id, recovery_id, verb, start, results))
        for verb in verbs
    ]
    for process in processes:
        process.start()
    found: dict[str, list[str]] = {}
    for _ in processes:
        verb, outcome, _when = results.get(timeout=60)
        found.setdefault(verb, []).append(outcome)
    for process in processes:
        process.join(30)
    return found


def test_a_finish_and_a_cancel_at_the_same_moment_end_in_one_of_the_two(
    app: Flask, world: World, staff: Staff, locked_out: str
) -> None:
    recovery = approved(staff, locked_out)
    make_due(recovery)
    recovery_id, user_id = recovery.id, recovery.user_id
    db.session.remove()
    found = race(app, locked_out, recovery_id, "finish", "finish", "cancel")
    finished, cancelled = found["finish"].count("done"), found["cancel"].count("done")
    assert finished + cancelled == 1, found
    assert has_second_factor(user_id) == bool(cancelled)
    assert db.session.get_one(Recovery, recovery_id).status.value == (
        "cancelled" if cancelled else "finished"
    )
    assert len(noted(world.acme.organization_id)) == 3


def test_two_who_ask_at_once_make_one_recovery(
    app: Flask, world: World, staff: Staff, locked_out: str
) -> None:
    first = recoveries.ask_recovery(staff.lead, locked_out, REASON)
    recoveries.cancel_recovery(staff.lead, first.id, REASON)
    db.session.commit()
    recovery_id = first.id
    db.session.remove()
    found = race(app, locked_out, recovery_id, "ask", "ask", "ask")
    assert sorted(found["ask"]) == ["ConflictError", "ConflictError", "done"]
    open_ones = select(func.count()).select_from(Recovery).where(Recovery.closed_at.is_(None))
    assert db.session.scalar(open_ones) == 1
