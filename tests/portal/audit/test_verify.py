"""Whatever is done to the rows of a chain is found and named, with its position."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import Connection

from portal.audit.chain import START, AuditKey
from portal.audit.findings import Kind
from portal.audit.verify import snapshot, verify_log
from portal.audit.walk import Check
from portal.extensions import db
from tests.factories import World
from tests.portal.audit.tampering import CONTENT, forge, heads, move, named, run, unguarded, verified, write

ROWS = 9


@pytest.fixture
def chain(world: World) -> str:
    """A chain of nine rows beside another one."""
    write(world.acme.actor(), ROWS)
    write(world.globex.actor(), 3)
    return world.acme.organization_id


def test_an_untouched_log_verifies(chain: str) -> None:
    report = verified(heads())
    assert (report.is_intact, report.rows, report.chains) == (True, ROWS + 3, 2)


@pytest.mark.parametrize("position", [1, 5, ROWS])
@pytest.mark.parametrize(
    "change",
    [
        "actor_name = 'Nobody'",
        "after = '{\"n\": 1000}'",
        "created_at = '2020-01-01 00:00:00.000000'",
        "address = '::2'",
        "organization_id = NULL",
        "reason = 'asked to'",
        "actor_kind = 'boss'",
        "hash = 'ff'",
    ],
)
def test_a_changed_row_is_named(chain: str, change: str, position: int) -> None:
    with unguarded() as connection:
        run(
            connection,
            f"UPDATE portal_audit SET {change} WHERE chain = :c AND position = :p",
            c=chain,
            p=position,
        )
    assert named(verified(), chain)[0] == ("changed", position)


def test_a_changed_link_is_named(chain: str) -> None:
    with unguarded() as connection:
        sql = "UPDATE portal_audit SET previous_hash = :start WHERE chain = :c AND position = 5"
        run(connection, sql, c=chain, start=START)
    assert named(verified(), chain) == [("changed", 5)]


def test_a_genuine_row_of_another_history_is_named(chain: str, world: World) -> None:
    """The chain was taken back and went on differently; then one row of the first history came back."""
    with unguarded() as connection:
        run(connection, "UPDATE portal_audit SET chain = 'aside' WHERE chain = :c AND position > 5", c=chain)
        move_head(connection, chain, 5, hash_at(connection, chain, 5))
    write(world.acme.actor(), 4, start=100)
    with unguarded() as connection:
        remove(connection, chain, 7, 7)
        run(connection, "UPDATE portal_audit SET chain = :c WHERE chain = 'aside' AND position = 7", c=chain)
        run(connection, "DELETE FROM portal_audit WHERE chain = 'aside'")
    found = named(verified(), chain)
    assert ("changed", 7) in found
    assert ("changed", 8) in found


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize(
    "change", ["before = '{'", "after = '[1]'", "created_at = 'soon'", "created_at = x'00'"]
)
def test_what_cannot_be_read_is_a_changed_row(chain: str, change: str, engine_name: str) -> None:
    with unguarded() as connection:
        run(connection, f"UPDATE portal_audit SET {change} WHERE chain = :c AND position = 5", c=chain)
    assert named(verified(), chain) == [("changed", 5)]


def test_every_changed_row_of_many_is_named(chain: str) -> None:
    with unguarded() as connection:
        run(connection, "UPDATE portal_audit SET address = '::2' WHERE chain = :c", c=chain)
    assert named(verified(), chain) == [("changed", position) for position in range(1, ROWS + 1)]


def test_in_a_log_that_is_changed_all_over_the_search_has_an_end(
    chain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.audit.verify.Check", partial(Check, searches_left=1, tries_left=3))
    with unguarded() as connection:
        exchange(connection, chain, CONTENT, 4, 5)
    assert named(verified(), chain) == [("changed", 4), ("changed", 5)]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 3), (5, 5), (4, 7)])
def test_removed_rows_are_named(chain: str, first: int, last: int) -> None:
    with unguarded() as connection:
        remove(connection, chain, first, last)
    report = verified()
    assert named(report, chain) == [("removed", first)]
    assert f"{first}" in str(report.findings[0])
    assert f"{last}" in str(report.findings[0])


@pytest.mark.parametrize("last", [5, 7, ROWS - 1])
def test_removed_rows_are_named_also_when_the_others_close_up(chain: str, last: int) -> None:
    with unguarded() as connection:
        remove(connection, chain, 5, last)
        for position in range(last + 1, ROWS + 1):
            move(connection, chain, position, position - (last - 4))
    assert named(verified(), chain) == [("removed", 5)]


def remove(connection: Connection, chain: str, first: int, last: int) -> None:
    sql = "DELETE FROM portal_audit WHERE chain = :c AND position BETWEEN :first AND :last"
    run(connection, sql, c=chain, first=first, last=last)


@pytest.mark.parametrize(("one", "other"), [(4, 5), (2, 7), (1, ROWS), (1, 2), (ROWS - 1, ROWS), (3, 5)])
def test_swapped_positions_are_named(chain: str, one: int, other: int) -> None:
    with unguarded() as connection:
        move(connection, chain, one, -1)
        move(connection, chain, other, one)
        move(connection, chain, -1, other)
    found = named(verified(), chain)
    assert [kind for kind, _ in found] == ["swapped"]
    assert found[0][1] in {one, other}


@pytest.mark.parametrize(("one", "other"), [(4, 5), (2, 7), (1, ROWS)])
def test_swapped_contents_are_named(chain: str, one: int, other: int) -> None:
    with unguarded() as connection:
        exchange(connection, chain, CONTENT, one, other)
    report = verified()
    assert named(report, chain) == [("swapped", one)]
    assert f"rows {one} and {other}" in report.findings[0].text


def test_swapped_ids_are_named(chain: str) -> None:
    with unguarded() as connection:
        sql = "UPDATE portal_audit SET id = :new WHERE id = :old"
        one, other = row_ids(connection, chain)[2], row_ids(connection, chain)[5]
        for old, new in ((one, -1), (other, one), (-1, other)):
            run(connection, sql, old=old, new=new)
    assert {kind for kind, _ in named(verified(), chain)} == {"swapped"}


def row_ids(connection: Connection, chain: str) -> list[int]:
    sql = f"SELECT id FROM portal_audit WHERE chain = '{chain}' ORDER BY position"
    return list(connection.exec_driver_sql(sql).scalars())


def exchange(connection: Connection, chain: str, columns: str, one: int, other: int) -> None:
    """Both rows get what the other one says."""
    names = columns.split(", ")
    sql = "SELECT {} FROM portal_audit WHERE chain = '{}' AND position = {}"
    rows = [
        connection.exec_driver_sql(
            sql.format(", ".join(f"CAST({name} AS TEXT)" for name in names), chain, position)
        ).one()
        for position in (one, other)
    ]
    for position, row in ((one, rows[1]), (other, rows[0])):
        for name, value in zip(names, row, strict=True):
            kind = {"before": "json", "after": "json", "created_at": "timestamptz"}.get(name, "text")
            as_kind = f"CAST(:value AS {kind})" if connection.dialect.name == "postgresql" else ":value"
            change = f"UPDATE portal_audit SET {name} = {as_kind} WHERE chain = :c AND position = :p"
            run(connection, change, value=value, c=chain, p=position)


@pytest.mark.parametrize("position", [1, 5, ROWS])
def test_an_inserted_row_is_named_when_the_others_make_room(chain: str, position: int) -> None:
    with unguarded() as connection:
        for number in range(ROWS, position - 1, -1):
            move(connection, chain, number, number + 1)
        forge(connection, chain, position, position + 1 if position < ROWS else position - 1)
    assert named(verified(), chain) == [("inserted", position)]


@pytest.mark.parametrize("position", [0, -4, ROWS + 1])
def test_an_inserted_row_is_named_at_either_end(chain: str, position: int) -> None:
    with unguarded() as connection:
        forge(connection, chain, position, 4)
    assert named(verified(), chain) == [("inserted", position)]


def test_a_row_inserted_at_the_end_is_found_also_when_the_head_goes_with_it(chain: str) -> None:
    with unguarded() as connection:
        forge(connection, chain, ROWS + 1, 4)
        move_head(connection, chain, ROWS + 1, hash_at(connection, chain, ROWS + 1))
    report = verified()
    assert named(report, chain) == [("changed", ROWS + 1)]
    assert "inserted at the end" in report.findings[0].text


def test_a_copy_of_a_genuine_row_is_an_inserted_one(chain: str, world: World) -> None:
    with unguarded() as connection:
        sql = "UPDATE portal_audit SET chain = :c, position = :p WHERE chain = :other AND position = 3"
        run(connection, sql, c=chain, p=ROWS + 1, other=world.globex.organization_id)
    kinds = {(finding.chain, finding.kind) for finding in verified().findings}
    assert kinds == {(chain, Kind.INSERTED), (world.globex.organization_id, Kind.CUT)}


def test_a_whole_forged_chain_is_named(chain: str) -> None:
    with unguarded() as connection:
        run(
            connection, "UPDATE portal_audit SET chain = 'org_new' WHERE chain = :c AND position = 1", c=chain
        )
    found = {(finding.chain, finding.kind) for finding in verified().findings}
    assert found == {("org_new", Kind.INSERTED), ("org_new", Kind.HEAD), (chain, Kind.REMOVED)}


@pytest.mark.parametrize("last", [1, 5, ROWS - 1])
def test_a_cut_chain_is_named(chain: str, last: int) -> None:
    with unguarded() as connection:
        remove(connection, chain, last + 1, ROWS)
    assert named(verified(), chain) == [("cut", last + 1)]


def test_a_chain_without_any_row_is_a_cut_one(chain: str) -> None:
    with unguarded() as connection:
        remove(connection, chain, 1, ROWS)
    assert named(verified(), chain) == [("cut", 1)]


def test_a_chain_that_was_taken_back_is_found_against_exported_heads(chain: str) -> None:
    kept = heads()
    with unguarded() as connection:
        remove(connection, chain, 6, ROWS)
        move_head(connection, chain, 5, hash_at(connection, chain, 5))
    assert verified().is_intact, "the database alone cannot know"
    assert named(verified(kept), chain) == [("rolled back", ROWS)]


def test_it_is_found_also_when_the_chain_went_on_since(chain: str, world: World) -> None:
    kept = heads()
    with unguarded() as connection:
        remove(connection, chain, 6, ROWS)
        move_head(connection, chain, 5, hash_at(connection, chain, 5))
    write(world.acme.actor(), ROWS, start=100)
    assert verified().is_intact
    assert named(verified(kept), chain) == [("rolled back", ROWS)]


def test_a_chain_that_is_gone_is_found_against_exported_heads(chain: str) -> None:
    kept = heads()
    with unguarded() as connection:
        remove(connection, chain, 1, ROWS)
        run(connection, "DELETE FROM audit_heads WHERE chain = :c", c=chain)
    assert verified().is_intact
    assert named(verified(kept), chain) == [("rolled back", ROWS)]


def test_older_heads_fit_a_log_that_went_on(chain: str, world: World) -> None:
    kept = heads()
    write(world.acme.actor(), 4)
    assert verified(kept).is_intact


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("SET position = 5", "head"),
        ("SET hash = 'x'", "head"),
        ("SET position = 12", "cut"),
        ("SET chain = 'org_other'", "head"),
    ],
)
def test_a_head_that_does_not_fit_is_named(chain: str, change: str, kind: str) -> None:
    with unguarded() as connection:
        run(connection, f"UPDATE audit_heads {change} WHERE chain = :c", c=chain)
    assert verified().findings[0].kind == kind
    assert verified().findings[0].chain == chain


def test_rows_of_a_key_that_is_not_there_are_named_as_such(chain: str) -> None:
    with snapshot(db.engine) as connection:
        other = AuditKey.derive("another secret, also long enough to be one")
        report = verify_log(connection, {other.id: other})
    assert {finding.kind for finding in report.findings} == {Kind.UNKNOWN_KEY}
    assert report.found == 2
    assert "9 rows" in report.findings[0].text + report.findings[1].text


def drop_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TRIGGER portal_audit_no_replace")


def hollow_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TRIGGER portal_audit_no_update")
    connection.exec_driver_sql(
        "CREATE TRIGGER portal_audit_no_update BEFORE UPDATE ON portal_audit BEGIN SELECT 1; END"
    )


def drop_postgres(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TRIGGER portal_audit_append_only ON portal_audit")


def switch_off_postgres(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE portal_audit DISABLE TRIGGER portal_audit_append_only")


def hollow_postgres(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION portal_audit_refuse() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RETURN NULL; END $$"
    )


@pytest.mark.parametrize(
    ("engine_name", "harm"),
    [
        ("sqlite", drop_sqlite),
        ("sqlite", hollow_sqlite),
        ("postgres", drop_postgres),
        ("postgres", switch_off_postgres),
        ("postgres", hollow_postgres),
    ],
)
def test_a_missing_guard_is_named(chain: str, engine_name: str, harm: Callable[[Connection], None]) -> None:
    with db.engine.begin() as connection:
        harm(connection)
    assert named(verified(), "portal_audit") == [("unguarded", None)]


def hash_at(connection: Connection, chain: str, position: int) -> str:
    sql = f"SELECT hash FROM portal_audit WHERE chain = '{chain}' AND position = {position}"
    return str(connection.exec_driver_sql(sql).scalar_one())


def move_head(connection: Connection, chain: str, position: int, row_hash: str) -> None:
    sql = "UPDATE audit_heads SET position = :p, hash = :h WHERE chain = :c"
    run(connection, sql, p=position, h=row_hash, c=chain)
