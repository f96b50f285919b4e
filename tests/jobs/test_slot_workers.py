"""Slots run by real processes: each once, none missed, whoever is killed, stuck, stopped or misconfigured."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask

from portal.extensions import db
from portal.jobs.models import JobSlot, SlotStatus
from portal.jobs.queries import trouble
from portal.kit.clock import utcnow
from tests.conftest import SECRET_KEY
from tests.jobs.odd_workers import EFFECTS
from tests.support.processes import Process, free_port, http, http_status, wait_until

Start = Callable[..., Process]


@pytest.fixture
def start(app: Flask, database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker of `tests.jobs.odd_workers`; all of them are ended with the test."""
    with app.app_context(), ExitStack() as workers:
        db.session.execute(db.text(EFFECTS))
        db.session.commit()

        def start_one(*names: str, **environment: str) -> Process:
            log = tmp_path / f"{len(list(tmp_path.glob('*.log')))}.log"
            known = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "STRIPE_SECRET_KEY": ""}
            command = ("-m", "tests.jobs.odd_workers", *names)
            process = Process.python(*command, log=log, env={**known, **environment})
            workers.enter_context(process)
            process.wait_for_line("(worker|scheduler) started")
            return process

        yield start_one


def slots(job: str) -> list[JobSlot]:
    """The job's slots, oldest first, as they are now."""
    db.session.expire_all()
    found = db.session.scalars(db.select(JobSlot).where(JobSlot.job == job).order_by(JobSlot.slot_at)).all()
    db.session.expunge_all()
    db.session.rollback()  # SQLite has one writer: the workers wait for whoever reads in a writing transaction
    return list(found)


def effects(job: str) -> list[str]:
    """The slots that the job has had effects for, in the order in which it had them."""
    query = db.text("SELECT slot_at FROM effects WHERE job = :job ORDER BY at")
    found = [str(slot_at) for (slot_at,) in db.session.execute(query, {"job": job})]
    db.session.rollback()
    return found


def finished(job: str) -> int:
    """How many of its slots are done."""
    return sum(slot.status is SlotStatus.FINISHED for slot in slots(job))


def is_caught_up(job: str, since: datetime) -> bool:
    """Every slot up to `since` is done, and a later one is known."""
    found = slots(job)
    earlier = [slot.status is SlotStatus.FINISHED for slot in found if slot.slot_at <= since]
    return len(earlier) < len(found) and all(earlier)


def assert_each_slot_once(job: str, period: timedelta) -> None:
    """No gap between the slots; one effect for each that is done and none for another."""
    found = slots(job)
    assert {later.slot_at - earlier.slot_at for earlier, later in pairwise(found)} == {period}
    done = Counter(slot.slot_at.isoformat() for slot in found if slot.status is SlotStatus.FINISHED)
    assert Counter(effects(job)) == done


def test_two_workers_and_a_misconfigured_scheduler_run_each_slot_once_and_miss_none(start: Start) -> None:
    first, second, odd = start("quick"), start("quick"), start("odd")
    wait_until("some slots", lambda: finished("whole") >= 7 and finished("failing") >= 2, seconds=40)
    for worker in (first, second):
        worker.send(signal.SIGTERM)
        assert worker.wait_for_exit() == 0
    odd.kill_group()
    before = len(slots("whole"))
    time.sleep(3)  # slots pass while nobody works
    back = utcnow()
    start("quick")
    for job in ("whole", "failing"):
        wait_until(f"{job} caught up", lambda job=job: is_caught_up(job, back), seconds=60)  # type: ignore[misc]
    assert len(slots("whole")) >= before + 3
    assert_each_slot_once("whole", timedelta(seconds=1))
    assert_each_slot_once("failing", timedelta(seconds=2))
    in_order = effects("whole")
    assert in_order == sorted(in_order), "the oldest first, and never two at once"
    tries = Counter(slot.attempts for slot in slots("failing"))
    assert tries[2] >= 1, "a slot that failed was tried again"
    for worker in (first, second, odd):
        assert "ana@acme.example" not in worker.output


def test_workers_killed_at_any_moment_neither_miss_a_slot_nor_run_one_twice(start: Start) -> None:
    workers = [start("quick"), start("quick")]
    for _ in range(8):
        time.sleep(random.uniform(0.1, 1.5))
        workers.pop(0).kill_group()
        workers.append(start("quick"))
    back = utcnow()
    for job in ("whole", "failing"):
        wait_until(f"{job} caught up", lambda job=job: is_caught_up(job, back), seconds=60)  # type: ignore[misc]
    assert_each_slot_once("whole", timedelta(seconds=1))
    assert_each_slot_once("failing", timedelta(seconds=2))


def test_a_slot_that_takes_longer_than_a_lease_stays_in_one_hand(start: Start) -> None:
    start("long"), start("long")
    wait_until("the long slot", lambda: finished("piecemeal") >= 1, seconds=40)
    (first, *_) = slots("piecemeal")
    assert (first.status, first.attempts, first.count) == (SlotStatus.FINISHED, 1, 14)
    assert effects("piecemeal") == [first.slot_at.isoformat()]


def test_a_stuck_slot_goes_to_another_worker_and_turns_its_own_red(start: Start) -> None:
    port = free_port()
    stuck = start("stuck slot", WORKER_PORT=str(port))
    wait_until("a stuck slot", lambda: any(slot.claimed_by for slot in slots("rescued")), seconds=30)
    wait_until("red", lambda: http_status(f"http://127.0.0.1:{port}/readyz") == 503)
    wait_until("the notice", lambda: trouble().stalled_job == "rescued" or db.session.rollback())
    start("rescue")
    wait_until("the rescue", lambda: finished("rescued") >= 1, seconds=30)
    (first, *_) = slots("rescued")
    assert (first.status, first.attempts) == (SlotStatus.FINISHED, 2)
    assert effects("rescued")[0] == first.slot_at.isoformat()
    stuck.kill_group()


def test_a_worker_that_is_stopped_hands_its_slot_back_untouched(start: Start) -> None:
    worker = start("endless")
    wait_until("a slot in hand", lambda: any(slot.claimed_by for slot in slots("endless")), seconds=30)
    worker.send(signal.SIGTERM)
    assert worker.wait_for_exit(seconds=30) == 0
    (first, *_) = slots("endless")
    assert (first.status, first.attempts, first.claimed_by, first.claimed_until) == ("pending", 0, None, None)
    assert effects("endless") == []
    assert "slot handed back" in worker.output


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_hanging_job_turns_the_worker_red_and_does_not_keep_it_from_ending(start: Start) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    worker = start("stuck poll", WORKER_PORT=str(port))
    assert http_status(f"{url}/readyz") == 200
    worker.wait_for_http(f"{url}/readyz", status=503)
    assert http().get(f"{url}/readyz", timeout=5).json() == {
        "status": "not ready",
        "reason": "the job stuck makes no progress",
    }
    assert http_status(f"{url}/healthz") == 200
    assert {http_status(f"{url}/{path}") for path in ("", "metrics", "readyz/x", "admin/jobs")} == {404}
    worker.send(signal.SIGTERM)
    assert worker.wait_for_exit(seconds=30) == 0
    assert http_status(f"{url}/readyz") is None
