"""Functions and files stay short enough to be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = ("portal", "blueprints", "jobs", "standins", "demo", "commands", "training")
LONGEST_FUNCTION, LONGEST_FILE = 30, 300
EXCEPTIONS: dict[str, str] = {}
"""`path: function` -> why it may be longer."""


def files() -> Iterator[Path]:
    yield ROOT / "wsgi.py"
    for layer in LAYERS:
        yield from (ROOT / layer).rglob("*.py")


def long_functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{path.relative_to(ROOT)}: {node.name}", length


def test_no_function_is_longer_than_30_lines() -> None:
    found = dict(entry for path in files() for entry in long_functions(path))
    assert {name: length for name, length in found.items() if name not in EXCEPTIONS} == {}


def test_every_exception_is_still_needed() -> None:
    found = {name for path in files() for name, _ in long_functions(path)}
    assert EXCEPTIONS.keys() - found == set()


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
