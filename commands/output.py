"""What commands print: figures as JSON, counts in words, a progress bar."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

JSON = click.option("--json", "as_json", is_flag=True, help="Figures as JSON on standard output.")


class DatabaseGroup(AppGroup):
    """Commands that need the database: where it fails them, one line says why and they end with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(ctx)
        except DBAPIError as error:
            why = (str(error.orig).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            message = f"The database says: {why}; is it migrated (flask db upgrade)?"
            raise click.ClickException(message) from error


@contextmanager
def progress(label: str, length: int | None, every: int = 500) -> Iterator[Callable[..., None]]:
    """A bar on standard error, where that is a terminal; the step is to be called for each piece, or for some at once.

    It is drawn anew each `every` pieces.
    """
    with click.progressbar(
        length=length or 0, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        waiting = 0

        def step(pieces: int = 1) -> None:
            nonlocal waiting
            waiting += pieces
            if waiting >= every:
                bar.update(waiting)
                waiting = 0

        yield step
        bar.update(waiting)


def say_json(**figures: object) -> None:
    """One line on standard output, with the time."""
    click.echo(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **figures}))


def counted(number: int, word: str) -> str:
    """Such as "1 row" and "1,200 rows"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
