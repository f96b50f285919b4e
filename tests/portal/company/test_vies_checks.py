"""Looking numbers up in the EU's register: each state, the waits between tries, and never a wrong "not valid"."""

from datetime import timedelta

import pytest

from jobs.check_tax_ids import check_tax_ids
from jobs.work import Work
from portal.audit.models import AuditEntry
from portal.company.models import TaxId, TaxIdStatus
from portal.company.tax_id_types import EU_VAT
from portal.company.tax_ids import add_tax_id, look_up_again, remove_tax_id
from portal.extensions import db
from portal.gateways.vies import ViesUnavailableError
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage
from tests.factories import World
from tests.fakes import FakeVies

NUMBER, UNKNOWN = "DE136695976", "ATU13585627"
WAITS_MINUTES = [5, 10, 20, 40, 54.5, 54.5, 54.5, 54.5]


def make(world: World, value: str = NUMBER) -> TaxId:
    made = add_tax_id(world.acme.actor(), "DE" if value == NUMBER else "AT", EU_VAT, value)
    db.session.commit()
    return made


def run() -> int:
    tried = check_tax_ids(Work("worker"))
    db.session.expire_all()
    return tried


def make_due() -> None:
    db.session.execute(db.update(TaxId).values(next_attempt_at=utcnow()))
    db.session.commit()


def told() -> list[list[list[str]]]:
    rows = db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id))
    return [
        row.payload["lines"] or row.payload["changes"]
        for row in rows
        if row.topic == "billing-details-changed"
    ]


def looked_up() -> list[tuple[str, object]]:
    rows = db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.position))
    return [(row.actor_name, row.after) for row in rows if row.action == "billing:tax-id:looked-up"]


def test_a_known_number_is_valid_and_asked_for_once(world: World, vies: FakeVies) -> None:
    number = make(world)
    assert (run(), run()) == (1, 0)
    assert (number.status, number.registered_name) == (TaxIdStatus.VALID, "Acme GmbH")
    assert number.checked_at is not None
    assert (number.next_attempt_at, number.claimed_by, vies.asked) == (None, None, [NUMBER])
    assert looked_up() == [("VIES", {"status": "valid"})]
    assert len(told()) == 1  # that it was added


def test_an_unknown_number_is_not_valid_and_told(world: World) -> None:
    number = make(world, UNKNOWN)
    run()
    assert number.status is TaxIdStatus.INVALID
    assert told()[-1] == [["Tax ID looked up", f"{UNKNOWN} is not in VIES"]]


@pytest.mark.parametrize("error", [ViesUnavailableError("down"), RuntimeError("of ours")])
def test_silence_keeps_a_number_pending_with_longer_and_longer_waits(
    world: World, vies: FakeVies, error: Exception
) -> None:
    number = make(world)
    vies.error = error
    for count, minutes in enumerate(WAITS_MINUTES, start=1):
        before = utcnow()
        assert run() == 1
        assert (number.status, number.attempts, number.claimed_by) == (TaxIdStatus.PENDING, count, None)
        assert number.next_attempt_at is not None
        waits = number.next_attempt_at - before
        assert timedelta(minutes=minutes) <= waits <= timedelta(minutes=min(minutes * 1.1, 60), seconds=2)
        assert run() == 0  # not before its time
        make_due()
    assert (looked_up(), len(told())) == ([], 1)
    vies.error = None
    run()
    assert (number.status, number.attempts) == (TaxIdStatus.VALID, 0)


def test_a_number_that_fails_does_not_keep_the_others_waiting(world: World, vies: FakeVies) -> None:
    numbers = [make(world), make(world, UNKNOWN)]
    vies.error = ViesUnavailableError("down")
    assert run() == 2
    assert [number.attempts for number in numbers] == [1, 1]


def test_a_number_removed_while_it_is_looked_up_stays_removed(
    world: World, vies: FakeVies, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = make(world)
    real = vies.look_up

    def meanwhile(value: str) -> object:
        remove_tax_id(world.acme.actor(), number.id)
        db.session.commit()
        return real(value)

    monkeypatch.setattr(vies, "look_up", meanwhile)
    run()
    assert number.deleted_at is not None
    assert (number.checked_at, looked_up()) == (None, [])
    assert run() == 0


def test_asking_again_starts_over(world: World, vies: FakeVies) -> None:
    number = make(world, UNKNOWN)
    run()
    vies.known[UNKNOWN] = "---"
    look_up_again(world.acme.actor(), number.id)
    db.session.commit()
    run()
    assert number.status is TaxIdStatus.VALID
