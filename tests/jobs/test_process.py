"""The worker as a real process: it starts, works, and ends on SIGTERM with its work handed back."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal.extensions import db
from portal.notifications.models import OutboxMessage, OutboxStatus
from portal.notifications.outbox import put_mail
from tests.conftest import SECRET_KEY
from tests.factories import World
from tests.portal.notifications.test_outbox import REMOVED
from tests.support.processes import MailCatcher, Process, wait_until


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path) as process:
        yield process


def start(tmp_path: Path, database_url: str, catcher: MailCatcher, name: str = "worker") -> Process:
    environment = {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "SMTP_URL": catcher.smtp_url,
        "STRIPE_SECRET_KEY": "",
    }
    worker = Process.python("-m", "jobs", log=tmp_path / f"{name}.log", env=environment)
    worker.wait_for_line("worker started")
    return worker


def put(recipient: str) -> None:
    put_mail("member-removed", recipient, REMOVED, None)
    db.session.commit()


def states() -> list[tuple[OutboxStatus, str | None]]:
    found = db.session.execute(db.select(OutboxMessage.status, OutboxMessage.claimed_by)).all()
    db.session.rollback()  # SQLite has one writer: the worker waits for whoever reads in a writing transaction
    return [(status, holder) for status, holder in found]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_works_and_ends_when_asked(
    app: Flask, world: World, database_url: str, tmp_path: Path, catcher: MailCatcher, number: signal.Signals
) -> None:
    with start(tmp_path, database_url, catcher) as worker:
        put("ana@acme.example")
        catcher.wait_for_mail("ana@acme.example")
        worker.send(number)
        assert worker.wait_for_exit(seconds=20) == 0
        assert "worker stopped" in worker.output
        assert "Traceback" not in worker.output


def test_it_finishes_the_mail_in_hand_before_it_ends(
    app: Flask, world: World, database_url: str, tmp_path: Path, catcher: MailCatcher
) -> None:
    catcher.faults("hang", count=1, seconds=2)
    with start(tmp_path, database_url, catcher) as worker:
        put("ana@acme.example")
        wait_until("a claim", lambda: any(holder for _, holder in states()))
        worker.send(signal.SIGTERM)
        assert worker.wait_for_exit(seconds=30) == 0
    assert [holder for _, holder in states()] == [None]
    assert states()[0][0] == OutboxStatus.PENDING, "refused for now, planned again"


def test_two_workers_send_a_mail_once(
    app: Flask, world: World, database_url: str, tmp_path: Path, catcher: MailCatcher
) -> None:
    with start(tmp_path, database_url, catcher, "one"), start(tmp_path, database_url, catcher, "two"):
        for number in range(10):
            put(f"{number}@acme.example")
        wait_until("all delivered", lambda: {status for status, _ in states()} == {OutboxStatus.DELIVERED})
    assert sorted(mail["to"][0] for mail in catcher.mails()) == sorted(
        f"{number}@acme.example" for number in range(10)
    )
