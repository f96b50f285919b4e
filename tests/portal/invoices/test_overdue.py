"""An invoice that is not paid by the end of its due day is told of once."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.find_overdue_invoices import find_overdue_invoices
from jobs.work import Work
from portal.extensions import db
from portal.invoices import overdue
from portal.invoices.models import Invoice, InvoiceSource, InvoiceStatus
from portal.notifications.models import OutboxMessage
from tests.factories import World

DUE = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
NEXT_DAY = datetime(2026, 11, 21, 0, 7, tzinfo=UTC)


def put(world: World, number: str = "G-1", **values: object) -> None:
    invoice = {
        "organization_id": world.globex.organization_id,
        "source": InvoiceSource.OFFLINE,
        "number": number,
        "status": InvoiceStatus.OPEN,
        "currency": "eur",
        "subtotal_minor": 10_000,
        "total_minor": 11_900,
        "due_minor": 11_900,
        "issued_at": DUE - timedelta(days=30),
        "due_at": DUE,
    }
    db.session.add(Invoice(**{**invoice, **values}))
    db.session.commit()


def run(now: datetime = NEXT_DAY) -> int:
    found = find_overdue_invoices(Work("worker", slot_at=now))
    db.session.commit()
    return found


def told() -> list[tuple[str, str | None]]:
    rows = db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id)).all()
    return [(row.payload["invoice"], row.organization_id) for row in rows]


def test_it_is_told_once_when_the_day_is_over(world: World) -> None:
    put(world)
    assert run(datetime(2026, 11, 20, 23, 59, tzinfo=UTC)) == 0, "the whole day is left to pay"
    assert run() == 1
    assert run() == 0
    assert run(NEXT_DAY + timedelta(days=9)) == 0
    assert told() == [("G-1", world.globex.organization_id)]
    row = db.session.scalars(db.select(OutboxMessage)).one()
    assert (row.topic, row.payload["amount_minor"], row.payload["currency"]) == (
        "invoice-overdue",
        11_900,
        "eur",
    )
    assert row.payload["due_at"] == DUE.isoformat()


@pytest.mark.parametrize(
    "values",
    [
        {"status": InvoiceStatus.PAID},
        {"status": InvoiceStatus.VOID},
        {"status": InvoiceStatus.UNCOLLECTIBLE},
        {"due_at": None},
        {"due_minor": 0},
    ],
)
def test_what_is_not_owed_is_not_told(world: World, values: dict[str, object]) -> None:
    put(world, **values)
    assert run() == 0


def test_many_are_told_in_batches_each_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overdue, "BATCH", 2)
    for number in range(5):
        put(world, f"G-{number}")
    work = Work("worker", slot_at=NEXT_DAY)
    work.stop.set()
    assert find_overdue_invoices(work) == 0, "asked to stop it takes none"
    assert run() == 5
    assert sorted(number for number, _ in told()) == [f"G-{number}" for number in range(5)]


def test_a_slot_that_fails_in_the_middle_loses_and_doubles_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "BATCH", 1)
    for number in range(3):
        put(world, f"G-{number}")
    assert overdue.announce_overdue(NEXT_DAY) == 1
    db.session.commit()
    assert overdue.announce_overdue(NEXT_DAY) == 1
    db.session.rollback()  # killed here
    assert run() == 2
    assert sorted(number for number, _ in told()) == ["G-0", "G-1", "G-2"]
