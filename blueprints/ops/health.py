"""Liveness and readiness."""

import logging

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Response, current_app, make_response
from sqlalchemy.exc import SQLAlchemyError

from blueprints._guards import public
from blueprints.ops import ops
from portal.extensions import db
from portal.stripe_portal.modes import contradictions

log = logging.getLogger("portal.ops")


@ops.get("/healthz")
@public
def healthz() -> Response:
    """The process answers."""
    return make_response({"status": "ok"})


@ops.get("/readyz")
@public
def readyz() -> Response:
    """The database answers, its schema is the one this code was written for, and live is not mixed with test."""
    try:
        present = MigrationContext.configure(db.session.connection()).get_current_heads()
    except SQLAlchemyError:
        log.exception("the database does not answer")
        return make_response({"status": "not ready", "reason": "the database does not answer"}, 503)
    expected = ScriptDirectory(current_app.extensions["migrate"].directory).get_heads()
    if set(present) != set(expected):
        return make_response(
            {"status": "not ready", "reason": "migrations are not at head; run flask db upgrade"}, 503
        )
    if wrong := contradictions():
        return make_response({"status": "not ready", "reason": " ".join(wrong)}, 503)
    return make_response({"status": "ok"})
