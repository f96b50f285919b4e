"""Stripe's events that wait: what a backlog costs the receipt of others, and how fast a worker is done with one.

The worker asks the Stripe stand-in, which computes on the same cores. Every customer has a card, a plan and an invoice,
and is in the mirror already when the clock starts.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, create_engine, func, insert, select, text

from bench.events import CUSTOMER, event_body, signature, stripe_event, supply
from bench.load import run
from bench.rig import ENVIRONMENT, PORTAL, BenchError, Server, cpu_seconds, serve
from portal.config import Settings, load_settings
from portal.gateways.stripe_api import StripeGateway
from portal.identity.models import Organization
from portal.kit.tokens import new_id
from portal.stripe_mirror.models import EventStatus, StripeEvent
from portal.stripe_mirror.receiving import put_event, read_event
from tests.support.processes import Process, wait_until
from tests.support.stripe_standin import StripeStandin

WAITING = 10_000
RECEIPTS = 1_000
MOST_OF_P95 = 1.1
"""Of the p95 without a backlog: a tenth is what rounds differ by anyway."""
CUSTOMERS = 150
EVENTS_A_SECOND = 50
PATIENCE = 300
POLL_SECONDS = 0.05

Object = tuple[str, dict[str, object]]
"""An event's type and what it is about."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The p95 of the receipt in milliseconds, medians of the rounds, and the median of each round's ratio."""

    waiting: int
    p95: float
    p95_alone: float
    ratio: float

    @property
    def reaches_goal(self) -> bool:
        return self.ratio <= MOST_OF_P95


@dataclass(frozen=True, slots=True)
class Drain:
    """How many events a second one worker was done with."""

    name: str
    events: int
    per_second: float
    by_cpu: float
    """The same from what worker and stand-in computed: what a machine would reach that does nothing else."""

    @property
    def reaches_goal(self) -> bool:
        return self.per_second >= EVENTS_A_SECOND


def receipt_beside_backlog(database_url: str, log: Path, *, rounds: int) -> Receipt:
    """Rounds without and with events waiting, by turns. Removes every event that is stored."""
    engine = create_engine(database_url)
    beside: list[float] = []
    alone: list[float] = []
    with serve(PORTAL, database_url, log) as server:
        p95_of_receipts(server)  # warm
        for number in range(rounds):
            for is_alone in (True, False) if number % 2 == 0 else (False, True):
                remove_events(engine)
                add_events(engine, [("customer.updated", CUSTOMER)], 0 if is_alone else WAITING)
                (alone if is_alone else beside).append(p95_of_receipts(server))
    remove_events(engine)
    engine.dispose()
    ratio = median(with_it / without for with_it, without in zip(beside, alone, strict=True))
    return Receipt(WAITING, median(beside), median(alone), ratio)


def p95_of_receipts(server: Server) -> float:
    load = run(server.address, supply(stripe_event, RECEIPTS), seconds=PATIENCE)
    if load.errors or len(load.waits) != RECEIPTS:
        raise BenchError(f"{load.errors} errors in {len(load.waits)} receipts")
    return load.p95


def drain(database_url: str, place: Path) -> list[Drain]:
    """One worker's rates: every event about another customer, and four about each."""
    with StripeStandin(place, secret_key=ENVIRONMENT["STRIPE_SECRET_KEY"]) as standin:
        engine = create_engine(database_url)
        objects = make_customers(engine, standin)
        one_each = [kinds[number % len(kinds)] for number, kinds in enumerate(objects)]
        all_of_them = [kind for kinds in zip(*objects, strict=True) for kind in kinds]
        with worker(database_url, standin.url, place) as process:
            pids = process.pid, standin.process.pid
            rate_of("first", engine, [kinds[0] for kinds in objects], pids)  # fills the mirror
            found = [
                rate_of("events about a customer each", engine, one_each, pids),
                rate_of("four events about each customer", engine, all_of_them, pids),
            ]
        engine.dispose()
    return found


@contextmanager
def worker(database_url: str, stripe_url: str, place: Path) -> Iterator[Process]:
    """A worker as the Procfile starts it, without anybody to send mail to."""
    env = {**ENVIRONMENT, "DATABASE_URL": database_url, "STRIPE_API_BASE": stripe_url, "SMTP_URL": ""}
    with Process.python("-m", "jobs", log=place / "worker.log", env=env) as process:
        process.wait_for_line("worker started")
        yield process


def rate_of(name: str, engine: Engine, objects: Sequence[Object], pids: Sequence[int]) -> Drain:
    """From the first event that was seen done to the last. Raises `BenchError` unless all went well."""
    remove_events(engine)
    add_events(engine, objects, len(objects))
    before = wait_until("the first event", lambda: count(engine, EventStatus.HANDLED), seconds=PATIENCE)
    started, computed = time.perf_counter(), cpu_seconds(*pids)
    while count(engine, EventStatus.PENDING):
        time.sleep(POLL_SECONDS)
        if time.perf_counter() - started > PATIENCE:
            raise BenchError("the worker is not done with its events")
    seconds, computed = time.perf_counter() - started, cpu_seconds(*pids) - computed
    if count(engine, EventStatus.HANDLED) != len(objects):
        raise BenchError("not every event was handled")
    done = len(objects) - before
    return Drain(name, len(objects), done / seconds, done / computed)


def make_customers(engine: Engine, standin: StripeStandin) -> list[list[Object]]:
    """Customers at Stripe and here; of each what events can be about."""
    api = standin.client().v1
    product = api.products.create({"name": "Pro"}).id
    monthly = {
        "product": product,
        "currency": "eur",
        "unit_amount": 2_000,
        "recurring": {"interval": "month"},
    }
    price = api.prices.create(monthly).id  # type: ignore[arg-type]
    objects: list[list[Object]] = []
    for number in range(CUSTOMERS):
        customer = api.customers.create({"name": f"Company {number}", "email": "bench@bench.example"}).id
        card = api.payment_methods.attach("pm_card_visa", {"customer": customer}).id
        api.customers.update(customer, {"invoice_settings": {"default_payment_method": card}})
        plan = api.subscriptions.create({"customer": customer, "items": [{"price": price, "quantity": 5}]})
        of_it = {"customer": customer}
        objects.append(
            [
                ("customer.updated", {"id": customer, "object": "customer"}),
                ("customer.subscription.updated", {"id": plan.id, "object": "subscription", **of_it}),
                ("payment_method.attached", {"id": card, "object": "payment_method", **of_it}),
                ("invoice.paid", {"id": str(plan.latest_invoice), "object": "invoice", **of_it}),
            ]
        )
    rows = [
        {"id": new_id("org"), "name": "Bench", "billing_email": "", "stripe_customer_id": kinds[0][1]["id"]}
        for kinds in objects
    ]
    with engine.begin() as connection:
        connection.execute(insert(Organization), rows)
    return objects


def add_events(engine: Engine, objects: Sequence[Object], number: int) -> None:
    """So many events about these, in turn, as the receipt stores them."""
    gateway = StripeGateway(settings())
    rows = []
    for (kind, found), _ in zip(cycle(objects), range(number), strict=False):
        body = event_body(kind, found)
        rows.append(read_event(gateway, body, signature(body)))
    with engine.begin() as connection:
        for row in rows:
            put_event(connection, row)


def settings() -> Settings:
    """Those of the processes that are measured."""
    return load_settings(**{name.lower(): value for name, value in ENVIRONMENT.items()})


def remove_events(engine: Engine) -> None:
    is_postgres = engine.dialect.name == "postgresql"
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE stripe_events" if is_postgres else "DELETE FROM stripe_events"))


def count(engine: Engine, status: EventStatus) -> int:
    """How many events stand there."""
    with engine.connect().execution_options(sqlite_begin="BEGIN") as connection:
        found = select(func.count()).select_from(StripeEvent).where(StripeEvent.status == status)
        return connection.scalar(found) or 0
