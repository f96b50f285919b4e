"""`flask flags`: to whom each screen is open."""

import click

from commands.output import JSON, DatabaseGroup, say_json
from commands.stripe import OPERATOR
from portal.audit.people import asked_organization
from portal.errors import PortalError
from portal.extensions import db
from portal.rollout.overview import FlagState, all_flags
from portal.rollout.service import set_for_organization, set_percent

flag_commands = DatabaseGroup("flags", help="Flags of screens: to which organizations each is open.")


@flag_commands.command("list")
@JSON
def list_flags(as_json: bool) -> None:
    """Every screen, its percentage, and the organizations decided one by one."""
    flags = all_flags()
    if as_json:
        say_json(flags=[flag.as_json() for flag in flags])
        return
    for flag in flags:
        click.echo(_line(flag))


@flag_commands.command("set")
@click.argument("screen")
@click.option("--percent", type=click.IntRange(0, 100), help="Open it to so many of 100 organizations.")
@click.option("--org", metavar="ORG", help="Decide for one organization, named by its id or its whole name.")
@click.option("--on/--off", "is_on", default=None, help="Open or closed to that organization.")
@click.option("--by-percent", is_flag=True, help="That organization is as the percentage says again.")
@click.option("--why", required=True, metavar="TEXT", help="The reason; kept in the audit log.")
@JSON
def set_flag(
    screen: str,
    percent: int | None,
    org: str | None,
    is_on: bool | None,
    by_percent: bool,
    why: str,
    as_json: bool,
) -> None:
    """Open or close SCREEN to a percentage of organizations, or to one."""
    if (percent is None) == (org is None):
        raise click.UsageError("Give --percent, or --org with --on or --off.")
    if (org is None) != (is_on is None and not by_percent) or (is_on is not None and by_percent):
        raise click.UsageError("--on, --off or --by-percent goes with --org, one of them.")
    try:
        if percent is not None:
            is_new = set_percent(OPERATOR, screen, percent, why)
        else:
            is_new = set_for_organization(OPERATOR.within(asked_organization(str(org))), screen, is_on, why)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    db.session.commit()
    flag = next(flag for flag in all_flags() if flag.screen.name == screen)
    if as_json:
        say_json(changed=is_new, flag=flag.as_json())
        return
    click.echo(_line(flag) if is_new else f"{_line(flag)} (as before)")


def _line(flag: FlagState) -> str:
    if not flag.screen.can_be_closed:
        return f"{flag.screen.name}: always open"
    exceptions = [f"{row.name} {'on' if row.is_on else 'off'}" for row in flag.exceptions]
    return (
        f"{flag.screen.name}: {flag.percent}%, open to {flag.open_to} of {flag.organizations} organizations"
        + (f"; {', '.join(exceptions)}" if exceptions else "")
    )
