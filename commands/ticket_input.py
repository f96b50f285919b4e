"""Where the tickets of an audit come from: files, or a help desk's API, with a bar for either."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from commands.output import progress
from portal.context import current_settings
from portal.gateways.help_desks import Vendor, credentials_of, fetch_tickets
from portal.inbox.readers import ReadOptions, ReadReport, read_tickets, tickets_from_objects
from portal.inbox.readers.columns import normal
from portal.inbox.readers.options import FIELDS
from portal.inbox.ticket import Ticket
from portal.kit.clock import utcnow

BYTES_A_STEP = 250_000
FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


class _EndMoment(click.DateTime):
    """A time as it is; a bare day is its end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        is_day = isinstance(value, str) and "T" not in value
        return found + timedelta(days=1) if is_day else found


MOMENTS, MOMENTS_OR_DAYS = click.DateTime(FORMS), _EndMoment(FORMS)


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` until before `until`, aware UTC; open where None."""

    since: datetime | None
    until: datetime | None


def asked_period(since: datetime | None, until: datetime | None) -> Period:
    """What was typed, in UTC. Raises `click.BadParameter`."""
    start = since and since.replace(tzinfo=UTC)
    end = until and until.replace(tzinfo=UTC)
    if start and end and start >= end:
        raise click.BadParameter("it must be after --since", param_hint="--until")
    return Period(start, end)


def asked_options(columns: Sequence[str], time_zone: str) -> ReadOptions:
    """`--map FIELD=COLUMN` and `--time-zone`. Raises `click.BadParameter`."""
    found: dict[str, str] = {}
    for entry in columns:
        name, equals, column = entry.partition("=")
        if name not in FIELDS or not equals or not column:
            known = ", ".join(FIELDS)
            raise click.BadParameter(f"{entry!r}: write FIELD=COLUMN; fields are {known}", param_hint="--map")
        if name in found or normal(column) in map(normal, found.values()):
            raise click.BadParameter(f"{entry!r}: one column for one field", param_hint="--map")
        found[name] = column
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.BadParameter(f"there is no time zone {time_zone!r}", param_hint="--time-zone") from None
    return ReadOptions(columns=found, time_zone=zone)


def from_files(paths: Sequence[Path], options: ReadOptions, report: ReadReport) -> Iterator[Ticket]:
    """Tickets of the files. Raises `OSError`, and at the end `click.BadParameter` for a column that none has."""
    total = sum(path.stat().st_size for path in paths)
    with progress("Reading", total, every=BYTES_A_STEP) as step:
        yield from read_tickets(paths, options, report, step)
    _refuse_missing(options, report)


def from_api(
    vendor: str, period: Period, days: int, options: ReadOptions, report: ReadReport
) -> Iterator[Ticket]:
    """Tickets of a help desk, of the period or of the last `days`.

    Raises `PortalError` where settings are missing or the help desk refuses, `click.BadParameter` as `from_files`.
    """
    named = cast(Vendor, vendor)
    credentials = credentials_of(named, current_settings())
    until = period.until or utcnow()
    since = period.since or until - timedelta(days=days)
    with progress(f"Fetching from {vendor}", None, every=10) as step:
        objects = fetch_tickets(named, credentials, since, until, lambda count, total: step())
        yield from tickets_from_objects(vendor, objects, options, report)
    _refuse_missing(options, report)


def _refuse_missing(options: ReadOptions, report: ReadReport) -> None:
    """Raises `click.BadParameter` for `--map` with a column that nothing of what was read has."""
    missing = [column for name, column in options.columns.items() if name not in report.columns_found]
    if missing and report.tickets:
        raise click.BadParameter(f"no file has a column {missing[0]!r}", param_hint="--map")


class TaggingBar:
    """A bar that begins with the first ticket that is tagged, when it is known how many there are."""

    def __init__(self) -> None:
        self._bar: AbstractContextManager[Callable[..., None]] | None = None
        self._step: Callable[..., None] = lambda pieces: None
        self._done = 0

    def on_tagged(self, done: int, total: int) -> None:
        """So many of so many."""
        if self._bar is None:
            self._bar = progress("Tagging", total, every=1)
            self._step = self._bar.__enter__()
        self._step(done - self._done)
        self._done = done
        if done >= total:
            self._bar.__exit__(None, None, None)
