"""Around every job: the application's context, a clean session, one log line, and no fault that ends the worker."""

import logging
import os
import signal
import socket
import threading
import time
from functools import partial
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from jobs.schedule import TIMETABLE, Row
from jobs.work import Work
from portal.billing.models import StripeEvent
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.kit.tokens import random_text
from portal.kit.work import release_claims
from portal.notifications.models import OutboxMessage

DRAIN_SECONDS = 25
CLAIMED_TABLES = (StripeEvent, OutboxMessage)
log = logging.getLogger("portal.jobs")


def run_worker(app: Flask) -> None:
    """Work by the timetable until SIGTERM or SIGINT; then finish what is in hand and hand back the rest."""
    work = Work(f"{socket.gethostname()[:24]}-{os.getpid()}-{random_text(8)}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, work.stop))
    scheduler = BackgroundScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(len(TIMETABLE))})
    for row in TIMETABLE:
        add_job(scheduler, app, row, work)
    scheduler.start()
    log.info("worker started", extra={"worker": work.worker})
    work.stop.wait()
    drain(scheduler, app, work)


def add_job(scheduler: BackgroundScheduler, app: Flask, row: Row, work: Work) -> None:
    """Put one row of the timetable on the scheduler; never two runs of a job at once in this process."""
    scheduler.add_job(
        run_job,
        "interval",
        args=(app, row, work),
        id=row.job.__name__,
        seconds=row.every_seconds,
        next_run_time=utcnow(),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )


def run_job(app: Flask, row: Row, work: Work) -> None:
    """One run. A fault is logged and the next run tries again: a worker that dies of one helps nobody."""
    started = time.perf_counter()
    with app.app_context():
        try:
            count = row.job(work)
        except Exception:
            db.session.rollback()
            log.exception("job failed", extra={"job": row.job.__name__})
            return
    if count:
        milliseconds = round((time.perf_counter() - started) * 1000)
        log.info("job done", extra={"job": row.job.__name__, "count": count, "milliseconds": milliseconds})


def drain(scheduler: BackgroundScheduler, app: Flask, work: Work) -> None:
    """Wait for the pieces in hand, at most `DRAIN_SECONDS`, then free every claim that is left."""
    waiter = threading.Thread(target=scheduler.shutdown, kwargs={"wait": True}, daemon=True)
    waiter.start()
    waiter.join(DRAIN_SECONDS)
    with app.app_context():
        for table in CLAIMED_TABLES:
            release_claims(table, work.worker)
        db.session.commit()
    log.info("worker stopped", extra={"worker": work.worker, "finished": not waiter.is_alive()})


def _stop(stop: threading.Event, _number: int, _frame: FrameType | None) -> None:
    stop.set()
