"""Prolongs the slots in hand and reports to the database, every few seconds, from a thread of its own."""

import logging
import threading
from collections.abc import Sequence

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from jobs.monitor import Monitor
from jobs.rows import Row, SlotRow
from portal.extensions import db
from portal.jobs.service import Plan, Runs, report
from portal.jobs.slots import renew_slots
from portal.kit.clock import utcnow

BEAT_SECONDS = 5
END_SECONDS = 3
log = logging.getLogger("portal.jobs")


class Heartbeat(threading.Thread):
    """Goes on while the worker drains, so that the slots in hand are kept."""

    def __init__(self, app: Flask, monitor: Monitor, timetable: Sequence[Row | SlotRow]) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.app, self.monitor, self.timetable = app, monitor, timetable
        self.is_over = threading.Event()

    def run(self) -> None:
        """Report, wait, report; once more at the end."""
        while not self.is_over.is_set():
            self.beat()
            self.is_over.wait(BEAT_SECONDS)
        self.beat()

    def end(self) -> None:
        """The last report; no other comes after it, unless the database takes longer than `END_SECONDS`."""
        self.is_over.set()
        self.join(END_SECONDS)

    def beat(self) -> None:
        """One report. What the database does not take goes with the next one."""
        ended = self.monitor.take_ended()
        with self.app.app_context():
            try:
                self._keep_slots()
                self._report(ended)
            except SQLAlchemyError:
                db.session.rollback()
                self.monitor.put_back(ended)
                self.monitor.note_report(is_written=False)
                log.exception("worker not reported")
                return
        self.monitor.note_report(is_written=True)

    def _keep_slots(self) -> None:
        in_hand = self.monitor.slots_in_hand()
        held = renew_slots([work.worker for work in in_hand]) if in_hand else set()
        for work in in_hand:
            work.is_lost = work.worker not in held

    def _report(self, ended: Sequence[Runs]) -> None:
        now = utcnow()
        plans = [Plan(row.name, row.words, row.queue, row.next_run_at(now)) for row in self.timetable]
        monitor = self.monitor
        report(monitor.worker, monitor.started_at, monitor.stalled_job(), plans, ended)
