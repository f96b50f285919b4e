"""The staff area."""

from flask import Blueprint

admin = Blueprint("admin", __name__, url_prefix="/admin")

from blueprints.admin import (  # noqa: E402
    actions,  # noqa: F401
    audit_log,  # noqa: F401
    classes,  # noqa: F401
    deflection,  # noqa: F401
    documents,  # noqa: F401
    flags,  # noqa: F401
    jobs,  # noqa: F401
    notifications,  # noqa: F401
    organizations,  # noqa: F401
    recoveries,  # noqa: F401
    ticket_audits,  # noqa: F401
    views,  # noqa: F401
    webhooks,  # noqa: F401
)
