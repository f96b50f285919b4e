"""Imports run one way, and what is heavy or foreign stays behind its gateway."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALL_OF_OURS = {
    "blueprints",
    "jobs",
    "standins",
    "demo",
    "tests",
    "wsgi",
    "bench",
    "migrations",
    "training",
    "commands",
}
REQUEST_GLOBALS = {"request", "session", "g"}
OUTSIDE = {"stripe", "smtplib", "weasyprint", "requests"}
HEAVY = ("altair", "vl_convert", "weasyprint", "pandas")
ALLOWED = {
    "portal": set(),
    "blueprints": {"blueprints"},
    "jobs": {"jobs", "wsgi"},  # wsgi only in jobs/__main__.py, see below
    "standins": {"standins"},
}


@cache
def files(layer: str) -> tuple[Path, ...]:
    return tuple(sorted((ROOT / layer).rglob("*.py")))


def imports(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """(module, names taken from it) of every import, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, frozenset()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module), frozenset(alias.name for alias in node.names)


def test_the_files_are_found() -> None:
    assert all(len(files(layer)) > 3 for layer in ALLOWED)


@pytest.mark.parametrize("layer", ALLOWED)
def test_layers_import_only_downwards(layer: str) -> None:
    allowed = ALLOWED[layer]
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in files(layer)
        for module, _ in imports(path)
        if module.partition(".")[0] in ALL_OF_OURS - allowed
    ]
    assert wrong == []


def test_only_the_workers_start_builds_the_application() -> None:
    builders = [path.name for path in files("jobs") for module, _ in imports(path) if module == "wsgi"]
    assert builders == ["__main__.py"]


def test_standins_know_nothing_of_the_portal() -> None:
    assert [
        path for path in files("standins") for module, _ in imports(path) if module.startswith("portal")
    ] == []


def test_portal_never_names_the_request() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {names}"
        for path in files("portal")
        for module, names in imports(path)
        if module.partition(".")[0] == "flask" and names & REQUEST_GLOBALS
    ]
    whole = [
        path for path in files("portal") for module, names in imports(path) if module == "flask" and not names
    ]
    assert (wrong, whole) == ([], [])


def test_only_gateways_import_outside_sdks() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for layer in ("portal", "blueprints", "jobs")
        for path in files(layer)
        if ROOT / "portal" / "gateways" not in path.parents
        for module, _ in imports(path)
        if module.partition(".")[0] in OUTSIDE
    ]
    assert wrong == []


def test_a_first_page_needs_neither_charts_nor_pdfs(tmp_path: Path) -> None:
    program = f"""
import sys
from tests.conftest import make_settings
from wsgi import create_app
app = create_app(make_settings("sqlite:///{tmp_path}/portal.sqlite"))
assert app.test_client().get("/auth/sign-in").status_code == 200
print(*[name for name in {HEAVY!r} if name in sys.modules], sep=",")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr[-2000:]
