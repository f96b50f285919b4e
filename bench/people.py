"""Fills a database: one organization of 25, one of 10,000, and a signed-in owner of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, text

from bench.floor import RECEIVED
from bench.log import write_log
from bench.rig import ENVIRONMENT
from bench.writes import add_companies
from demo.story import ACME, ACME_PEOPLE
from portal.actor import Actor, ActorKind, Origin
from portal.config import load_settings
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.identity.sessions import start_session
from portal.kit.clock import utcnow
from portal.kit.paging import encode_cursor
from portal.kit.text import sort_key
from portal.kit.tokens import new_id
from portal.permissions import Role
from portal.team.invitations import invite_member
from portal.team.queries import PAGE_SIZE
from wsgi import create_app

MANY = 10_000
FIRST_NAMES = ("Ada", "Bola", "Chen", "Dana", "Emre", "Fay", "Goran", "Hana", "Ivo", "Jun")
LAST_NAMES = ("Abbey", "Brook", "Castle", "Dale", "Elm", "Ford", "Grove", "Hill", "Inglis", "Jetty")


@dataclass(frozen=True, slots=True)
class People:
    """What the measured addresses need: the owners' tokens, an id, cursors deep in the member list and in the log."""

    owner_id: str
    token: str
    token_of_many: str
    deep_cursor: str
    log_cursor: str


@contextmanager
def application(database_url: str) -> Iterator[Flask]:
    """The portal in this process. Requests want no context around them: `g` would leak from one to the next."""
    values = {name.lower(): value for name, value in ENVIRONMENT.items()}
    app = create_app(load_settings(**values, database_url=database_url, log_level="WARNING"))
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def fill(database_url: str) -> People:
    """Migrate the database and put everybody in; commits."""
    with application(database_url) as app, app.app_context():
        upgrade()
        RECEIVED.create(db.engine)
        few = [(person.name, person.email, person.role) for person in ACME_PEOPLE]
        owner, organization = _organization(ACME, few)
        add_companies()
        actor = Actor(ActorKind.USER, owner.id, owner.name, organization.id, Role.OWNER, owner.email)
        invite_member(actor, "zoe.martin@acme.example", Role.MEMBER)
        owner_of_many, many = _organization("Many", [*_many()])
        origin = Origin("127.0.0.1", "bench")
        token, token_of_many = start_session(owner, origin), start_session(owner_of_many, origin)
        log_cursor = write_log(
            Actor(ActorKind.USER, owner_of_many.id, owner_of_many.name, many.id, Role.OWNER, origin=origin)
        )
        people = People(owner.id, token, token_of_many, _deep_cursor(), log_cursor)
        db.session.commit()
        if db.engine.dialect.name == "postgresql":  # where it runs for long, autovacuum does this
            with db.engine.begin() as connection:
                connection.execute(text("ANALYZE"))
        return people


def _many() -> Iterator[tuple[str, str, Role]]:
    for number in range(MANY):
        name = f"{FIRST_NAMES[number % 10]} {LAST_NAMES[number // 10 % 10]} {number:05d}"
        yield name, f"person{number}@many.example", Role.MEMBER if number else Role.OWNER


def _organization(name: str, people: list[tuple[str, str, Role]]) -> tuple[User, Organization]:
    """An organization and its members; the first of them is given back."""
    organization = Organization(id=new_id("org"), name=name, billing_email="billing@many.example")
    db.session.add(organization)
    db.session.flush()
    now = utcnow()
    users = [(new_id("usr"), *person) for person in people]
    db.session.execute(
        insert(User), [{"id": id_, "name": name, "email": email} for id_, name, email, _ in users]
    )
    members = [
        {
            "organization_id": organization.id,
            "user_id": id_,
            "role": role,
            "sort_name": sort_key(name),
            "created_at": now - number * timedelta(hours=7, minutes=11),
        }
        for number, (id_, name, _, role) in enumerate(users)
    ]
    db.session.execute(insert(Membership), members)
    return db.session.get_one(User, users[0][0]), organization


def _deep_cursor() -> str:
    """The cursor of the last page but one of the long list."""
    names = sorted(sort_key(name) for name, _, _ in _many())
    return encode_cursor((names[-2 * PAGE_SIZE], ""))
