"""What operators type: the groups of `flask ...`. Like jobs, a layer above `portal/`."""

from flask import Flask


def register_commands(app: Flask) -> None:
    """Add the groups. Imported when the command line is used, not to serve customers."""
    from commands.accounts import organization_commands, staff_commands
    from commands.audit_log import audit_log_commands
    from commands.deflection import deflection_commands
    from commands.demo import demo_commands
    from commands.flags import flag_commands
    from commands.nudges import nudge_commands
    from commands.scope import scope_commands
    from commands.stripe import stripe_commands
    from commands.tickets import ticket_commands

    for group in (
        audit_log_commands,
        deflection_commands,
        demo_commands,
        flag_commands,
        nudge_commands,
        organization_commands,
        scope_commands,
        staff_commands,
        stripe_commands,
        ticket_commands,
    ):
        app.cli.add_command(group)
