"""The portal's pages and its webhook, each against the floor on the same server and the same database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from itertools import repeat
from pathlib import Path

import requests
from sqlalchemy import event

from bench.events import floor_write, stripe_event, supply
from bench.load import Address, make_request, run
from bench.people import People, application
from bench.ratios import Pair, Ratio, Sample, ratio_of
from bench.rig import FLOOR, PORTAL, BenchError, Server, serve
from bench.writes import one_busy, unrelated
from portal.audit import queries as audit
from portal.extensions import db
from portal.team import queries as team
from tests.support.processes import http

TEAM, ACTIVITY = "/account/team", "/account/activity"
SESSION_COOKIE = "portal_session"
TEAM_GOALS = {"postgres": 0.25, "sqlite": 0.20}
AUDIT_GOALS = {"postgres": 0.70, "sqlite": 0.60}
DEEP_GOAL = 1 / 1.2  # in the time of the first page, and a fifth
MOST_QUERIES = 5


@dataclass(frozen=True, slots=True)
class Rows:
    """How a row of a list begins, and how many a full page has."""

    mark: str
    count: int


RECEIPT = Pair("webhook receipt, floor write", "webhook", "write", 0.75)
MEMBERS = Rows('<tr id="member-', team.PAGE_SIZE)
ENTRIES = Rows('<div class="timeline__text">', audit.PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class Target:
    """Something to load: where, and a fresh supply of requests for each round."""

    name: str
    server: Server
    requests: Callable[[], Iterator[bytes]]


def pairs(engine: str) -> tuple[Pair, ...]:
    """What is compared. What the writes do says `bench.writes`."""
    return (
        Pair("team page of 25, floor read", "team", "read", TEAM_GOALS[engine]),
        RECEIPT,
        Pair("first page of 10,000, page of 25", "first of many", "team"),
        Pair("deep page of 10,000, first page", "deep", "first of many"),
        Pair("page 1,000 of the log, first page", "deep log", "log", DEEP_GOAL),
        Pair("audited write, the same unaudited", "audited", "update", AUDIT_GOALS[engine]),
        Pair("audited write, without session", "audited", "bare"),
        Pair("the same, all in one organization", "audited in one", "update in one", AUDIT_GOALS[engine]),
        Pair("audited in one, in unrelated ones", "audited in one", "audited"),
    )


def measure(
    compared: Sequence[Pair], database_url: str, people: People, log: Path, *, rounds: int, seconds: float
) -> list[Ratio]:
    """These pairs on one engine. Raises `BenchError` when an answer was not a success."""
    names = {name for pair in compared for name in (pair.measured, pair.against)}
    with targets(database_url, people, log) as known:
        all_targets = [target for target in known if target.name in names]
        samples: dict[str, list[Sample]] = {target.name: [] for target in all_targets}
        for target in all_targets:
            run(target.server.address, target.requests(), seconds=seconds)  # warm
        for number in range(rounds):
            # Forwards and backwards by turns, so that neither side always comes right after the other.
            for target in all_targets[:: 1 if number % 2 == 0 else -1]:
                samples[target.name].append(one_round(target, seconds))
    return [ratio_of(pair, samples) for pair in compared]


def one_round(target: Target, seconds: float) -> Sample:
    """One round. Raises `BenchError` when anything but successes came back."""
    before = target.server.cpu_seconds
    load = run(target.server.address, target.requests(), seconds=seconds)
    spent = target.server.cpu_seconds - before
    if load.errors or not load.waits:
        raise BenchError(f"{target.name}: {load.errors} errors in {len(load.waits)} answers")
    return Sample(load.per_second, spent * 1000 / len(load.waits))


@contextmanager
def targets(database_url: str, people: People, output: Path) -> Iterator[list[Target]]:
    """Both servers, and what is asked of them."""
    with serve(PORTAL, database_url, output) as portal, serve(FLOOR, database_url, output) as floor:
        many = people.token_of_many
        few = signed_in_request(portal.address, people.token, TEAM, MEMBERS)
        first = signed_in_request(portal.address, many, TEAM, MEMBERS)
        deep = signed_in_request(portal.address, many, f"{TEAM}?after={people.deep_cursor}", MEMBERS)
        log = signed_in_request(portal.address, many, ACTIVITY, ENTRIES)
        deep_log = signed_in_request(portal.address, many, f"{ACTIVITY}?after={people.log_cursor}", ENTRIES)
        read = make_request(f"/read/{people.owner_id}")
        yield [
            Target("read", floor, lambda: repeat(read)),
            Target("team", portal, lambda: repeat(few)),
            Target("write", floor, lambda: supply(floor_write)),
            Target("webhook", portal, lambda: supply(stripe_event)),
            Target("first of many", portal, lambda: repeat(first)),
            Target("deep", portal, lambda: repeat(deep)),
            Target("log", portal, lambda: repeat(log)),
            Target("deep log", portal, lambda: repeat(deep_log)),
            Target("bare", floor, lambda: unrelated("bare")),
            Target("update", floor, lambda: unrelated("update")),
            Target("audited", floor, lambda: unrelated("audited")),
            Target("update in one", floor, lambda: repeat(one_busy("update"))),
            Target("audited in one", floor, lambda: repeat(one_busy("audited"))),
        ]


def signed_in_request(address: Address, token: str, path: str, rows: Rows) -> bytes:
    """A request as the owner's browser sends it, with the cookies that the portal has given it.

    Raises `BenchError` unless the answer is a full page.
    """
    with http() as browser:
        browser.cookies.set(SESSION_COOKIE, token)
        answer = browser.get(f"http://{address[0]}:{address[1]}{path}", timeout=10, allow_redirects=False)
        shown = answer.text.count(rows.mark)
        if answer.status_code != requests.codes.ok or shown != rows.count:
            raise BenchError(f"{path}: {answer.status_code} with {shown} rows, not {rows.count}")
        cookies = SimpleCookie(browser.cookies.get_dict())
    return make_request(path, headers={"Cookie": cookies.output(attrs=[], header="", sep=";").strip()})


def team_page_queries(database_url: str, people: People) -> list[str]:
    """The statements that one team page sends, without the ones that begin and end a transaction."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(" ".join(statement.split()))

    with application(database_url) as app:
        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", note)
        browser = app.test_client()
        browser.set_cookie(SESSION_COOKIE, people.token)
        if browser.get(TEAM).status_code != requests.codes.ok:
            raise BenchError(f"{TEAM} did not answer 200")
    return sent
