"""`flask audit-log`: check the log, keep its heads, take it out, and take its oldest part away."""

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click

from commands.output import JSON, DatabaseGroup, counted, progress, say_json
from portal.audit.chain import AuditKey, audit_keys
from portal.audit.export import FileKind, export_lines
from portal.audit.findings import MOST_FINDINGS, Report
from portal.audit.heads import Head, all_heads, heads_digest, heads_file, read_heads_file
from portal.audit.people import asked_organization
from portal.audit.queries import LogFilter
from portal.audit.retention import Cut, old_rows, retain
from portal.audit.verify import count_rows, snapshot, verify_log
from portal.context import current_settings
from portal.errors import PortalError
from portal.extensions import db
from portal.kit.clock import utcnow

audit_log_commands = DatabaseGroup(
    "audit-log", help="The audit log: check it, export it, keep its heads elsewhere."
)
DAYS = re.compile(r"[1-9]\d{0,4}d")
DAY = click.DateTime(["%Y-%m-%d"])


@audit_log_commands.command("verify")
@click.option(
    "--heads",
    type=click.File(encoding="utf-8"),
    help="A file of `flask audit-log head`: finds chains that were taken back to an earlier state.",
)
@JSON
def verify(heads: IO[str] | None, as_json: bool) -> None:
    """Check every row of every chain. Ends with 1 if anything is wrong, after naming it."""
    started = time.perf_counter()
    exported = _read_heads(heads) if heads else None
    with snapshot(db.engine) as connection:
        rows = count_rows(connection)
        with progress("Checking", rows) as step:
            report = verify_log(connection, _keys(), exported, step)
    seconds = time.perf_counter() - started
    if as_json:
        say_json(ok=report.is_intact, seconds=round(seconds, 2), **asdict(report))
    else:
        _say(report, seconds)
    if not report.is_intact:
        raise click.ClickException(f"the audit log does not verify: {counted(report.found, 'finding')}.")


@audit_log_commands.command("head")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; else standard output.")
@JSON
def head(out: Path | None, as_json: bool) -> None:
    """Write the last row of every chain, signed. Keep it where the database's users cannot write."""
    with snapshot(db.engine) as connection:
        heads = all_heads(connection)
    text = heads_file(heads, next(iter(_keys().values())), utcnow())
    if out:
        _write(out, [text.encode()])
    elif not as_json:
        click.echo(text, nl=False)
    if as_json:
        say_json(chains=len(heads), digest=heads_digest(heads))
    elif out:
        click.echo(f"{counted(len(heads), 'chain')}, digest {heads_digest(heads)}: {out}")


@audit_log_commands.command("export")
@click.option("--organization", metavar="ORG", help="Only this one: its id or its whole name.")
@click.option("--since", type=DAY, help="The first day, in UTC.")
@click.option("--until", type=DAY, help="The last day, in UTC, included.")
@click.option("--format", "kind", type=click.Choice([kind.value for kind in FileKind]), default="jsonl")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; else standard output.")
def export(
    organization: str | None, since: datetime | None, until: datetime | None, kind: str, out: Path | None
) -> None:
    """Write the rows of the log, newest first, with everything they hold."""
    try:
        organization_id = asked_organization(organization or "")
    except PortalError as error:
        raise click.ClickException(error.message) from error
    wanted = LogFilter(
        organization_id=organization_id,
        first=since.date() if since else None,
        last=until.date() if until else None,
    )
    lines = export_lines(db.engine, wanted, FileKind(kind))
    with progress("Writing", None) as step:
        _write(out, _counted(lines, step))


@audit_log_commands.command("retain")
@click.option("--older-than", required=True, metavar="DAYS", help="Such as 400d.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@JSON
def cut(older_than: str, dry_run: bool, as_json: bool) -> None:
    """Take rows older than DAYS from the start of each chain, and leave a signed summary in it.

    One transaction: killed in between, nothing has changed. Whoever changes anything in the portal waits meanwhile.
    """
    if not DAYS.fullmatch(older_than):
        raise click.ClickException("--older-than is a number of days such as 400d.")
    before = utcnow() - timedelta(days=int(older_than[:-1]))
    try:
        cuts = old_rows(before) if dry_run else _retain(before)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    rows = sum(cut.rows for cut in cuts)
    if as_json:
        say_json(dry_run=dry_run, before=before.isoformat(), chains=len(cuts), rows=rows)
        return
    done = "would be removed" if dry_run else "removed, each chain with a signed summary"
    click.echo(
        f"{counted(rows, 'row')} of {counted(len(cuts), 'chain')}, older than {before:%Y-%m-%d %H:%M} UTC: {done}."
    )


def _retain(before: datetime) -> list[Cut]:
    with progress("Removing", len(old_rows(before))) as step:
        cuts = retain(before, step)
    db.session.commit()
    return cuts


def _keys() -> dict[str, AuditKey]:
    return audit_keys(current_settings())


def _read_heads(file: IO[str]) -> Mapping[str, Head]:
    try:
        return read_heads_file(file.read(), _keys())
    except PortalError as error:
        raise click.ClickException(error.message) from error
    except UnicodeDecodeError as error:
        raise click.ClickException("This is not a file of heads.") from error


def _counted(lines: Iterator[bytes], step: Callable[[], None]) -> Iterator[bytes]:
    for line in lines:
        yield line
        step()


def _write(out: Path | None, lines: Any) -> None:
    """Into a file beside, which takes the name when it is whole."""
    if out is None:
        for line in lines:
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        return
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as file:
            file.writelines(lines)
        part.replace(out)
    except OSError as error:
        raise click.ClickException(f"{out}: {error.strerror}") from error


def _say(report: Report, seconds: float) -> None:
    for finding in report.findings:
        click.echo(str(finding))
    if report.found > MOST_FINDINGS:
        click.echo(f"... and {counted(report.found - MOST_FINDINGS, 'more finding')}")
    cuts = f", {counted(report.cuts, 'chain')} cut by retention" if report.cuts else ""
    verdict = "every row verifies" if report.is_intact else counted(report.found, "finding")
    click.echo(
        f"{counted(report.rows, 'row')} in {counted(report.chains, 'chain')}{cuts}: {verdict} ({seconds:.1f} s)."
    )
