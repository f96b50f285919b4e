"""`flask tickets`: what customers write to support about, and what of it a screen could absorb."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from commands.output import JSON, DatabaseGroup, say_json
from commands.stripe import OPERATOR
from commands.ticket_input import (
    MOMENTS,
    MOMENTS_OR_DAYS,
    Period,
    TaggingBar,
    asked_options,
    asked_period,
    from_api,
    from_files,
)
from commands.ticket_words import json_figures, say_changes, say_problems, say_ranking
from commands.workplace import move_in, workplace
from portal.errors import PortalError
from portal.extensions import db
from portal.gateways.help_desks import VENDORS
from portal.inbox.audit import Audit
from portal.inbox.corrections import Corrections, read_corrections
from portal.inbox.earlier import BothTags, FileTags
from portal.inbox.models import TicketAudit
from portal.inbox.plan import AuditPlan
from portal.inbox.readers import ReadOptions, ReadReport
from portal.inbox.running import finish
from portal.inbox.service import DEFAULT_CURRENCY, new_audit, note_audit
from portal.inbox.storing import StoredTags, TicketStore
from portal.inbox.tagging import TAGGER_NAMES
from portal.inbox.ticket import Ticket
from portal.kit.money import Money, TooManyDigitsError, UnknownCurrencyError

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
ticket_commands = DatabaseGroup("tickets", help="Support tickets: why customers write, ranked.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    files: tuple[Path, ...]
    out: Path
    vendor: str | None
    days: int
    period: Period
    options: ReadOptions
    plan: AuditPlan
    corrections: Path | None
    is_stored: bool

    def tickets(self, report: ReadReport) -> Iterator[Ticket]:
        """The tickets, as they are read."""
        if self.vendor:
            return from_api(self.vendor, self.period, self.days, self.options, report)
        return from_files(self.files, self.options, report)


@ticket_commands.command("audit")
@click.argument("files", nargs=-1, type=FILE, metavar="FILE...")
@click.option(
    "--out", required=True, type=FOLDER, help="The folder to write to; an earlier run's tags there are kept."
)
@click.option(
    "--from", "vendor", type=click.Choice(VENDORS), help="Fetch from this help desk instead of reading files."
)
@click.option("--days", default=90, type=click.IntRange(1, 3_650), help="With --from: how far back (90).")
@click.option("--since", type=MOMENTS, help="Tickets created since then only, in UTC.")
@click.option(
    "--until", type=MOMENTS_OR_DAYS, help="Tickets created until then only, in UTC; a bare day counts whole."
)
@click.option("--corrections", type=FILE, help="A CSV with ticket_id and reason: settles these, and teaches.")
@click.option("--minute-cost", metavar="AMOUNT", help="What a minute of an agent costs, such as 0.75.")
@click.option("--currency", default=DEFAULT_CURRENCY, help="Of --minute-cost (usd).")
@click.option("--tagger", default="default", type=click.Choice(TAGGER_NAMES), help="How reasons are found.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Name a column that is not found by itself.",
)
@click.option("--time-zone", default="UTC", help="Of times that name none (UTC).")
@click.option("--retag", is_flag=True, help="Replace tags of earlier runs. What people settled stays.")
@click.option("--with-personal-data", is_flag=True, help="Names, addresses and texts in tickets.csv too.")
@click.option("--store", "is_stored", is_flag=True, help="Keep the tickets in the portal's database too.")
@JSON
def audit(as_json: bool, files: tuple[Path, ...], vendor: str | None, **typed: Any) -> None:
    """Find out why customers wrote, from the exports FILE... or straight from a help desk, and rank it.

    Reads exports of Zendesk, Intercom, Help Scout and Freshdesk, mboxes and any CSV, also gzipped. Writes audit.csv,
    tickets.csv, summary.json, tags.json and the report (HTML and PDF) into the folder, all or nothing.
    """
    if bool(files) == bool(vendor):
        raise click.UsageError("Name files, or a help desk with --from.")
    asked = _asked(files, vendor, **typed)
    try:
        summary = _run(asked)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or asked.out}: {error.strerror or error}") from error
    say_problems(summary)
    say_changes(summary)
    if as_json:
        say_json(**json_figures(summary, asked.out))
    else:
        say_ranking(summary, asked.out)


def _run(asked: Asked) -> dict[str, Any]:
    corrections = read_corrections(asked.corrections) if asked.corrections else Corrections()
    report, bar = ReadReport(), TaggingBar()
    earlier = FileTags(asked.out)
    with ExitStack() as stack:
        folder = stack.enter_context(workplace(asked.out))
        run = Audit(folder, asked.plan, report, earlier, corrections, on_tagged=bar.on_tagged)
        if not asked.is_stored:
            summary = run.run(asked.tickets(report))
        else:
            store = stack.enter_context(closing(TicketStore(folder / ".store")))
            run = replace(run, earlier=BothTags(earlier, StoredTags()), store=store.add)
            summary = run.run(asked.tickets(report))
            _store(asked, store, summary, folder)
            store.close()
        move_in(folder, asked.out)
        if asked.is_stored:
            db.session.commit()
    return summary


def _store(asked: Asked, store: TicketStore, summary: dict[str, Any], folder: Path) -> None:
    """Tickets, the audit and its files, in one transaction that is committed once the files are in place."""
    names = [path.name for path in asked.files] or [str(asked.vendor)]
    row: TicketAudit = new_audit(OPERATOR, names, asked.plan)
    db.session.add(row)
    db.session.flush()
    note_audit(OPERATOR, row)
    store.write(row.id)
    finish(row, summary, folder)
    db.session.flush()


def _asked(files: tuple[Path, ...], vendor: str | None, **typed: Any) -> Asked:
    period = asked_period(typed["since"], typed["until"])
    plan = AuditPlan(
        since=period.since,
        until=period.until,
        minute_cost=_minute_cost(typed["minute_cost"], typed["currency"]),
        tagger=typed["tagger"],
        retag=typed["retag"],
        with_personal_data=typed["with_personal_data"],
    )
    options = asked_options(typed["columns"], typed["time_zone"])
    rest = typed["corrections"], typed["is_stored"]
    return Asked(files, typed["out"], vendor, typed["days"], period, options, plan, *rest)


def _minute_cost(amount: str | None, currency: str) -> Money | None:
    """Raises `click.BadParameter`."""
    if amount is None:
        return None
    try:
        cost = Money.from_decimal(Decimal(amount), currency.lower())
    except UnknownCurrencyError:
        raise click.BadParameter(f"there is no currency {currency!r}", param_hint="--currency") from None
    except (InvalidOperation, TooManyDigitsError):
        raise click.BadParameter("write an amount such as 0.75", param_hint="--minute-cost") from None
    if cost.minor < 0:
        raise click.BadParameter("it cannot be less than nothing", param_hint="--minute-cost")
    return cost
