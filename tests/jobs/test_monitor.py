"""What a worker knows of itself: what is in hand, what stands still, and what it owes to the next report."""

import time
from collections.abc import Iterator

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from jobs import monitor as monitors
from jobs.heartbeat import Heartbeat
from jobs.monitor import Monitor
from jobs.rows import Row, daily, hourly
from jobs.runner import run_job
from jobs.work import Work
from portal.errors import InvalidInputError
from portal.extensions import db
from portal.jobs.models import JobState
from portal.jobs.queries import overview
from tests.factories import World


def well(_work: Work) -> int:
    return 3


def badly(_work: Work) -> int:
    raise KeyError("what a person typed")


def refused(_work: Work) -> int:
    raise InvalidInputError("The address ana@acme.example is known already.")


TIMETABLE = (Row(well, 1, queue="mail"), Row(badly, 2), Row(refused, 30), hourly(badly, minute=7))


@pytest.fixture
def refusing(app: Flask) -> Iterator[None]:
    """A database that takes nothing."""

    def refuse(*_: object) -> None:
        raise OperationalError("statement", {}, Exception("gone"))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", refuse)
        yield
        event.remove(db.engine, "before_cursor_execute", refuse)


def state(job: str) -> JobState:
    db.session.expire_all()
    found = db.session.get_one(JobState, job)
    db.session.expunge_all()
    db.session.rollback()
    return found


def test_runs_are_counted_and_reported_once(app: Flask, world: World) -> None:
    monitor = Monitor("worker")
    for row in TIMETABLE[:2]:
        for _ in range(2):
            run_job(app, row, monitor)  # type: ignore[arg-type]
    heartbeat = Heartbeat(app, monitor, TIMETABLE[:3])
    heartbeat.beat()
    heartbeat.beat()
    good, bad, new = state("well"), state("badly"), state("refused")
    assert (good.runs, good.failures, good.items, good.last_count) == (2, 0, 6, 3)
    assert good.last_milliseconds is not None
    assert good.last_succeeded_at == good.last_finished_at
    assert (good.timetable, good.queue) == ("every second", "mail")
    assert (bad.runs, bad.failures, bad.items, bad.last_succeeded_at) == (2, 2, 0, None)
    assert str(bad.last_error).startswith("KeyError in tests/jobs/test_monitor.py:")
    assert (new.runs, new.last_started_at) == (0, None)
    assert new.next_run_at is not None


def test_two_workers_add_up(app: Flask, world: World) -> None:
    for name in ("one", "two"):
        monitor = Monitor(name)
        run_job(app, TIMETABLE[0], monitor)  # type: ignore[arg-type]
        Heartbeat(app, monitor, TIMETABLE[:1]).beat()
    assert (state("well").runs, state("well").items) == (2, 6)
    assert [worker.name for worker in overview().workers] == ["one", "two"]


def test_an_error_is_reported_without_what_somebody_typed(app: Flask, world: World) -> None:
    monitor = Monitor("worker")
    run_job(app, TIMETABLE[2], monitor)  # type: ignore[arg-type]
    Heartbeat(app, monitor, TIMETABLE[2:3]).beat()
    assert state("refused").last_error == "InvalidInputError: The address is known already."


def test_what_the_database_did_not_take_goes_with_the_next_report(
    app: Flask, world: World, request: pytest.FixtureRequest
) -> None:
    db.session.rollback()
    monitor = Monitor("worker")
    heartbeat = Heartbeat(app, monitor, TIMETABLE[:1])
    run_job(app, TIMETABLE[0], monitor)  # type: ignore[arg-type]
    refuse = request.getfixturevalue("refusing")
    assert refuse is None
    heartbeat.beat()
    assert monitor.faults() == ["the database does not answer"]
    run_job(app, TIMETABLE[0], monitor)  # type: ignore[arg-type]
    (ended,) = monitor.take_ended()
    assert (ended.runs, ended.items) == (2, 6)


def test_a_report_that_arrives_makes_the_worker_ready_again(app: Flask, world: World) -> None:
    monitor = Monitor("worker")
    monitor.note_report(is_written=False)
    Heartbeat(app, monitor, TIMETABLE[:1]).beat()
    assert monitor.faults() == []


def test_a_silent_database_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = Monitor("worker")
    monkeypatch.setattr(monitors, "DATABASE_SECONDS", 0.05)
    time.sleep(0.1)
    assert monitor.faults() == ["the database does not answer"]


def test_a_scheduler_that_stands_still_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "SCHEDULER_SECONDS", 0.5)
    monitor = Monitor("worker")
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(monitor.tick, "interval", seconds=0.1)
    scheduler.start()
    try:
        time.sleep(1)
        assert monitor.faults() == []
        scheduler.pause()
        time.sleep(1)
        assert monitor.faults() == ["the scheduler stands still"]
    finally:
        scheduler.shutdown()


def test_a_run_is_stalled_by_silence_not_by_length() -> None:
    monitor = Monitor("worker")
    work = monitor.begin(Row(well, 1, allowance_seconds=0.2))
    for _ in range(6):
        time.sleep(0.1)
        assert work.should_go_on()
        assert monitor.stalled_job() is None
    time.sleep(0.3)
    assert monitor.stalled_job() == "well"
    assert monitor.faults() == ["the job well makes no progress"]
    monitor.end(work)
    assert monitor.stalled_job() is None


def test_a_timetable_reads_well() -> None:
    rows = (Row(well, 1), Row(well, 30), hourly(well, minute=7), daily(well, hour=6, minute=30))
    assert [row.words for row in rows] == [
        "every second",
        "every 30 seconds",
        "hourly at minute 7",
        "daily at 06:30 UTC",
    ]
