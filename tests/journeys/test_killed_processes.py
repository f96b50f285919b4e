"""Stripe's events while web and worker are killed, and while each comes many times: none is lost, each counts once."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
import requests
from flask import Flask
from sqlalchemy import func

from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.identity.models import Organization
from portal.stripe_mirror.models import EventStatus, StripeEvent
from standins.run.demo import shell
from standins.run.procfile import read_procfile
from tests.conftest import ENGINES, SECRET_KEY, WEBHOOK_SECRET
from tests.factories import World, make_organization
from tests.support.processes import ROOT, Process, free_port, http, wait_until
from tests.support.stripe_events import event, signature
from tests.support.stripe_standin import SECRET_KEY as STRIPE_KEY
from tests.support.stripe_standin import StripeStandin

HOST = "127.0.0.1"
START_SECONDS, PATIENCE = 60, 120
CUSTOMERS, BURSTS, EVENTS_A_BURST = 12, 6, 50
pytestmark = pytest.mark.parametrize("engine_name", ENGINES)


@dataclass
class Site:
    """Two web servers of two processes each and a worker, as the Procfile starts them, on one database."""

    folder: Path
    environment: dict[str, str]
    scope: ExitStack
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    commands: dict[str, str] = field(default_factory=lambda: read_procfile(ROOT / "Procfile"))

    def start(self) -> None:
        self.servers = [self.web(port) for port in self.ports]
        self.work()
        for server, url in zip(self.servers, self.urls, strict=True):
            server.wait_for_http(f"{url}/healthz", seconds=START_SECONDS)

    @property
    def urls(self) -> list[str]:
        return [f"http://{HOST}:{port}" for port in self.ports]

    def web(self, port: int) -> Process:
        return self._run("web", PORT=str(port), HOST=HOST)

    def work(self) -> None:
        self.worker = self._run("worker")

    def kill_web_processes(self) -> None:
        """What the first server serves with, all at once; it starts others by itself."""
        pid = self.servers[0].pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def kill_web_server(self) -> None:
        self.servers[0].kill_group()
        self.servers[0] = self.web(self.ports[0])

    def kill_worker(self) -> None:
        self.worker.kill_group()
        self.work()

    def _run(self, name: str, **more: str) -> Process:
        log = self.folder / f"{name}.log"
        process = Process(shell(self.commands[name]), log=log, env={**self.environment, **more})
        self.scope.callback(process.kill_group)
        return process


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path) as process:
        yield process


@pytest.fixture
def site(
    app: Flask, world: World, database_url: str, tmp_path: Path, standin: StripeStandin
) -> Iterator[Site]:
    environment = {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "PUBLIC_APP_URL": f"http://{HOST}",
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_API_BASE": standin.url,
        "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "SMTP_URL": "",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    with ExitStack() as scope:
        site = Site(tmp_path, environment, scope)
        site.start()
        yield site


def customers(standin: StripeStandin, count: int) -> list[str]:
    """Organizations and their customers at Stripe."""
    client = standin.client()
    made = [client.v1.customers.create({"name": f"Company {number}"}).id for number in range(count)]
    for number, customer in enumerate(made):
        make_organization(f"Company {number}", customer=customer)
    db.session.commit()
    return made


def updated(customer: str, event_id: str) -> bytes:
    return event("customer.updated", {"id": customer, "object": "customer"}, event_id)


def deliver(url: str, body: bytes) -> None:
    """As Stripe does: again until it is taken."""
    deadline = time.monotonic() + PATIENCE
    client = http()
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body)}
    while time.monotonic() < deadline:
        with suppress(requests.RequestException):
            if client.post(f"{url}/webhooks/stripe", data=body, headers=headers, timeout=10).ok:
                return
        time.sleep(0.1)
    raise AssertionError(f"{body.decode()} was not taken within {PATIENCE} s")


def states() -> list[tuple[EventStatus, int]]:
    """Where the events stand, and how many stand there."""
    found = db.session.execute(
        db.select(StripeEvent.status, func.count()).group_by(StripeEvent.status).order_by(StripeEvent.status)
    ).all()
    db.session.rollback()  # SQLite has one writer: the processes wait for whoever reads in a writing transaction
    return [(row[0], row[1]) for row in found]


def expire_leases() -> None:
    """As time would do; `test_workers.py` waits for it."""
    db.session.execute(db.update(StripeEvent).values(claimed_until=None, claimed_by=None))
    db.session.commit()


def names() -> set[str]:
    """What the organizations are called here."""
    found = set(db.session.scalars(db.select(Organization.name).where(Organization.name.like("Company%"))))
    db.session.rollback()
    return found


def renamed() -> int:
    """How many changes of a name are in the log."""
    changes = AuditEntry.action == Action.BILLING_DETAILS_CHANGED
    return int(db.session.scalar(db.select(func.count()).select_from(AuditEntry).where(changes)) or 0)


def test_no_event_is_lost_while_processes_are_killed(
    world: World, site: Site, standin: StripeStandin
) -> None:
    chance = Random(4)
    theirs = customers(standin, CUSTOMERS)
    client = standin.client()
    kills = [site.kill_web_processes, site.kill_worker, site.kill_web_server] * (BURSTS // 3)
    for burst, kill in enumerate(kills):
        for number, customer in enumerate(theirs):
            client.v1.customers.update(customer, {"name": f"Company {number} in burst {burst}"})
        bodies = [
            updated(theirs[number % CUSTOMERS], f"evt_{burst}_{number}") for number in range(EVENTS_A_BURST)
        ]
        with ThreadPoolExecutor(8) as stripe:
            taken = [
                stripe.submit(deliver, site.urls[number % 2], body) for number, body in enumerate(bodies)
            ]
            time.sleep(chance.uniform(0.0, 0.3))
            kill()
            site.kill_worker()
            for one in taken:
                one.result()
    assert sum(count for _, count in states()) == BURSTS * EVENTS_A_BURST
    expire_leases()
    all_handled = [(EventStatus.HANDLED, BURSTS * EVENTS_A_BURST)]
    wait_until("every event handled", lambda: states() == all_handled, seconds=PATIENCE)
    assert names() == {f"Company {number} in burst {BURSTS - 1}" for number in range(CUSTOMERS)}


def test_an_event_that_comes_many_times_counts_once(world: World, site: Site, standin: StripeStandin) -> None:
    customer, other = customers(standin, 2)
    for number, one in enumerate((customer, other)):
        deliver(site.urls[0], updated(one, f"evt_first_{number}"))
    first = [(EventStatus.HANDLED, 2)]
    wait_until("the first readings", lambda: states() == first, seconds=PATIENCE)
    for one in (customer, other):
        standin.client().v1.customers.update(one, {"name": f"Company {one}"})
    for _ in range(20):
        deliver(site.urls[0], updated(customer, "evt_in_a_row"))
    with ThreadPoolExecutor(50) as stripe:
        body = updated(other, "evt_in_parallel")
        for answer in [stripe.submit(deliver, site.urls[number % 2], body) for number in range(50)]:
            answer.result()
    all_handled = [(EventStatus.HANDLED, 4)]
    wait_until("both handled", lambda: states() == all_handled, seconds=PATIENCE)
    deliver(site.urls[1], updated(customer, "evt_in_a_row"))
    assert states() == all_handled
    assert set(db.session.scalars(db.select(StripeEvent.attempts))) == {1}
    assert names() == {f"Company {customer}", f"Company {other}"}
    assert renamed() == 2
