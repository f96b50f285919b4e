"""What commands print: figures as JSON, counts in words, a progress bar."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

JSON = click.option("--json", "as_json", is_flag=True, help="Figures as JSON on standard output.")


@contextmanager
def progress(label: str, length: int | None, every: int = 500) -> Iterator[Callable[[], None]]:
    """A bar on standard error, where that is a terminal; the step is to be called for each piece.

    It is drawn anew each `every` pieces.
    """
    with click.progressbar(
        length=length or 0, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            if done % every == 0:
                bar.update(every)

        yield step
        bar.update(done % every)


def say_json(**figures: object) -> None:
    """One line on standard output, with the time."""
    click.echo(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **figures}))


def counted(number: int, word: str) -> str:
    """Such as "1 row" and "1,200 rows"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
