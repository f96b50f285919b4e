"""What a transaction leaves behind: in order, chained, and written with the commit or not at all."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from portal.audit.actions import Action
from portal.audit.chain import START, audit_keys, row_hash
from portal.audit.models import AuditEntry, AuditHead
from portal.audit.service import Change, record
from portal.context import current_settings
from portal.extensions import db
from portal.identity.models import User
from portal.journal import MOST_ROWS, MOST_STEPS, Driver, journal_of
from portal.notifications.models import Channel, OutboxMessage
from portal.notifications.outbox import put
from portal.permissions import Role
from tests.factories import World

MANY = 2 * MOST_ROWS + 3


def note(world: World, number: int, organization_id: str | None = None) -> None:
    actor = world.acme.actor()
    actor = actor.within(organization_id) if organization_id else actor
    record(
        actor, Action.PROFILE_NAME_CHANGED, Change("thing", f"thing_{number}", "Thing", None, {"n": number})
    )


def message(number: int) -> None:
    put(Channel.MAIL, "invitation", f"{number}@acme.example", {"n": number}, None, f"key-{number}")


def chain(name: str) -> list[AuditEntry]:
    return list(
        db.session.scalars(select(AuditEntry).where(AuditEntry.chain == name).order_by(AuditEntry.id))
    )


def check(name: str) -> list[AuditEntry]:
    """The chain's rows, numbered and linked in the order in which they were put, up to its head."""
    rows, key = chain(name), next(iter(audit_keys(current_settings()).values()))
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    for before, row in zip([None, *rows], rows, strict=False):
        assert row.previous_hash == (before.hash if before else START)
        assert row.hash == row_hash(key, vars(row))
    head = db.session.get_one(AuditHead, name)
    assert (head.position, head.hash) == (rows[-1].position, rows[-1].hash)
    return rows


@pytest.mark.parametrize("count", [1, MOST_ROWS, MOST_ROWS + 1, MANY])
def test_rows_keep_the_order_in_which_they_were_put(world: World, count: int) -> None:
    name = world.acme.organization_id
    known = len(chain(name))
    for number in range(count):
        note(world, number)
        message(number)
    db.session.commit()
    assert [row.after for row in check(name)[known:]] == [{"n": number} for number in range(count)]
    messages = db.session.scalars(
        select(OutboxMessage).where(OutboxMessage.message_key.startswith("key-")).order_by(OutboxMessage.id)
    )
    assert [sent.payload for sent in messages] == [{"n": number} for number in range(count)]


@pytest.mark.parametrize("count", [2, MOST_STEPS - 1, MOST_STEPS + 2])
def test_each_organization_of_a_transaction_has_its_own_chain(world: World, count: int) -> None:
    names = [f"org_{number}" for number in range(count)]
    for number in range(3 * count):
        note(world, number, names[number % count])
    db.session.commit()
    for number, name in enumerate(names):
        assert [row.after for row in check(name)] == [{"n": number + step * count} for step in range(3)]


def test_a_second_commit_goes_on_with_the_chain(world: World) -> None:
    for number in range(3):
        note(world, number, "org_again")
        db.session.commit()
    assert len(check("org_again")) == 3


def test_who_asks_sees_what_is_waiting(world: World) -> None:
    note(world, 1, "org_waiting")
    assert len(chain("org_waiting")) == 1
    note(world, 2, "org_waiting")
    db.session.rollback()
    assert chain("org_waiting") == []


def test_what_was_rolled_back_is_not_written_with_the_next_commit(world: World) -> None:
    note(world, 1, "org_gone")
    message(1)
    db.session.rollback()
    db.session.commit()
    assert chain("org_gone") == []
    assert db.session.scalar(select(OutboxMessage).where(OutboxMessage.message_key == "key-1")) is None


def test_an_empty_journal_is_no_work(world: World) -> None:
    journal_of(db.session())
    db.session.commit()


def test_the_database_s_refusal_is_sqlalchemy_s_error_and_hides_what_people_typed(world: World) -> None:
    message(1)
    message(1)
    note(world, 1, "org_refused")
    with pytest.raises(IntegrityError) as refusal:
        db.session.commit()
    assert "1@acme.example" not in str(refusal.value).partition("[SQL")[2]
    db.session.rollback()
    assert chain("org_refused") == []


def statements(world: World, change: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the journal sends for a change in a chain that has a head."""
    sent: list[str] = []
    run = Driver.run

    def noted(driver: Driver, text: str, bound: tuple[Any, ...]) -> Any:
        sent.append(text)
        return run(driver, text, bound)

    monkeypatch.setattr(Driver, "run", noted)
    change()
    db.session.commit()
    return sent


def test_one_change_waits_for_few_answers(
    world: World, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(world, 0, "org_few")
    db.session.commit()

    def change() -> None:
        note(world, 1, "org_few")
        message(1)

    sent = statements(world, change, monkeypatch)
    assert len(sent) == {"postgres": 2, "sqlite": 4}[engine_name]


def test_nothing_is_there_when_the_commit_fails(world: World) -> None:
    def fail(_connection: object) -> None:
        raise RuntimeError("the disk is full")

    note(world, 1, "org_lost")
    message(1)
    event.listen(db.engine, "commit", fail)
    try:
        with suppress(RuntimeError):
            db.session.commit()
    finally:
        event.remove(db.engine, "commit", fail)
    db.session.rollback()
    assert chain("org_lost") == []


def test_what_is_noted_after_a_failed_flush_is_not_written_with_the_next_commit(world: World) -> None:
    person = db.session.get_one(User, world.acme.users[Role.OWNER])
    db.session.add(User(id="usr_twice", email=person.email, name="Twice"))
    with pytest.raises(IntegrityError):
        db.session.flush()
    note(world, 1, "org_gone")
    message(1)
    db.session.rollback()
    db.session.commit()
    assert chain("org_gone") == []
    assert db.session.scalar(select(OutboxMessage).where(OutboxMessage.message_key == "key-1")) is None


def test_a_journal_that_could_not_be_written_is_not_left_out_by_a_second_commit(world: World) -> None:
    user_id = world.acme.users[Role.OWNER]
    db.session.get_one(User, user_id).name = "Nobody wrote this down"
    put(Channel.MAIL, "invitation", "1@acme.example", {"n": object()}, None)
    with pytest.raises(TypeError):
        db.session.commit()
    with pytest.raises(RuntimeError, match="rolled back"):
        db.session.commit()
    db.session.rollback()
    assert db.session.get_one(User, user_id).name != "Nobody wrote this down"


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_a_connection_that_breaks_in_the_journal_can_be_rolled_back(world: World) -> None:
    db.session.get_one(User, world.acme.users[Role.OWNER]).name = "Somebody"
    db.session.flush()
    note(world, 1, "org_broken")
    backend = db.session.scalar(text("SELECT pg_backend_pid()"))
    with db.engine.begin() as other:
        other.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})
    with pytest.raises(OperationalError) as refusal:
        db.session.commit()
    assert refusal.value.connection_invalidated
    db.session.rollback()
    note(world, 2, "org_broken")
    db.session.commit()
    assert [row.after for row in check("org_broken")] == [{"n": 2}]
