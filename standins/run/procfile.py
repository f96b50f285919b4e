"""The portal's own processes are named once, in the Procfile; the demo starts the same command lines."""

import re
from pathlib import Path

from standins.run.errors import DemoError

LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)")


def read_procfile(path: Path) -> dict[str, str]:
    """The shell command of each process type. Raises `DemoError` when one that the demo needs is missing."""
    lines = (line.strip() for line in path.read_text().splitlines())
    commands = {found[1]: found[2] for line in lines if (found := LINE.fullmatch(line))}
    for name in ("release", "web", "worker"):
        if name not in commands:
            raise DemoError(f"{path} names no process {name!r}")
    return commands
