"""Workers with timetables of their own, for tests: `python -m tests.jobs.odd_workers NAME [real]`.

Their slots are short, and so are their leases unless told `real`. What a job does is a row in the table `effects`,
which the test makes.
"""

import logging
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

import jobs.heartbeat
import portal.jobs.slots
import portal.kit.work
from jobs.monitor import Monitor
from jobs.rows import Row, SlotRow
from jobs.runner import run_slots, run_worker
from jobs.work import Work
from portal.extensions import db
from portal.jobs.slots import Period
from portal.kit.clock import utcnow
from wsgi import create_app

Job = Callable[[Work], int]
EFFECTS = "CREATE TABLE effects (job text, slot_at text, worker text, at double precision)"
SHORT_LEASE = timedelta(seconds=4)


def note(work: Work) -> None:
    """One effect in the session's transaction."""
    values = {"job": work.job, "slot_at": work.slot().isoformat(), "worker": work.worker, "at": time.time()}
    statement = "INSERT INTO effects (job, slot_at, worker, at) VALUES (:job, :slot_at, :worker, :at)"
    db.session.execute(db.text(statement), values)


def whole(work: Work) -> int:
    """Leaves the commit to the runner: the effect and the slot's end are one."""
    time.sleep(random.random() / 5)
    note(work)
    time.sleep(random.random() / 20)
    return 1


def failing(work: Work) -> int:
    """Fails the first time in every second slot, after its effect."""
    note(work)
    slot_at = work.slot()
    tried = "SELECT attempts FROM job_slots WHERE job = 'failing' AND claimed_by = :worker"
    attempts = db.session.execute(db.text(tried), {"worker": work.worker}).scalar_one()
    if attempts == 1 and slot_at.second % 4 == 0:
        raise ValueError("what ana@acme.example typed")
    return 1


def piecemeal(work: Work) -> int:
    """Commits piece by piece, for longer than a lease, and shows progress."""
    pieces = 0
    for _ in range(14):
        if not work.should_go_on():
            break
        time.sleep(0.5)
        pieces += 1
    note(work)
    return pieces


def endless(work: Work) -> int:
    """Goes on until it is stopped."""
    while work.should_go_on():
        time.sleep(0.05)
    note(work)
    return 1


def stuck(_work: Work) -> int:
    """Makes no progress, whatever happens."""
    threading.Event().wait()
    return 0


def named(name: str, job: Job) -> Job:
    """Another job under the name of one."""

    def stand_in(work: Work) -> int:
        return job(work)

    stand_in.__name__ = name
    return stand_in


def slots(job: Job, seconds: float, *, allowance: float = 60) -> SlotRow:
    """A row with slots of some seconds."""
    return SlotRow(job, Period(timedelta(seconds=seconds)), "often", "", allowance, 0.2)


def odd_scheduler(app: Flask, timetable: Sequence[SlotRow]) -> None:
    """Misconfigured: another time zone, far too often, every row three times, and many runs at once."""
    scheduler = BackgroundScheduler(
        timezone="Asia/Tokyo", executors={"default": ThreadPoolExecutor(3 * len(timetable) + 4)}
    )
    monitor = Monitor("odd")
    for number in range(3):
        for row in timetable:
            scheduler.add_job(
                run_slots,
                "interval",
                args=(app, row, monitor),
                id=f"{row.name} {number}",
                seconds=0.05 * (number + 1),
                max_instances=4,
                misfire_grace_time=None,
            )
    scheduler.start()
    logging.getLogger(__name__).info("odd scheduler started")
    threading.Event().wait()


def main(name: str, lease: str = "short") -> None:
    """Runs until it is ended."""
    app = create_app()
    if lease == "short":
        portal.kit.work.LEASE = portal.jobs.slots.LEASE = SHORT_LEASE
        jobs.heartbeat.BEAT_SECONDS = 1
    quick = (slots(whole, 1), slots(failing, 2))
    if name == "odd":
        if app.config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql"):
            # Its own clock is an hour ahead; an embedded database has no other.
            portal.kit.work.utcnow = lambda: utcnow() + timedelta(hours=1)
        odd_scheduler(app, quick)
    timetables: dict[str, Sequence[Row | SlotRow]] = {
        "quick": quick,
        "long": (slots(piecemeal, 10),),
        "endless": (slots(endless, 1),),
        "stuck poll": (Row(stuck, 1, allowance_seconds=2),),
        "stuck slot": (slots(named("rescued", stuck), 5, allowance=2),),
        "rescue": (slots(named("rescued", whole), 5),),
        "hold": (slots(named("rescued", endless), 5),),
    }
    run_worker(app, timetables[name])
    os._exit(0)  # as `python -m jobs` does


if __name__ == "__main__":
    main(*sys.argv[1:])
