"""`flask organizations` and `flask staff`: how a fresh portal gets its first people."""

import click

from commands.output import DatabaseGroup
from portal.errors import PortalError
from portal.extensions import db
from portal.permissions import StaffRole
from portal.stripe_mirror.sync import sync_everything
from portal.support import service

organization_commands = DatabaseGroup("organizations", help="Customers of the product.")
staff_commands = DatabaseGroup("staff", help="People who run the product.")


@organization_commands.command("add")
@click.argument("name")
@click.option("--owner", required=True, metavar="EMAIL", help="Gets the invitation to be the first owner.")
@click.option("--customer", metavar="CUS_ID", help="The Stripe customer; leave it out for a contract.")
def add_organization(name: str, owner: str, customer: str | None) -> None:
    """Open the organization NAME and invite its first owner by mail."""
    try:
        organization = service.open_organization(name, owner, customer)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    db.session.commit()
    click.echo(f"{organization.id}: {organization.name}. An invitation is on its way to {owner}.")
    if customer:
        read_from_stripe(customer)


@organization_commands.command("invite")
@click.argument("organization_id")
@click.argument("email")
def invite_owner(organization_id: str, email: str) -> None:
    """Invite EMAIL to be an owner of ORGANIZATION_ID: for one whose first invitation has expired."""
    try:
        service.invite_owner(organization_id, email)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    db.session.commit()
    click.echo(f"An invitation is on its way to {email}.")


def read_from_stripe(customer: str) -> None:
    """Fill the mirror with what the customer has already. Events keep it in step from then on."""
    try:
        sync_everything(customer)
    except PortalError as error:
        raise click.ClickException(
            f"The organization is there, but Stripe was not read: {error.message}"
        ) from error
    click.echo("Its plan, card and invoices were read from Stripe.")


@staff_commands.command("add")
@click.argument("email")
@click.option("--name", required=True)
@click.option(
    "--role", type=click.Choice([role.value for role in StaffRole]), default=StaffRole.SUPPORT.value
)
@click.password_option(help="Asked for when left out, so that it does not stay in the shell's history.")
def add_staff(email: str, name: str, role: str, password: str) -> None:
    """Let EMAIL enter /admin."""
    try:
        user = service.add_staff(email, name, password, StaffRole(role))
    except PortalError as error:
        raise click.ClickException(error.message) from error
    db.session.commit()
    click.echo(f"{user.email} may enter /admin as {role}.")


@staff_commands.command("take-off-second-factor")
@click.argument("email")
@click.option("--reason", required=True, help="Kept in the audit log.")
def take_off_second_factor(email: str, reason: str) -> None:
    """Take the second factor off EMAIL of the staff, who has lost it: the next sign-in sets up a new one."""
    try:
        service.take_off_staff_factor(email, reason)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    db.session.commit()
    click.echo(f"{email} sets up a new second factor at the next sign-in. They were told by mail.")
