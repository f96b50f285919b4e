"""To one recipient on one channel nothing overtakes what came before it; everybody else is not held up."""

import random
import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from portal.extensions import db
from portal.gateways.mailer import MailNotSentError
from portal.kit.clock import utcnow
from portal.notifications.delivery import deliver
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import IS_FIRST, claim_messages, mark_failed, put, put_mail
from tests.factories import World
from tests.fakes import FakeMailer
from tests.portal.notifications.samples import told

ANA, BO = "ana@acme.example", "bo@acme.example"


def send(*recipients: str) -> None:
    for recipient in recipients:
        put_mail("member-removed", recipient, told("member-removed"), None)
    db.session.commit()


def claim(worker: str = "one") -> list[tuple[str, int]]:
    return [(row.recipient, row.id) for row in claim_messages(worker, Channel.MAIL, 10)]


def ids() -> list[int]:
    return list(db.session.scalars(db.select(OutboxMessage.id).order_by(OutboxMessage.id)))


def test_of_each_recipient_the_oldest_alone_is_claimed(world: World) -> None:
    send(ANA, ANA, BO, ANA)
    first, second, third, last = ids()
    assert claim() == [(ANA, first), (BO, third)]
    assert claim("two") == [], "the first is in hand"
    deliver(first, "one")
    assert claim("two") == [(ANA, second)]
    deliver(second, "two")
    assert claim() == [(ANA, last)]


def test_what_waits_for_its_next_try_is_not_overtaken(world: World, mailer: FakeMailer) -> None:
    send(ANA, ANA, BO)
    first, second, _ = ids()
    mailer.error = MailNotSentError("later", is_permanent=False)
    claim()
    deliver(first, "one")
    mailer.error = None
    assert claim("two") == []
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == second)
        .values(next_attempt_at=utcnow() - timedelta(1))
    )
    db.session.commit()
    assert claim("two") == [], "however long it is due"
    db.session.execute(
        update(OutboxMessage).where(OutboxMessage.id == first).values(next_attempt_at=utcnow())
    )
    db.session.commit()
    assert claim("two") == [(ANA, first)]


def test_what_was_given_up_lets_the_next_go(world: World, mailer: FakeMailer) -> None:
    send(ANA, ANA)
    first, second = ids()
    mailer.error = MailNotSentError("the mail server answered 550", is_permanent=True)
    claim()
    deliver(first, "one")
    assert claim() == [(ANA, second)]


def test_one_channel_does_not_hold_up_another(world: World) -> None:
    put(Channel.SLACK, "plan-changed", ANA, {}, None)
    send(ANA)
    assert [recipient for recipient, _ in claim()] == [ANA]


@pytest.mark.parametrize("engine_name", ["sqlite", "postgres"])
def test_with_two_workers_and_failing_tries_the_order_stays(
    app: Flask, world: World, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch, engine_name: str
) -> None:
    people = [f"{number}@acme.example" for number in range(4)]
    send(*people * 6)
    arrived: list[tuple[str, str]] = []
    chance = random.Random(7)

    def unreliable(mail: object) -> None:
        if chance.random() < 0.3:
            raise MailNotSentError("later", is_permanent=False)
        arrived.append((mail["To"], mail["Message-ID"]))  # type: ignore[index]

    monkeypatch.setattr(mailer, "send", unreliable)

    def work(name: str) -> None:
        with app.app_context():
            for _ in range(80):
                for row in claim_messages(name, Channel.MAIL, 2):
                    deliver(row.id, name)
                db.session.execute(
                    update(OutboxMessage)
                    .where(OutboxMessage.status == OutboxStatus.PENDING)
                    .values(next_attempt_at=utcnow(), attempts=0)
                )
                db.session.commit()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    for person in people:
        wanted = db.session.scalars(
            db.select(OutboxMessage.message_key)
            .where(OutboxMessage.recipient == person)
            .order_by(OutboxMessage.id)
        )
        assert [key for to, key in arrived if to == person] == [f"<{key}@localhost>" for key in wanted]


def test_a_wish_to_be_left_alone_moves_the_next_try(world: World) -> None:
    send(ANA)
    (row,) = claim_messages("one", Channel.MAIL, 1)
    mark_failed(row, "Slack answered 429.", permanent=False, wait_seconds=120)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at - utcnow() > timedelta(seconds=110)


def test_claiming_reads_no_more_than_what_waits(world: World) -> None:
    """The index that holds only what is pending serves the question for an earlier one."""
    statement = (
        "SELECT 1 FROM outbox WHERE channel = 'mail' AND recipient = 'x' AND status = 'pending' AND id < 10"
    )
    if db.engine.dialect.name == "sqlite":
        plan = db.session.execute(text(f"EXPLAIN QUERY PLAN {statement}")).all()
    else:
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = db.session.execute(text(f"EXPLAIN {statement}")).all()
    assert "ix_outbox_waiting" in str(plan)


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_the_first_of_a_recipient_is_looked_up_and_never_joined(world: World) -> None:
    """A join compares each with each where the statistics know of no queue: 30 s for 10,000 waiting."""
    query = select(OutboxMessage.id).where(OutboxMessage.channel == Channel.MAIL, IS_FIRST)
    words = query.compile(db.engine, compile_kwargs={"literal_binds": True})
    plan = [row[0] for row in db.session.connection().exec_driver_sql(f"EXPLAIN {words}")]
    assert any("SubPlan" in line for line in plan)
    assert not any("Join" in line for line in plan)
