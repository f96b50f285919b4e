"""Workers that are killed or cut off, with the leases of real life: what they held goes on elsewhere."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url

from portal.extensions import db
from portal.identity.models import Organization
from portal.jobs.models import JobSlot, SlotStatus, WorkerProcess
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import put_mail
from portal.stripe_mirror.models import EventStatus, StripeEvent
from portal.stripe_mirror.receiving import store_event
from tests.conftest import SECRET_KEY, WEBHOOK_SECRET
from tests.factories import World
from tests.jobs.odd_workers import EFFECTS
from tests.portal.notifications.test_outbox import REMOVED
from tests.support.processes import MailCatcher, Process, free_port, http, http_status, wait_until
from tests.support.stripe_events import event, signature
from tests.support.stripe_standin import SECRET_KEY as STRIPE_KEY
from tests.support.stripe_standin import StripeStandin

TAKEN_OVER_SECONDS = 60
ANA = "ana@acme.example"


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path) as process:
        yield process


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path) as process:
        yield process


def start(tmp_path: Path, database_url: str, *command: str, **environment: str) -> Process:
    """A worker; the caller ends it."""
    log = tmp_path / f"worker-{len(list(tmp_path.glob('worker-*.log')))}.log"
    known = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "STRIPE_SECRET_KEY": ""}
    process = Process.python("-m", *command, log=log, env={**known, **environment})
    process.wait_for_line("worker started")
    return process


def held(model: type[JobSlot] | type[OutboxMessage] | type[StripeEvent]) -> bool:
    """Whether something of that kind is in a worker's hand."""
    found = db.session.scalars(db.select(model.claimed_by)).all()
    db.session.rollback()  # SQLite has one writer: the workers wait for whoever reads in a writing transaction
    return any(found)


def done() -> tuple[bool, bool, bool]:
    """Whether the mail, the first slot and the event are done."""
    db.session.expire_all()
    mail = db.session.scalar(
        db.select(OutboxMessage.status).where(
            OutboxMessage.channel == Channel.MAIL, OutboxMessage.recipient == ANA
        )
    )
    slot = db.session.scalar(db.select(JobSlot.status).order_by(JobSlot.slot_at).limit(1))
    status = db.session.scalar(db.select(StripeEvent.status))
    db.session.rollback()
    return mail is OutboxStatus.DELIVERED, slot is SlotStatus.FINISHED, status is EventStatus.HANDLED


def test_what_killed_workers_held_is_taken_over_within_a_minute(
    app: Flask,
    world: World,
    database_url: str,
    tmp_path: Path,
    catcher: MailCatcher,
    standin: StripeStandin,
) -> None:
    services = {
        "SMTP_URL": catcher.smtp_url,
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_API_BASE": standin.url,
        "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
    }
    db.session.execute(db.text(EFFECTS))
    put_mail("member-removed", ANA, REMOVED, None)
    customer = standin.client().v1.customers.create({"name": "Acme"}).id
    db.session.get_one(Organization, world.acme.organization_id).stripe_customer_id = customer
    body = event("customer.updated", {"id": customer, "object": "customer"})
    store_event(body, signature(body))
    db.session.commit()
    catcher.faults("hang", count=1)
    standin.faults("hang")
    with (
        start(tmp_path, database_url, "jobs", **services) as mailing,
        start(tmp_path, database_url, "tests.jobs.odd_workers", "hold", "real") as holding,
    ):
        wait_until("a mail in hand", lambda: held(OutboxMessage))
        wait_until("a slot in hand", lambda: held(JobSlot))
        wait_until("an event in hand", lambda: held(StripeEvent))
        killed = time.monotonic()
        for worker in (mailing, holding):
            worker.kill_group()
    catcher.faults("ok")
    standin.faults("ok")
    with (
        start(tmp_path, database_url, "jobs", **services) as mailing,
        start(tmp_path, database_url, "tests.jobs.odd_workers", "rescue", "real") as rescuing,
    ):
        wait_until("all taken over", lambda: all(done()), seconds=TAKEN_OVER_SECONDS + 10)
        assert time.monotonic() - killed < TAKEN_OVER_SECONDS
        for worker in (mailing, rescuing):
            worker.send(signal.SIGTERM)
            assert worker.wait_for_exit(seconds=30) == 0
    assert len(catcher.mails(ANA)) == 1
    (gone, *more) = db.session.scalars(db.select(WorkerProcess.name)).all()
    assert gone
    assert len(more) == 1, "the two that were killed are still known, the others said goodbye"


@contextmanager
def relay(target: str) -> Iterator[tuple[int, threading.Event]]:
    """A port that leads to the socket `target`, and an event: while it is set nothing passes."""
    blocked = threading.Event()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while blocked.is_set():
                    time.sleep(0.05)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here = server.accept()[0]
                there = socket.socket(socket.AF_UNIX)
                there.connect(target)
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1], blocked


@pytest.mark.parametrize("engine_name", ["postgres"])
def test_a_worker_without_its_database_is_red_and_recovers(
    app: Flask, world: World, database_url: str, tmp_path: Path, catcher: MailCatcher
) -> None:
    url = make_url(database_url)
    target = f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"
    port = free_port()
    ready = f"http://127.0.0.1:{port}/readyz"
    with relay(target) as (relay_port, blocked):
        through = url.set(host="127.0.0.1", port=relay_port, query={}).render_as_string(hide_password=False)
        settings = {"WORKER_PORT": str(port), "SMTP_URL": catcher.smtp_url}
        with start(tmp_path, through, "jobs", **settings) as worker:
            worker.wait_for_http(ready)
            blocked.set()
            worker.wait_for_http(ready, status=503, seconds=40)
            assert "the database does not answer" in http().get(ready, timeout=5).text
            assert http_status(f"http://127.0.0.1:{port}/healthz") == 200
            blocked.clear()
            worker.wait_for_http(ready, seconds=40)
            put_mail("member-removed", ANA, REMOVED, None)
            db.session.commit()
            catcher.wait_for_mail(ANA)
