"""What `flask tickets audit` says at the end: the ranking, and on standard error what was not read or has changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from commands.output import counted
from portal.inbox.report import ReportWords, percent

MOST_SHOWN = 20
Summary = Mapping[str, Any]


def say_ranking(summary: Summary, out: Path) -> None:
    """The answer, the top of the ranking, and where the files are."""
    words = ReportWords(summary)
    click.echo(words.headline)
    for row in words.top:
        effort = words.effort(row)
        line = f"{row['rank']:>4}  {row['title']:<42} {row['tickets']:>6,} {percent(row['share']):>5}"
        click.echo(f"{line}  {effort}".rstrip())
    click.echo(f"{counted(summary['tickets']['counted'], 'ticket')} counted. Written to {out}.")


def say_problems(summary: Summary) -> None:
    """What could not be read, by line, and corrections that no ticket was there for."""
    for problem in summary["problems"]["listed"][:MOST_SHOWN]:
        where = f"{problem['file']}, line {problem['line']}" if problem["line"] else problem["file"]
        what = f"{problem['field']}: " if problem["field"] else ""
        click.echo(f"{where}: {what}{problem['reason']}", err=True)
    _say_more(summary["problems"]["count"], "problem")
    unknown = summary["corrections"]["unknown_ids"]
    for entry in unknown[:MOST_SHOWN]:
        click.echo(f"corrections, line {entry['line']}: no ticket {entry['ticket_id']}", err=True)
    _say_more(len(unknown), "correction without a ticket")


def say_changes(summary: Summary) -> None:
    """Each ticket that the tagger would put elsewhere than before."""
    changes = summary["changes"]
    if changes["replaced"]:
        known = counted(changes["replaced"], "ticket")
        click.echo(f"{known} bore the number of another one known before; tagged anew.", err=True)
    if not changes["count"]:
        return
    verb = "was tagged anew" if changes["taken"] else "would change with --retag"
    click.echo(f"{counted(changes['count'], 'ticket')} {verb}:", err=True)
    for entry in changes["tickets"]:
        text = ", its text has changed" if entry["text_changed"] else ""
        line = f"  {entry['ticket_id']:<14} {entry['before']:<24} -> {entry['now']:<24}"
        click.echo(f"{line} {entry['confidence']:.2f}{text}", err=True)


def _say_more(count: int, what: str) -> None:
    if count > MOST_SHOWN:
        click.echo(f"... {counted(count, what)} in all; summary.json has them.", err=True)


def json_figures(summary: Summary, out: Path) -> dict[str, Any]:
    """What `--json` says: the summary without its long lists."""
    short = {name: value for name, value in summary.items() if name not in ("problems", "changes")}
    counts = {"problems": summary["problems"]["count"], "changes": summary["changes"]["count"]}
    return short | counts | {"out": str(out)}
