"""Staff read the log of everybody, their own doings among it."""

from flask import Response
from wtforms import StringField
from wtforms.validators import Length

from blueprints._actor import staff_actor
from blueprints._guards import staff_only
from blueprints._limits import COSTLY, limiter
from blueprints.activity.forms import LogForm
from blueprints.activity.log import export_log, show_log
from blueprints.admin import admin
from portal.audit.export import FileKind
from portal.audit.people import asked_anywhere, asked_organization
from portal.permissions import StaffRole


class AuditLogForm(LogForm):
    """The log of all: people by address or id, organizations by id or name."""

    organization = StringField("Organization", [Length(max=120, message="At most 120 characters.")])
    person = StringField("Person", [Length(max=254, message="At most 254 characters.")])

    def find(self) -> None:
        """Raises `InvalidInputError` for an organization or a person that is not known."""
        self.organization_id = asked_organization((self.organization.data or "").strip())
        self.asked = asked_anywhere((self.person.data or "").strip())


@admin.get("/audit-log")
@staff_only(StaffRole.SUPPORT)
def audit_log() -> Response:
    """One page of the log across organizations."""
    return show_log(AuditLogForm(), "admin/audit_log.html", "admin.audit_log", with_names=True)


@admin.get("/audit-log/export.csv", defaults={"ending": "csv"})
@admin.get("/audit-log/export.jsonl", defaults={"ending": "jsonl"})
@staff_only(StaffRole.SUPPORT)
@limiter.limit(COSTLY)
def audit_log_file(ending: str) -> Response:
    """What the filter shows, as a file. Who takes out one organization's log stands in that log."""
    return export_log(AuditLogForm(), FileKind(ending), staff_actor)
