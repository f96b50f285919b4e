"""`flask stripe configure` and `flask stripe drift`: the Customer Portal as the portal file says."""

from dataclasses import asdict
from pathlib import Path

import click

from commands.output import JSON, counted, say_json
from portal.errors import PortalError
from portal.stripe_portal.configure import configure
from portal.stripe_portal.drift import Drift, find_drift
from portal.stripe_portal.file import PORTAL_FILE, read_portal_file
from portal.stripe_portal.modes import contradictions_of_key

FILE = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=PORTAL_FILE,
    show_default="stripe_portal.toml beside the code",
    help="Another portal file.",
)


class CannotTellError(click.ClickException):
    """Neither "as the file says" nor "changed": Stripe does not answer, or the file is wrong."""

    exit_code = 2


@click.command("configure")
@FILE
@JSON
def configure_portal(path: Path, as_json: bool) -> None:
    """Bring Stripe's Customer Portal to what the portal file says. A second run changes nothing."""
    try:
        file = read_portal_file(path)
        if wrong := contradictions_of_key():
            raise click.ClickException(" ".join(wrong))
        done = configure(file)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    if as_json:
        say_json(classes=[asdict(one) for one in done])
        return
    for one in done:
        click.echo(f"{one.customer_class}: {one.outcome} ({one.stripe_id})")
        for difference in one.differences:
            click.echo(f"  {difference.place}: {difference.at_stripe} -> {difference.in_file}")


@click.command("drift")
@FILE
@JSON
def show_drift(path: Path, as_json: bool) -> None:
    """Say what Stripe's Customer Portal offers otherwise than the portal file.

    Ends with 0 where nothing differs, with 1 where something does, and with 2 where it cannot be told.
    """
    try:
        file = read_portal_file(path)
        found = [find_drift(file, customer_class) for customer_class in file.classes]
    except PortalError as error:
        raise CannotTellError(error.message) from error
    count = sum(len(one.differences) for one in found)
    if as_json:
        say_json(differences=count, classes=[asdict(one) for one in found])
    else:
        for one in found:
            _say(one)
    if count:
        raise click.ClickException(f"Stripe differs from {path.name} in {counted(count, 'place')}.")


def _say(found: Drift) -> None:
    """A diff: what the file says with a minus, what stands at Stripe instead with a plus."""
    name = f"{found.customer_class} ({found.stripe_id or 'no configuration'})"
    if not found.differences:
        click.echo(f"{name}: as the file says")
        return
    click.echo(f"{name}:")
    if found.is_file_newer:
        click.echo("  The file, or what it names, has changed since flask stripe configure.")
    for difference in found.differences:
        click.echo(f"  {difference.place}")
        click.echo(f"  - {difference.in_file}")
        click.echo(f"  + {difference.at_stripe}")
