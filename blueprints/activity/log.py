"""What the customer's log and the staff's have in common: a page of it, and the file."""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from blueprints._downloads import download
from blueprints._htmx import fragment, is_fragment_request, page
from blueprints.activity.forms import LogForm
from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.export import FileKind, export_lines
from portal.audit.people import organization_names
from portal.audit.queries import log_page
from portal.audit.service import Change, record_at_once
from portal.audit.wording import describe
from portal.errors import InvalidInputError
from portal.extensions import db
from portal.kit.clock import utcnow


def show_log(form: LogForm, template: str, listing: str, *, with_names: bool = False) -> Response:
    """One page of what `form` asks for; a wrong filter shows the form with the reason and no rows.

    `listing` is the endpoint of the page; `<listing>_file` is that of the file. `with_names` adds organizations' names.
    """
    after = request.args.get("after")
    found = log_page(form.wanted(), after) if form.validate() else None
    rows = found.rows if found else []
    context: dict[str, Any] = {
        "form": form,
        "entries": [describe(row, for_customer=not with_names) for row in rows],
        "next": found.next_cursor if found else None,
        "after": after,
        "listing": listing,
        "given": form.given,
        "names": organization_names(rows) if with_names else {},
    }
    status = 200 if found else 422
    if is_fragment_request():
        return fragment("activity/_log.html", status, **context)
    return page(template, status, **context)


def export_log(
    form: LogForm, kind: FileKind, who: Callable[[str | None], Actor], *, for_customer: bool = False
) -> Response:
    """The file of what `form` asks for; `who` gives the actor for the organization that is asked for.

    Nothing leaves before the row that tells of it is committed. Asking for the headers alone takes nothing out.
    Raises `InvalidInputError` for a wrong filter.
    """
    if not form.validate():
        raise InvalidInputError(
            next(f"{field.label.text}: {field.errors[0]}" for field in form if field.errors)
        )
    wanted = form.wanted()
    if request.method == "GET":
        chosen = ", ".join(f"{name}: {value}" for name, value in form.given.items())
        change = Change(
            "audit-log", wanted.organization_id or "all", kind.label, None, {"chosen": chosen or None}
        )
        record_at_once(who(wanted.organization_id), Action.LOG_EXPORTED, change)
    name = f"activity {utcnow():%Y-%m-%d}.{kind.value}"
    lines = export_lines(db.engine, wanted, kind, for_customer=for_customer)
    return download(lines, name, kind.media_type)
