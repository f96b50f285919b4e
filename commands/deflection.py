"""`flask deflection`: what customers no longer write about since a screen does it."""

from typing import Any

import click

from commands.output import JSON, DatabaseGroup, say_json
from portal.deflection.charts import ratio_words
from portal.deflection.report import make_report, reading
from portal.deflection.table import report_csv
from portal.deflection.windows import parse_quarter, quarter_of
from portal.errors import PortalError
from portal.kit.clock import utcnow
from portal.kit.money import Money

deflection_commands = DatabaseGroup(
    "deflection", help="Deflection: tickets before and after each screen was opened."
)
LINE = "{:<42} {:>9} {:>9}  {}"


@deflection_commands.command("report")
@click.option("--quarter", metavar="2026Q3", help="The running quarter unless said otherwise.")
@JSON
@click.option("--csv", "as_csv", is_flag=True, help="The table as CSV on standard output.")
def report(quarter: str | None, as_json: bool, as_csv: bool) -> None:
    """Compare the tickets of each reason before and after its screen was opened.

    Rates are tickets of 1,000 active organizations in 30 days. The ratio is after over before, with its 95 % interval.
    """
    if as_json and as_csv:
        raise click.UsageError("Choose --json or --csv.")
    try:
        asked = parse_quarter(quarter) if quarter else quarter_of(utcnow())
    except PortalError as error:
        raise click.BadParameter(error.message, param_hint="--quarter") from error
    if asked.start > utcnow():
        raise click.ClickException(f"{asked} has not begun.")
    with reading():
        figures = make_report(asked)
    if as_json:
        say_json(**figures)
    elif as_csv:
        for line in report_csv(figures):
            click.echo(line, nl=False)
    else:
        _say(figures)


def _say(figures: dict[str, Any]) -> None:
    until = "" if figures["is_over"] else ", so far"
    click.echo(f"{figures['quarter']}{until}: tickets are known for {figures['days_known']:g} days of it.\n")
    click.echo(LINE.format("", "before", "after", "ratio (95 % interval), saved"))
    for row in figures["reasons"]:
        rates = [_rate(row[side]["per_1000"]) for side in ("before", "after")]
        click.echo(LINE.format(row["title"], *rates, _outcome(row)))
        if row["by_known_people"]:
            click.echo(f"  written nevertheless: {_nevertheless(row)}")
    if figures["saved"]:
        click.echo(f"\nSaved together: {_together(figures['saved'], figures['currency'])}.")


def _nevertheless(row: dict[str, Any]) -> str:
    used, never = row["after_use"]["tickets"], row["never_opened"]["tickets"]
    return f"{used:,} within 48 h of use, {never:,} by people who never opened it"


def _together(saved: dict[str, Any], currency: str | None) -> str:
    """Tickets, and the minutes and the cost where they are known."""
    parts = [f"{_whole(saved['tickets'])} tickets"]
    if saved["minutes"] is not None:
        parts.append(f"{_whole(saved['minutes'])} minutes")
    if saved["cost_minor"] is not None and currency:
        ends = ("", "_low", "_high")
        cost, low, high = (Money(round(saved[f"cost_minor{end}"]), currency).format() for end in ends)
        parts.append(f"{cost} ({low} to {high})")
    return ", ".join(parts)


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _outcome(row: dict[str, Any]) -> str:
    if not row["is_enough"]:
        return f"too few to say: {row['why_not']}"
    saved = row["saved"]
    words = ratio_words(row["ratio"], row["low"], row["high"])
    tickets, low, high = (_whole(saved[name]) for name in ("tickets", "tickets_low", "tickets_high"))
    return f"{words}, {tickets} ({low} to {high}) tickets"


def _whole(value: float) -> str:
    """Rounded; `z` keeps a little less than nothing from being -0."""
    return f"{value:z,.0f}"
