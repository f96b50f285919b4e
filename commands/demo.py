"""`flask demo seed` and `flask demo reset`."""

import click
import stripe

from commands.output import DatabaseGroup
from demo.reset import reset_demo
from demo.seed import has_other_people, is_seeded, seed_demo
from portal.context import current_settings
from portal.errors import PortalError

demo_commands = DatabaseGroup("demo", help="The demo people and their history.")


@demo_commands.command("seed")
def seed() -> None:
    """Make the demo people and believable history, once; a second run changes nothing."""
    _refuse_live()
    if is_seeded():
        click.echo("The demo is already there.")
        return
    if has_other_people():
        raise click.ClickException("There are people in this database already. The demo wants an empty one.")
    reset_demo()  # what an attempt that was cut off may have left
    try:
        made = seed_demo()
    except (PortalError, stripe.StripeError) as error:
        raise click.ClickException(f"Stripe did not play along: {error}") from error
    click.echo(
        f"Made {made.people} people in {made.organizations} organizations and {made.usage_events} usage events."
    )


@demo_commands.command("reset")
@click.confirmation_option(prompt="This empties the portal's whole database. Go on?")
def reset() -> None:
    """Empty every table of the portal and make the demo anew."""
    _refuse_live()
    reset_demo()
    made = seed_demo()
    click.echo(
        f"Made {made.people} people in {made.organizations} organizations and {made.usage_events} usage events."
    )


def _refuse_live() -> None:
    """Known passwords must never reach a database that real customers use."""
    settings = current_settings()
    if settings.stripe_is_live or settings.is_https:
        raise click.ClickException(
            "The demo has known passwords. It is not for a portal that others can reach."
        )
