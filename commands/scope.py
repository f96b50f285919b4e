"""`flask scope`: what the portal does and what stays with support, drafted from tickets, signed and checked."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from commands.output import JSON, counted, say_json
from portal.config import ROOT
from portal.errors import PortalError
from portal.scope.audited import read_audit
from portal.scope.checking import check_scope
from portal.scope.document import ScopeFiles, parse_scope
from portal.scope.draft import write_draft
from portal.scope.page import write_signature

scope_commands = AppGroup("scope", help="The scope: which screens there are, and what stays with support.")
FOLDER = click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=ROOT,
    help="Where scope.toml and docs/scope.md are; the portal's own folder unless given.",
)


@scope_commands.command("draft")
@click.option(
    "--audit",
    required=True,
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="What flask tickets audit wrote with --out.",
)
@FOLDER
@JSON
def draft(audit: Path, folder: Path, as_json: bool) -> None:
    """Write scope.toml and docs/scope.md from an audit of the tickets; what people changed there is kept."""
    files = ScopeFiles(folder)
    try:
        is_new = write_draft(files, read_audit(audit))
        scope = parse_scope(files.toml.read_text(encoding="utf-8"))
    except PortalError as error:
        raise click.ClickException(error.message) from error
    screens, support = (sum(entry.count for entry in part) for part in (scope.screens, scope.support))
    if as_json:
        say_json(
            tickets=scope.audit.tickets,
            screens=screens,
            support=support,
            unclear=scope.audit.unclear,
            changed=is_new,
        )
        return
    click.echo(
        f"{counted(scope.audit.tickets, 'ticket')}: {screens:,} for {counted(len(scope.screens), 'screen')}, "
        f"{support:,} stay with support, {scope.audit.unclear:,} unclear."
    )
    click.echo(
        "Read scope.toml and docs/scope.md, then run flask scope sign --by NAME."
        if is_new
        else "Nothing changed."
    )


@scope_commands.command("sign")
@click.option("--by", required=True, help="Who signs.")
@FOLDER
def sign(by: str, folder: Path) -> None:
    """Sign scope.toml as it is now, and write docs/scope.md from it."""
    try:
        signature = write_signature(ScopeFiles(folder), by)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"Signed by {signature.by} on {signature.at}: {signature.sha256}")


@scope_commands.command("check")
@FOLDER
@JSON
def check(folder: Path, as_json: bool) -> None:
    """Compare the routes with the signed scope. Ends with 1 and a line for each thing that is wrong."""
    endpoints = {rule.endpoint for rule in current_app.url_map.iter_rules()}
    problems = check_scope(ScopeFiles(folder), endpoints)
    if as_json:
        say_json(problems=problems)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)
    if not as_json:
        click.echo("Every route belongs to a signed screen, and the text is the one that was signed.")
