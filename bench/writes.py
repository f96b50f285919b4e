"""One update, alone and audited: what the audit row and the event cost the write that they belong to.

Every side runs on the floor's server, in a bare Flask view, with the portal's engine options and the same statement:

- `update`: the portal's session, the update of one organization's billing email, commit.
- `audited`: the same, and between update and commit `portal.audit.service.record` (masking, chain, hash) and
  `portal.notifications.events.announce` (one outbox row), which the session's journal writes with the commit.
- `bare`: the update in a transaction of the engine itself, without the session and its events.
"""

import secrets
from collections.abc import Iterator
from random import Random

from flask import Flask
from sqlalchemy import bindparam, insert, update

from bench.load import make_request
from bench.rig import ENVIRONMENT
from portal.actor import Actor, ActorKind, Origin
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.config import load_settings
from portal.extensions import db
from portal.identity.models import Organization
from portal.notifications.events import Event, announce
from portal.permissions import Role
from wsgi import build_services, flask_config

COMPANIES = 500
BUSY = "org_bench_busy"
BEFORE = "before@bench.example"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
UPDATE = (
    update(Organization)
    .where(Organization.id == bindparam("company"))
    .values(billing_email=bindparam("email"))
)


def company_id(number: int) -> str:
    """One of the organizations that nobody is a member of."""
    return f"org_bench_{number:05d}"


def add_companies() -> None:
    """In the caller's transaction."""
    rows = [
        {"id": id_, "name": "Bench", "billing_email": BEFORE}
        for id_ in (BUSY, *map(company_id, range(COMPANIES)))
    ]
    db.session.execute(insert(Organization), rows)


def add_writes(app: Flask, database_url: str) -> None:
    """Put the three views on a bare application."""
    values = {name.lower(): value for name, value in ENVIRONMENT.items()}
    settings = load_settings(**values, database_url=database_url)
    app.config.update(flask_config(settings))
    app.extensions["portal"] = build_services(settings)
    db.init_app(app)

    @app.post("/bare/<company>")
    def bare(company: str) -> tuple[str, int]:
        with db.engine.begin() as connection:
            connection.execute(UPDATE, {"company": company, "email": new_email()})
        return "", 204

    @app.post("/update/<company>")
    def plain(company: str) -> tuple[str, int]:
        db.session.connection().execute(UPDATE, {"company": company, "email": new_email()})
        db.session.commit()
        return "", 204

    @app.post("/audited/<company>")
    def audited(company: str) -> tuple[str, int]:
        email = new_email()
        db.session.connection().execute(UPDATE, {"company": company, "email": email})
        tell(company, email)
        db.session.commit()
        return "", 204


def tell(company: str, email: str) -> None:
    """What the portal leaves behind when somebody changes the billing email."""
    origin = Origin("203.0.113.7", AGENT, secrets.token_hex(11))
    actor = Actor(ActorKind.USER, "usr_bench", "Ada Abbey", company, Role.OWNER, "ada@bench.example", origin)
    change = Change("organization", company, "Bench", {"billing_email": BEFORE}, {"billing_email": email})
    record(actor, Action.BILLING_DETAILS_CHANGED, change)
    payload = {"organization": "Bench", "before": BEFORE, "after": email}
    announce(Event.BILLING_EMAIL_CHANGED, actor, payload, addresses=[BEFORE])


def new_email() -> str:
    """Never the one that is there: SQLite writes nothing where nothing changes."""
    return f"{secrets.token_hex(8)}@bench.example"


def unrelated(view: str) -> Iterator[bytes]:
    """Requests without end, each for another organization than the ones before it."""
    numbers = list(range(COMPANIES))
    Random(0).shuffle(numbers)
    requests = [make_request(f"/{view}/{company_id(number)}", method="POST") for number in numbers]
    while True:
        yield from requests


def one_busy(view: str) -> bytes:
    """A request for the one organization in which everything happens."""
    return make_request(f"/{view}/{BUSY}", method="POST")
