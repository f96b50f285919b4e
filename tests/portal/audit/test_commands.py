"""`flask audit-log`: what operators read, what scripts read, and how it ends."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from portal.extensions import db
from portal.kit.clock import utcnow
from tests.conftest import SECRET_KEY
from tests.factories import World
from tests.portal.audit.tampering import run, unguarded, write
from tests.support.processes import Process


@pytest.fixture
def chain(world: World) -> str:
    write(world.acme.actor(), 4)
    write(world.globex.actor(), 2)
    db.session.remove()
    return world.acme.organization_id


def call(app: Flask, *arguments: str | Path) -> Result:
    return app.test_cli_runner().invoke(args=["audit-log", *map(str, arguments)])


def figures(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def tamper(chain: str) -> None:
    with unguarded() as connection:
        run(connection, "UPDATE portal_audit SET address = '::2' WHERE chain = :c AND position = 2", c=chain)


def take_back(chain: str) -> None:
    with unguarded() as connection:
        run(connection, "DELETE FROM portal_audit WHERE chain = :c AND position = 4", c=chain)
        sql = """UPDATE audit_heads SET position = 3, hash = (SELECT hash FROM portal_audit
            WHERE portal_audit.chain = :c AND portal_audit.position = 3) WHERE chain = :c"""
        run(connection, sql, c=chain)


def test_a_whole_log_ends_with_0(app: Flask, chain: str) -> None:
    result = call(app, "verify")
    assert result.exit_code == 0
    assert result.stdout.startswith("6 rows in 2 chains: every row verifies (")
    assert result.stderr == ""


def test_what_is_wrong_is_named_and_ends_with_1(app: Flask, chain: str) -> None:
    tamper(chain)
    result = call(app, "verify")
    assert result.exit_code == 1
    assert f"changed: {chain}, position 2: the row does not fit its hash" in result.stdout
    assert result.stderr == "Error: the audit log does not verify: 1 finding.\n"


def test_scripts_get_figures(app: Flask, chain: str) -> None:
    said = figures(call(app, "verify", "--json"))
    assert {name: said[name] for name in ("ok", "rows", "chains", "found", "findings")} == {
        "ok": True,
        "rows": 6,
        "chains": 2,
        "found": 0,
        "findings": [],
    }
    tamper(chain)
    result = call(app, "verify", "--json")
    said = figures(result)
    assert (result.exit_code, said["ok"]) == (1, False)
    assert [(found["kind"], found["chain"], found["position"]) for found in said["findings"]] == [
        ("changed", chain, 2)
    ]


def test_a_rolled_back_chain_is_named_against_kept_heads(app: Flask, chain: str, tmp_path: Path) -> None:
    kept = tmp_path / "heads.jsonl"
    assert call(app, "head", "--out", kept).exit_code == 0
    assert call(app, "verify", "--heads", kept).exit_code == 0
    take_back(chain)
    assert call(app, "verify").exit_code == 0
    result = call(app, "verify", "--heads", kept)
    assert result.exit_code == 1
    assert f"rolled back: {chain}, position 4: the chain ends at row 3" in result.stdout


def test_heads_go_to_standard_output_too(app: Flask, chain: str, tmp_path: Path) -> None:
    kept = tmp_path / "heads.jsonl"
    kept.write_text(call(app, "head").stdout)
    assert call(app, "verify", "--heads", kept).exit_code == 0
    said = figures(call(app, "head", "--json"))
    assert (said["chains"], said["digest"]) == (2, json.loads(kept.read_text().splitlines()[0])["digest"])


@pytest.mark.parametrize("content", [b"nonsense", b"\xff\xfe", b""])
def test_a_file_that_is_no_heads_ends_with_one_line(
    app: Flask, chain: str, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "heads").write_bytes(content)
    result = call(app, "verify", "--heads", tmp_path / "heads")
    assert (result.exit_code, result.stderr) == (1, "Error: This is not a file of heads.\n")


def test_rows_are_exported(app: Flask, chain: str, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in call(app, "export").stdout.splitlines()]
    assert [line["position"] for line in lines if line["chain"] == chain] == [4, 3, 2, 1]
    assert lines[-1]["after"] == {"n": 1}
    out = tmp_path / "log.csv"
    result = call(app, "export", "--organization", "Acme", "--format", "csv", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    rows = list(csv.DictReader(out.open(newline="")))
    assert [row["position"] for row in rows] == ["4", "3", "2", "1"]
    assert {row["chain"] for row in rows} == {chain}
    assert list(tmp_path.glob("*.part")) == []


def test_days_choose(app: Flask, chain: str) -> None:
    today = f"{utcnow():%Y-%m-%d}"
    assert call(app, "export", "--since", today, "--until", today).stdout.count("\n") == 6
    assert call(app, "export", "--until", "2020-01-01").stdout == ""
    assert call(app, "export", "--since", "2200-01-01").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["export", "--organization", "Nobody"], 1, "There is no organization of this id or name."),
        (["export", "--since", "yesterday"], 2, "Invalid value for '--since'"),
        (["export", "--format", "xml"], 2, "Invalid value for '--format'"),
        (["export", "--out", "/proc/none/x"], 1, "/proc/none/x: No such file or directory"),
        (["head", "--out", "/proc/none/x"], 1, "/proc/none/x: No such file or directory"),
        (["verify", "--heads", "/none"], 2, "No such file or directory"),
        (["retain"], 2, "Missing option '--older-than'"),
        (["retain", "--older-than", "400"], 1, "a number of days such as 400d"),
        (["retain", "--older-than", "0d"], 1, "a number of days such as 400d"),
        (["retain", "--older-than", "-1d"], 1, "a number of days such as 400d"),
    ],
)
@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_what_cannot_be_done_is_said(
    app: Flask, chain: str, arguments: list[str], code: int, said: str, engine_name: str
) -> None:
    result = call(app, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


def test_old_rows_are_taken_away_by_a_command(app: Flask, chain: str) -> None:
    result = call(app, "retain", "--older-than", "400d")
    assert (result.exit_code, "0 rows of 0 chains" in result.stdout) == (0, True)
    age(chain)
    dry = call(app, "retain", "--older-than", "400d", "--dry-run", "--json")
    assert (figures(dry)["rows"], figures(dry)["chains"], figures(dry)["dry_run"]) == (4, 1, True)
    assert call(app, "verify", "--json").exit_code == 0
    result = call(app, "retain", "--older-than", "400d")
    assert "4 rows of 1 chain, older than " in result.stdout
    result = call(app, "verify")
    assert (result.exit_code, "3 rows in 2 chains, 1 chain cut by retention" in result.stdout) == (0, True)


def age(chain: str) -> None:
    """The chain as it would be had it been written two years ago."""
    from sqlalchemy import text

    from portal.audit.chain import START, audit_keys, row_hash
    from portal.audit.models import AuditEntry
    from portal.context import current_settings

    key, previous = next(iter(audit_keys(current_settings()).values())), START
    with unguarded() as connection:
        rows = connection.execute(
            db.select(AuditEntry.__table__).where(AuditEntry.chain == chain).order_by(AuditEntry.position)
        ).all()
        for row in rows:
            values = {
                **row._mapping,
                "created_at": row.created_at.replace(year=2020),
                "previous_hash": previous,
            }
            previous = row_hash(key, values)
            change = db.update(AuditEntry.__table__).where(AuditEntry.id == row.id)
            connection.execute(
                change.values(
                    created_at=values["created_at"], previous_hash=values["previous_hash"], hash=previous
                )
            )
        connection.execute(
            text("UPDATE audit_heads SET hash = :h WHERE chain = :c"), {"h": previous, "c": chain}
        )


def test_every_command_has_help(app: Flask) -> None:
    for command in ("verify", "head", "export", "retain"):
        result = call(app, command, "--help")
        assert result.exit_code == 0
        assert len(result.stdout.splitlines()) > 4


def test_it_runs_as_operators_type_it(app: Flask, chain: str, database_url: str, tmp_path: Path) -> None:
    environment = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}
    arguments = ("-m", "flask", "audit-log", "verify")
    process = Process.python(*arguments, log=tmp_path / "verify.log", env=environment)
    assert process.wait_for_exit(seconds=60) == 0, process.output
    assert "6 rows in 2 chains: every row verifies" in process.output
    other = {**environment, "SECRET_KEY": "another key that is long enough as well"}
    process = Process.python(*arguments, log=tmp_path / "verify.log", env=other)
    assert process.wait_for_exit(seconds=60) == 1
    assert f"unknown key: {chain}, position 1: 4 rows are signed with the key" in process.output
    rolled = {**other, "AUDIT_SECRETS": f"{other['SECRET_KEY']},{SECRET_KEY}"}
    process = Process.python(*arguments, log=tmp_path / "verify.log", env=rolled)
    assert process.wait_for_exit(seconds=60) == 0, process.output
