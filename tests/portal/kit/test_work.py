"""Of several workers exactly one gets a piece of work; what a dead one held comes free again."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from portal.extensions import db
from portal.kit.clock import utcnow
from portal.kit.work import LEASE, Schedule, claim_due, lock_claimed, release_claims
from portal.notifications.models import OutboxMessage, OutboxStatus
from portal.notifications.outbox import put_mail
from tests.factories import World

PENDING = OutboxStatus.PENDING


def put(count: int) -> None:
    for number in range(count):
        put_mail("member-removed", f"{number}@acme.example", {}, None)
    db.session.commit()


def claim(worker: str, limit: int = 10) -> list[int]:
    return [row.id for row in claim_due(OutboxMessage, PENDING, worker, limit)]


def test_a_claimed_row_is_left_alone(world: World) -> None:
    put(3)
    assert len(claim("one", 2)) == 2
    assert len(claim("two")) == 1
    assert claim("three") == []


def test_the_oldest_due_comes_first(world: World) -> None:
    put(3)
    first = db.session.scalars(db.select(OutboxMessage.id).order_by(OutboxMessage.id)).all()
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == first[2])
        .values(next_attempt_at=utcnow() - timedelta(hours=1))
    )
    db.session.commit()
    assert claim("one", 1) == [first[2]]


def test_what_is_not_due_or_done_is_not_claimed(world: World) -> None:
    put(2)
    one, two = db.session.scalars(db.select(OutboxMessage)).all()
    one.next_attempt_at = utcnow() + timedelta(minutes=1)
    two.status = OutboxStatus.DEAD
    db.session.commit()
    assert claim("one") == []


def test_an_expired_claim_is_anybodys_and_its_old_holder_has_lost_it(world: World) -> None:
    put(1)
    (row_id,) = claim("dead")
    db.session.execute(update(OutboxMessage).values(claimed_until=utcnow() - timedelta(seconds=1)))
    db.session.commit()
    assert claim("alive") == [row_id]
    assert lock_claimed(OutboxMessage, row_id, PENDING, "dead") is None
    assert lock_claimed(OutboxMessage, row_id, PENDING, "alive") is not None


def test_a_lease_is_short(world: World) -> None:
    put(1)
    claim("one")
    row = db.session.scalars(db.select(OutboxMessage)).one()
    assert row.claimed_until is not None
    assert timedelta(0) < row.claimed_until - utcnow() <= LEASE <= timedelta(minutes=1)


def test_released_claims_are_free_and_only_ones_own(world: World) -> None:
    put(2)
    mine, theirs = claim("one", 1), claim("two", 1)
    release_claims(OutboxMessage, "one")
    db.session.commit()
    assert claim("three") == mine
    assert lock_claimed(OutboxMessage, theirs[0], PENDING, "two") is not None


def test_two_workers_at_once_never_share_a_row(app: Flask, world: World) -> None:
    put(40)
    got: dict[str, list[int]] = {"one": [], "two": []}
    start = threading.Barrier(2, timeout=20)

    def work(name: str) -> None:
        with app.app_context():
            start.wait()
            for _ in range(40):  # more often than there can be anything left
                got[name] += claim(name, 3)

    threads = [threading.Thread(target=work, args=(name,)) for name in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(got["one"] + got["two"]) == len({*got["one"], *got["two"]}) == 40


@pytest.mark.parametrize(("failures", "least", "most"), [(1, 5, 5.5), (2, 60, 66)])
def test_a_schedule_waits_and_spreads(failures: int, least: float, most: float) -> None:
    now = utcnow()
    waits = [
        (moment - now).total_seconds()
        for _ in range(50)
        if (moment := Schedule((5, 60)).next_attempt(failures, now))
    ]
    assert len(waits) == 50
    assert least <= min(waits) < max(waits) <= most


def test_a_schedule_ends() -> None:
    assert Schedule((5, 60)).next_attempt(3, utcnow()) is None
