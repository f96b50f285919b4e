"""Several processes write at once: no number is missing or given twice, and chains do not wait for each other."""

import time
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from portal.extensions import db
from tests.conftest import SECRET_KEY
from tests.factories import World
from tests.portal.audit.tampering import heads, verified, write
from tests.support.processes import Process

ROWS = 60
WRITER = """
import sys
from portal.actor import Actor, ActorKind
from tests.conftest import make_settings
from tests.portal.audit.tampering import write
from wsgi import create_app
url, count, *chains = sys.argv[1:]
with create_app(make_settings(url)).app_context():
    for number in range(int(count)):
        for chain in chains:
            write(Actor(ActorKind.USER, f"usr_{number}", "Somebody", chain), 1)
print("written", flush=True)
"""


def writer(tmp_path: Path, name: str, database_url: str, chains: list[str]) -> Process:
    program = tmp_path / f"{name}.py"
    program.write_text(WRITER)
    environment = {"PYTHONPATH": str(Path(__file__).parents[3]), "SECRET_KEY": SECRET_KEY}
    arguments = (database_url, str(ROWS), *chains)
    return Process.python(str(program), *arguments, log=tmp_path / f"{name}.log", env=environment)


def finish(*processes: Process) -> None:
    for process in processes:
        try:
            assert process.wait_for_exit(seconds=60) == 0, process.output[-2000:]
        finally:
            process.kill_group()


def test_two_processes_in_one_chain(world: World, database_url: str, tmp_path: Path) -> None:
    chain = world.acme.organization_id
    finish(*(writer(tmp_path, name, database_url, [chain]) for name in ("one", "two")))
    assert heads()[chain].position == 2 * ROWS
    report = verified()
    assert (report.is_intact, report.rows, report.chains) == (True, 2 * ROWS, 1)


def test_two_processes_in_both_chains_in_opposite_order(
    world: World, database_url: str, tmp_path: Path
) -> None:
    chains = [world.acme.organization_id, world.globex.organization_id]
    finish(
        writer(tmp_path, "one", database_url, chains),
        writer(tmp_path, "two", database_url, chains[::-1]),
    )
    assert [heads()[chain].position for chain in chains] == [2 * ROWS, 2 * ROWS]
    assert verified().is_intact


@pytest.mark.parametrize("engine_name", ["postgres"])
def test_a_chain_that_is_held_holds_up_no_other(app: Flask, world: World, engine_name: str) -> None:
    write(world.acme.actor(), 1)
    with db.engine.connect() as holder:
        locked = "SELECT 1 FROM audit_heads WHERE chain = :chain FOR UPDATE"
        holder.execute(text(locked), {"chain": world.acme.organization_id})
        db.session.execute(text("SET LOCAL lock_timeout = '5s'"))
        write(world.globex.actor(), 2)
        holder.rollback()
    assert heads()[world.globex.organization_id].position == 2


def test_a_retention_that_is_killed_in_the_middle_changes_nothing(
    world: World, database_url: str, tmp_path: Path
) -> None:
    write(world.acme.actor(), 5)
    program = tmp_path / "retain.py"
    program.write_text("""
import sys, time
from datetime import timedelta
from portal.audit.retention import retain
from portal.kit.clock import utcnow
from tests.conftest import make_settings
from wsgi import create_app
with create_app(make_settings(sys.argv[1])).app_context():
    print("removed", sum(cut.rows for cut in retain(utcnow() + timedelta(hours=1))), flush=True)
    time.sleep(600)
""")
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    process = Process.python(str(program), database_url, log=tmp_path / "retain.log", env=environment)
    try:
        process.wait_for_line("removed 5")
    finally:
        process.kill_group()
        process.wait_for_exit()
    deadline = time.monotonic() + 10
    while not verified().rows and time.monotonic() < deadline:
        time.sleep(0.05)  # Postgres takes the lock back once it sees that the client is gone
    report = verified()
    assert (report.is_intact, report.rows, report.cuts) == (True, 5, 0)
    write(world.acme.actor(), 1)
    assert verified().rows == 6
