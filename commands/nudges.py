"""`flask nudges`: telling people of screens that do by now what they wrote about, and what that brings."""

from typing import Any

import click

from commands.output import JSON, DatabaseGroup, counted, say_json
from portal.deflection.report import reading
from portal.kit.clock import utcnow
from portal.nudges.lift import lift as lift_figures
from portal.nudges.service import Sent, foresee, send_nudges

nudge_commands = DatabaseGroup(
    "nudges", help="Nudges: one mail to people who wrote about what a screen does by now."
)


@nudge_commands.command("send")
@click.option("--dry-run", is_flag=True, help="Only say what would be decided and sent.")
@JSON
def send(dry_run: bool, as_json: bool) -> None:
    """Decide who is told and put their mails into the outbox, as the worker does once a day."""
    now = utcnow()
    if dry_run:
        with reading():
            done = foresee(now)
    else:
        done = send_nudges(now)
    if as_json:
        say_json(dry_run=dry_run, decided=done.decided, control=done.control, mails=done.mails)
    else:
        click.echo(_sent(done, is_done=not dry_run))


@nudge_commands.command("lift")
@JSON
def lift(as_json: bool) -> None:
    """People who were told against the control group: who wrote again, and who used the screen."""
    with reading():
        figures = lift_figures(utcnow())
    if as_json:
        say_json(**figures)
        return
    click.echo(f"{counted(figures['decided'], 'nudge')} decided, {figures['untold']:,} of them untold.")
    for outcome in figures["outcomes"]:
        click.echo(f"{outcome['label']} within {outcome['days']} days: {_outcome(outcome, figures)}")


def _sent(done: Sent, *, is_done: bool) -> str:
    mails = counted(done.mails, "mail")
    return (
        f"{counted(done.decided, 'nudge')} {'' if is_done else 'would be '}decided, {done.control:,} of them in the "
        f"control group; {mails} {'' if is_done else 'would be '}put into the outbox."
    )


def _outcome(outcome: dict[str, Any], figures: dict[str, Any]) -> str:
    shares = "{nudged[count]} of {nudged[people]} told, {control[count]} of {control[people]} untold".format(
        **outcome
    )
    if not outcome["is_enough"]:
        return f"{shares}; too few to say, {figures['least_people']} people are needed in each group"
    points = [round(outcome[name] * 100, 1) for name in ("difference", "low", "high")]
    return f"{shares}; difference {points[0]:+g} points (95 % interval {points[1]:+g} to {points[2]:+g})"
