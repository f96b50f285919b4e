"""What operators type: the groups of `flask ...`. Like jobs, a layer above `portal/`."""

from flask import Flask


def register_commands(app: Flask) -> None:
    """Add the groups. Imported when the command line is used, not to serve customers."""
    from commands.accounts import organization_commands, staff_commands
    from commands.audit_log import audit_log_commands
    from commands.demo import demo_commands
    from commands.stripe import stripe_commands

    for group in (audit_log_commands, demo_commands, organization_commands, staff_commands, stripe_commands):
        app.cli.add_command(group)
