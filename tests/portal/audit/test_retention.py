"""Old rows leave the start of their chain, and only with a summary that nobody else can write."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.actor import Actor, ActorKind, system_actor
from portal.audit.actions import Action
from portal.audit.chain import AuditKey, audit_keys
from portal.audit.findings import Kind
from portal.audit.guards import missing_guards
from portal.audit.models import AuditEntry
from portal.audit.retention import old_rows, retain
from portal.audit.service import Change, record
from portal.audit.summary import Summary
from portal.context import current_settings
from portal.extensions import db
from portal.kit.clock import utcnow
from tests.factories import World
from tests.portal.audit.tampering import heads, named, run, unguarded, verified, write

NOW = utcnow()
YEAR_AGO = NOW - timedelta(days=365)


def write_old(actor: Actor, count: int, at: datetime = YEAR_AGO - timedelta(days=10)) -> None:
    for number in range(count):
        change = Change("thing", "thing", f"Old {number}")
        record(actor, Action.API_KEY_CREATED, change, happened_at=at + timedelta(seconds=number))
    db.session.commit()


def cut(before: datetime = YEAR_AGO) -> int:
    db.session.rollback()
    cuts = retain(before)
    db.session.commit()
    return sum(cut.rows for cut in cuts)


def positions(chain: str) -> list[int]:
    return list(
        db.session.scalars(
            select(AuditEntry.position).where(AuditEntry.chain == chain).order_by(AuditEntry.position)
        )
    )


def summary_row(chain: str) -> AuditEntry:
    statement = select(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.action == Action.LOG_CUT.value)
    return db.session.scalars(statement.order_by(AuditEntry.position.desc())).first() or pytest.fail(
        "no summary"
    )


@pytest.fixture
def chain(world: World) -> str:
    """Four old rows and three young ones; another chain is young, a person's and the portal's own are old."""
    write_old(world.acme.actor(), 4)
    write(world.acme.actor(), 3)
    write(world.globex.actor(), 2)
    write_old(Actor(ActorKind.USER, "usr_alone", "Somebody"), 3)
    write_old(system_actor(None), 2)
    return world.acme.organization_id


def test_old_rows_go_and_a_signed_summary_stays(chain: str) -> None:
    last_hash = db.session.scalar(
        select(AuditEntry.hash).where(AuditEntry.chain == chain, AuditEntry.position == 4)
    )
    assert cut() == 4 + 3 + 2
    assert positions(chain) == [5, 6, 7, 8]
    row = summary_row(chain)
    expected = Summary(4, 1, 4, str(last_hash), YEAR_AGO.isoformat())
    key = next(iter(audit_keys(current_settings()).values()))
    assert row.after == expected.signed(key, chain), "and the masking has left it whole"
    assert (row.organization_id, row.actor_kind) == (chain, ActorKind.SYSTEM)
    assert positions("usr_alone") == [4]
    assert positions("portal") == [3]
    assert summary_row("portal").organization_id is None


def test_a_cut_log_verifies_and_goes_on(chain: str, world: World) -> None:
    kept = heads()
    cut()
    write(world.acme.actor(), 2)
    report = verified()
    assert (report.is_intact, report.cuts) == (True, 3)
    assert verified(kept).is_intact, "heads that were exported before the cut"
    assert verified(heads()).is_intact


def test_the_guards_are_back(chain: str) -> None:
    cut()
    with db.engine.connect() as connection:
        assert missing_guards(connection) == []


def test_a_second_cut_takes_the_first_summary_with_it(chain: str, world: World) -> None:
    cut()
    write(world.acme.actor(), 1)
    assert cut(utcnow() + timedelta(seconds=1)) > 0
    assert positions(chain) == [10]
    assert summary_row(chain).after["first_position"] == 5  # type: ignore[index]
    assert verified().is_intact


def test_a_lone_summary_is_not_summarised_again(chain: str) -> None:
    cut(utcnow() + timedelta(seconds=1))
    before = verified().rows
    assert cut(utcnow() + timedelta(seconds=1)) == 0
    assert verified().rows == before


def test_nothing_is_taken_from_the_middle(world: World) -> None:
    """A row in between may carry an older time: the demo writes in hindsight."""
    write_old(world.acme.actor(), 2)
    write(world.acme.actor(), 1)
    write_old(world.acme.actor(), 2)
    assert cut() == 2
    assert positions(world.acme.organization_id) == [3, 4, 5, 6]
    assert verified().is_intact


def test_a_young_start_keeps_everything(world: World) -> None:
    write(world.acme.actor(), 1)
    write_old(world.acme.actor(), 2)
    assert cut() == 0


def test_counting_takes_nothing(chain: str) -> None:
    assert sum(cut.rows for cut in old_rows(YEAR_AGO)) == 9
    assert verified().rows == 14


def test_without_a_commit_nothing_has_changed(chain: str) -> None:
    before = verified().rows
    retain(YEAR_AGO)
    db.session.rollback()
    report = verified()
    assert (report.is_intact, report.rows, report.cuts) == (True, before, 0)


@pytest.mark.parametrize(
    "field", ["rows", "first_position", "last_position", "last_hash", "cut_before", "signature"]
)
def test_a_forged_summary_is_refused(chain: str, field: str) -> None:
    """Made by somebody without the key, who also removes what it tells of."""
    cut()
    change_summary(chain, {field: 5 if field.endswith(("rows", "position")) else "ff"})
    report = verified()
    assert not report.is_intact
    assert {finding.kind for finding in report.findings} & {Kind.CHANGED, Kind.REMOVED, Kind.SUMMARY}


def change_summary(chain: str, changes: dict[str, Any]) -> None:
    row = summary_row(chain)
    after = {**(row.after or {}), **changes}
    position = row.position
    with unguarded() as connection:
        kind = "CAST(:after AS json)" if connection.dialect.name == "postgresql" else ":after"
        sql = f"UPDATE portal_audit SET after = {kind} WHERE chain = :c AND position = :p"
        run(connection, sql, after=json.dumps(after), c=chain, p=position)


def test_rows_removed_under_a_summary_of_another_key_are_missing(chain: str) -> None:
    """Even a row that the portal itself has written is no summary unless the summary is signed for this chain."""
    stranger = AuditKey.derive("somebody else's secret, long enough to be one")
    own = next(iter(audit_keys(current_settings()).values()))
    summary = Summary.of(1, 2, "00", YEAR_AGO)
    for signed in (summary.signed(stranger, chain), summary.signed(own, "org_another")):
        record(system_actor(chain), Action.LOG_CUT, Change("audit-log", chain, chain, None, signed))
        db.session.commit()
    with unguarded() as connection:
        run(connection, "DELETE FROM portal_audit WHERE chain = :c AND position <= 2", c=chain)
    assert named(verified(), chain) == [("summary", 8), ("summary", 9), ("removed", 1)]


def test_more_than_the_summary_tells_of_is_missing(chain: str) -> None:
    cut()
    with unguarded() as connection:
        run(connection, "DELETE FROM portal_audit WHERE chain = :c AND position = 5", c=chain)
    assert named(verified(), chain) == [("removed", 5)]


def test_heads_from_before_a_cut_do_not_fit_another_history(chain: str) -> None:
    kept = heads()
    other = {**kept, chain: type(kept[chain])(4, "ff")}
    cut()
    assert named(verified(other), chain) == [("rolled back", 4)]
