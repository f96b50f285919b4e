"""Audit and scope come before a portal is set up: they need no SECRET_KEY, and all that keeps something does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FLASK = Path(sys.executable).with_name("flask")


def run_without_key(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    return subprocess.run([FLASK, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_an_audit_needs_no_key(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text("id,created_at,subject,body\n1,2026-10-01T10:00:00Z,card,Please change our card\n")
    done = run_without_key("tickets", "audit", str(export), "--out", str(tmp_path / "out"))
    assert (done.returncode, (tmp_path / "out" / "audit.csv").exists()) == (0, True), done.stderr


@pytest.mark.parametrize("command", ["tickets audit x.csv --out y --store", "audit-log head", "demo seed"])
def test_what_keeps_something_does(command: str) -> None:
    done = run_without_key(*command.split())
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr
