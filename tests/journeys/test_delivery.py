"""Workers that are killed again and again while they tell people: everything arrives, in order, none of it twice.

The workers, the mail server and Slack's side are processes; the database is the engine's own.
"""

import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import ColumnElement, select, update

from portal.actor import system_actor
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.notifications.events import Event, announce
from portal.notifications.models import Channel, Notification, OutboxMessage, OutboxStatus
from portal.permissions import Role
from tests.conftest import SECRET_KEY
from tests.factories import add_member, make_organization, make_user
from tests.journeys.running import NOT_SET
from tests.support.processes import HookCatcher, MailCatcher, Process, ProcessError, wait_until

SEED = 20_261_123
KILLS = 20
EVENTS = 200
COMPANIES = 4
WORKERS = 2
LONGEST_DELAY = 0.6
NOT_WAITED_FOR = 1.5
PATIENCE = 90  # a claim whose end could not be written is free again after 45 s
STARTED = re.compile(r'"worker started".*?"worker": "[^"]*?-(\d+)-[0-9A-Za-z]{8}"')


@dataclass
class Scene:
    """The processes, and what was seen when one of them was killed."""

    mails: MailCatcher
    hooks: HookCatcher
    nursery: Process
    workers: list[int] = field(default_factory=list)
    """Their process ids."""
    in_hand: Counter[str] = field(default_factory=Counter)
    """By message key, how often a worker that was killed had it in hand."""

    def start_worker(self) -> None:
        """One more that works."""
        count = len(self._started())
        self.nursery.send(signal.SIGUSR1)
        wait_until("a new worker", lambda: len(self._started()) > count, seconds=PATIENCE)
        self.workers.append(self._started()[-1])

    def _started(self) -> list[int]:
        return [int(pid) for pid in STARTED.findall(self.nursery.output)]

    def kill(self, worker: int) -> None:
        """SIGKILL; what it held is noted, and free at once instead of when its lease ends."""
        os.kill(worker, signal.SIGKILL)
        wait_until("the end of it", lambda: not Path(f"/proc/{worker}").exists())
        self.workers.remove(worker)
        held = OutboxMessage.claimed_by.contains(f"-{worker}-")
        self.in_hand.update(db.session.scalars(select(OutboxMessage.message_key).where(held)))
        db.session.execute(update(OutboxMessage).where(held).values(claimed_until=utcnow() - timedelta(1)))
        db.session.commit()

    def is_at_work(self, worker: int) -> bool:
        """Whether it has something in hand at this moment."""
        return is_there(OutboxMessage.claimed_by.contains(f"-{worker}-"))


def is_there(condition: ColumnElement[bool]) -> bool:
    """Whether the outbox has such a row. Asked without the lock that SQLite's writers need."""
    db.session.info["reading"] = True
    try:
        return db.session.scalar(select(OutboxMessage.id).where(condition).limit(1)) is not None
    finally:
        db.session.rollback()
        db.session.info["reading"] = False


@contextmanager
def scene(app: Flask, folder: Path) -> Iterator[Scene]:
    """Everything that runs; ended when the block is left. Inside, the application's context is pushed."""
    with app.app_context(), MailCatcher(folder) as mails, HookCatcher(folder) as hooks:
        environment = {
            **NOT_SET,
            "SECRET_KEY": SECRET_KEY,
            "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
            "PUBLIC_APP_URL": "http://localhost",
            "SMTP_URL": mails.smtp_url,
            "SLACK_WEBHOOK_URL": hooks.slack_url,
        }
        log = folder / "workers.log"
        with Process.python("-m", "tests.support.nursery", log=log, env=environment) as nursery:
            nursery.wait_for_line("nursery ready", seconds=PATIENCE)
            yield Scene(mails, hooks, nursery)


def companies() -> list[str]:
    """The ids of organizations with an owner each, who is told of everything."""
    ids = []
    for number in range(COMPANIES):
        organization = make_organization(f"Company{number} Ltd")
        add_member(organization, make_user(f"owner@company{number}.example"), Role.OWNER)
        ids.append(organization.id)
    db.session.commit()
    return ids


NOT_PLANNED: dict[str, Any] = dict.fromkeys(("next_plan", "next_seats", "next_at"))


def tell(ids: list[str], numbers: range) -> None:
    """Events that go out by mail, in the portal and in Slack; each is committed by itself."""
    for number in numbers:
        payload = {"plan": f"Plan {number}", "kind": "changed", "changes": [], "ends_at": None, **NOT_PLANNED}
        announce(Event.PLAN_CHANGED, system_actor(ids[number % COMPANIES]), payload)
        db.session.commit()


def kill_somebody(scene: Scene, dice: random.Random) -> None:
    """After a random while, a random worker that is in the middle of something, if it is within a moment."""
    victim = dice.choice(scene.workers)
    time.sleep(dice.uniform(0, LONGEST_DELAY))
    deadline = time.monotonic() + NOT_WAITED_FOR
    while not scene.is_at_work(victim) and time.monotonic() < deadline:
        time.sleep(dice.uniform(0, 0.003))
    time.sleep(dice.choice((0.0, dice.uniform(0, 0.02))))
    scene.kill(victim)


def is_all_told(scene: Scene) -> bool:
    """Nothing waits any more. A worker that ended by itself fails the test."""
    assert all(Path(f"/proc/{worker}").exists() for worker in scene.workers)
    return not is_there(OutboxMessage.status == OutboxStatus.PENDING)


def told(channel: Channel) -> list[OutboxMessage]:
    """The rows of a channel in the order in which they were written."""
    wanted = OutboxMessage.channel == channel
    return list(db.session.scalars(select(OutboxMessage).where(wanted).order_by(OutboxMessage.id)))


def first_arrivals(keys: list[str]) -> list[str]:
    return list(dict.fromkeys(keys))


def mail_keys(scene: Scene) -> list[str]:
    """The Message-IDs of what arrived, oldest first, without the host."""
    return [mail["message_id"][1:].partition("@")[0] for mail in reversed(scene.mails.mails())]


def slack_keys(scene: Scene) -> list[str]:
    """The idempotency keys of what arrived, oldest first."""
    found: list[dict[str, Any]] = list(reversed(scene.hooks.taken()))
    return [dict(hook["headers"])["Idempotency-Key"] for hook in found]


def check_arrivals(scene: Scene, keys: list[str], channel: Channel) -> None:
    """Each arrived; what came more than once was in a killed worker's hands, and came with its own key."""
    rows = told(channel)
    assert len(rows) == EVENTS
    assert set(keys) == {row.message_key for row in rows}
    again = Counter(keys) - Counter(set(keys))
    assert again <= scene.in_hand, f"seed {SEED}: {again - scene.in_hand}"


def check_order(channel: Channel, arrivals: list[str]) -> None:
    """Of each organization everything was heard in the order in which it happened."""
    rows, firsts = told(channel), first_arrivals(arrivals)
    for organization_id in {row.organization_id for row in rows}:
        mine = {row.message_key: row for row in rows if row.organization_id == organization_id}
        heard = [key for key in firsts if key in mine]
        assert heard == list(mine), f"seed {SEED}, {channel}"
        plans = [int(mine[key].payload["plan"].split()[1]) for key in heard]
        assert plans == sorted(plans)
        assert len(plans) == EVENTS // COMPANIES


def check_inboxes() -> None:
    """One row for each event, in its organization, whoever was killed."""
    rows = db.session.execute(select(Notification.message_key, Organization.name).join(Organization)).all()
    events = {row.message_key for row in told(Channel.EVENT)}
    assert len(events) == EVENTS
    assert Counter(key.partition("-in-app-")[0] for key, _ in rows) == Counter(events)
    assert set(Counter(name for _, name in rows).values()) == {EVENTS // COMPANIES}


def work_among_kills(scene: Scene, dice: random.Random) -> None:
    """Until everything is told."""
    ids, batch = companies(), EVENTS // KILLS
    for _ in range(WORKERS):
        scene.start_worker()
    for number in range(KILLS):
        tell(ids, range(number * batch, (number + 1) * batch))
        kill_somebody(scene, dice)
        scene.start_worker()
    try:
        wait_until("everything told", lambda: is_all_told(scene), seconds=PATIENCE)
    except ProcessError as error:
        raise ProcessError(f"{error}: {waiting()}; the workers:\n{scene.nursery.output[-4000:]}") from None


def waiting() -> list[tuple[object, ...]]:
    """What did not go out, and why."""
    shown = select(
        OutboxMessage.channel,
        OutboxMessage.attempts,
        OutboxMessage.next_attempt_at,
        OutboxMessage.claimed_until,
        OutboxMessage.last_error,
    )
    pending = OutboxMessage.status == OutboxStatus.PENDING
    return [tuple(row) for row in db.session.execute(shown.where(pending).limit(5))]


def test_everything_arrives_in_order_however_often_workers_are_killed(app: Flask, tmp_path: Path) -> None:
    with scene(app, tmp_path) as here:
        work_among_kills(here, random.Random(SEED))
        mails, slack = mail_keys(here), slack_keys(here)
        sys.stdout.write(
            f"seed {SEED}: {KILLS} kills with {here.in_hand.total()} messages in hand; "
            f"{len(mails) - EVENTS} mails and {len(slack) - EVENTS} Slack messages came again\n"
        )
        assert here.in_hand, "nobody was killed in the middle of anything"
        check_arrivals(here, mails, Channel.MAIL)
        check_arrivals(here, slack, Channel.SLACK)
        check_order(Channel.MAIL, mails)
        check_order(Channel.SLACK, slack)
        check_inboxes()
