"""What tests of the log's pages share: a small history, and what a page says of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from portal.actor import Actor, ActorKind, Origin, stripe_actor, system_actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.extensions import db
from portal.permissions import Role
from tests.blueprints.web import Browser
from tests.factories import World

OWNER, GLOBEX, STAFF = "owner@acme.example", "owner@globex.example", "support@portal.example"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ITEM = re.compile(r'<div class="timeline__text">(.*?)</div>', re.DOTALL)


@pytest.fixture
def logged(app: Flask, world: World) -> World:
    """A small history of Acme, a day between any two, and one row of Globex."""
    with app.app_context():
        owner, admin = world.acme.actor(), world.acme.actor(Role.ADMIN)
        organization = world.acme.organization_id
        staff = Actor(ActorKind.STAFF, "usr_staff", "Sam Support", organization, origin=Origin("192.0.2.9"))
        key = Actor(ActorKind.KEY, "key_1", "Nightly", organization)
        moments = [
            (owner, Action.API_KEY_CREATED, "=1+1", None),
            (admin, Action.INVITATION_SENT, "guest@acme.example", None),
            (stripe_actor(organization), Action.INVOICE_ISSUED, "A-1", None),
            (staff, Action.INVITATION_RESENT, "guest@acme.example", "They asked on the phone"),
            (key, Action.API_KEY_REVOKED, "Old key", None),
            (system_actor(organization), Action.ORGANIZATION_OPENED, "Acme", None),
            (owner, Action.MEMBER_ROLE_CHANGED, "Ben", None),
        ]
        for day, (actor, action, name, reason) in enumerate(moments):
            change = Change("thing", f"t{day}", name, {"role": "member"}, {"role": "admin"})
            record(actor, action, change, reason=reason, happened_at=START + timedelta(days=day))
        record(world.globex.actor(), Action.API_KEY_CREATED, Change("thing", "g", "Globex secret"))
        db.session.commit()
    return world


def items(text: str) -> list[str]:
    """What each row says, without markup."""
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in ITEM.findall(text)]


def as_query(query: dict[str, str]) -> str:
    """`from` is a word of Python: it is written `from_`."""
    return "&".join(f"{name.removesuffix('_')}={value}" for name, value in query.items())


def find(browser: Browser, path: str = "/account/activity", **query: str) -> list[str]:
    return items(see(browser, path, **query))


def see(browser: Browser, path: str = "/account/activity", *, status: int = 200, **query: str) -> str:
    address = f"{path}?{as_query(query)}"
    answer = browser.send("GET", address)
    assert answer.status_code == status, address
    return answer.text
