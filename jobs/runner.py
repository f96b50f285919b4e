"""Around every job: the application's context, a clean session, one log line, and no fault that ends the worker."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from jobs.health import serve_health
from jobs.heartbeat import Heartbeat
from jobs.monitor import Monitor
from jobs.rows import Row, SlotRow
from jobs.schedule import TIMETABLE
from jobs.work import Work
from portal.company.models import TaxId
from portal.context import services
from portal.extensions import db
from portal.inbox.models import TicketAudit
from portal.jobs.models import JobSlot
from portal.jobs.service import forget_worker
from portal.jobs.slots import claim_slot, fail_slot, finish_slot, hand_back_slot
from portal.kit.clock import utcnow
from portal.kit.tokens import random_text
from portal.kit.work import release_claims
from portal.notifications.models import OutboxMessage
from portal.stripe_mirror.models import StripeEvent, StripeReconciliation

DRAIN_SECONDS = 25
TICK_SECONDS = 5
CLAIMED_TABLES = (StripeEvent, StripeReconciliation, TaxId, OutboxMessage, TicketAudit, JobSlot)
log = logging.getLogger("portal.jobs")


def run_worker(app: Flask, timetable: Sequence[Row | SlotRow] = TIMETABLE) -> None:
    """Work by the timetable until SIGTERM or SIGINT; then finish what is in hand and hand back the rest."""
    monitor = Monitor(f"{socket.gethostname()[:24]}-{os.getpid()}-{random_text(8)}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, monitor.stop))
    scheduler = BackgroundScheduler(
        timezone="UTC", executors={"default": ThreadPoolExecutor(len(timetable) + 1)}
    )
    _add(scheduler, "tick", TICK_SECONDS, monitor.tick)
    for row in timetable:
        add_job(scheduler, app, row, monitor)
    heartbeat = Heartbeat(app, monitor, timetable)
    with app.app_context():
        port = services().settings.worker_port
    if port:
        serve_health(monitor, port)
    scheduler.start()
    heartbeat.start()
    log.info("worker started", extra={"worker": monitor.worker})
    monitor.stop.wait()
    is_finished = drain(scheduler)
    heartbeat.end()
    hand_back(app, monitor)
    log.info("worker stopped", extra={"worker": monitor.worker, "finished": is_finished})


def add_job(scheduler: BackgroundScheduler, app: Flask, row: Row | SlotRow, monitor: Monitor) -> None:
    """Put one row of the timetable on the scheduler."""
    run = run_slots if isinstance(row, SlotRow) else run_job
    _add(scheduler, row.name, row.starts_each_seconds, run, app, row, monitor)


def run_job(app: Flask, row: Row, monitor: Monitor) -> None:
    """One run. A fault is logged and the next run tries again: a worker that dies of one helps nobody."""
    work = monitor.begin(row)
    with app.app_context():
        try:
            count = row.job(work)
        except Exception as error:
            runs = monitor.end(work, error=error)  # first: the rollback may fail too
            log.exception("job failed", extra={"job": row.name, "reason": runs.last_error})
            db.session.rollback()
            return
    _log_success(monitor, work, count)


def run_slots(app: Flask, row: SlotRow, monitor: Monitor) -> None:
    """Every slot that is due, the oldest first, unless another worker has one of this job in hand."""
    with app.app_context():
        try:
            while not monitor.stop.is_set() and run_slot(row, monitor):
                pass
        except Exception:  # the database is away: the next look tries again
            db.session.rollback()
            log.exception("slots not looked at", extra={"job": row.name})


def run_slot(row: SlotRow, monitor: Monitor) -> bool:
    """Claim and run one slot; False if there is none. Its end is committed with the job's own changes."""
    name = f"{monitor.worker}.{random_text(4)}"  # of this claim: a run that lost its slot must not finish it
    slot = claim_slot(row.name, row.period, name)
    if slot is None:
        return False
    slot_id, slot_at = slot.id, slot.slot_at
    db.session.rollback()  # SQLite: what was read must not keep others from writing
    work = monitor.begin(row, name, slot_at)
    try:
        count = row.job(work)
        is_done = not work.was_stopped and finish_slot(slot_id, name, count)
    except Exception as error:
        runs = monitor.end(work, error=error)
        log.exception("job failed", extra={"job": row.name, "reason": runs.last_error})
        fail_slot(slot_id, name, str(runs.last_error))
        return True
    if is_done:
        _log_success(monitor, work, count, slot_at=slot_at.isoformat())
        return True
    monitor.end(work)
    hand_back_slot(slot_id, name)
    log.info("slot handed back", extra={"job": row.name, "slot_at": slot_at.isoformat()})
    return True


def drain(scheduler: BackgroundScheduler) -> bool:
    """Wait for the pieces in hand, at most `DRAIN_SECONDS`; whether all of them ended."""
    waiter = threading.Thread(target=scheduler.shutdown, kwargs={"wait": True}, daemon=True)
    waiter.start()
    waiter.join(DRAIN_SECONDS)
    return not waiter.is_alive()


def hand_back(app: Flask, monitor: Monitor) -> None:
    """Free every claim that is left, and say goodbye."""
    with app.app_context():
        for table in CLAIMED_TABLES:
            for name in (monitor.worker, *monitor.claim_names()):
                release_claims(table, name)
        forget_worker(monitor.worker)
        db.session.commit()


def _add(scheduler: BackgroundScheduler, name: str, seconds: float, function: Any, *arguments: Any) -> None:
    """Never two runs of a job at once in this process; one that was late is not made up."""
    scheduler.add_job(
        function,
        "interval",
        args=arguments,
        id=name,
        seconds=seconds,
        next_run_time=utcnow(),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )


def _log_success(monitor: Monitor, work: Work, count: int, **more: str) -> None:
    runs = monitor.end(work, count)
    if count or more:
        extra = {"job": work.job, "count": count, "milliseconds": runs.last_milliseconds}
        log.info("job done", extra={**extra, **more})


def _stop(stop: threading.Event, _number: int, _frame: FrameType | None) -> None:
    stop.set()
