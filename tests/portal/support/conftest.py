"""One of each thing, and the staff as actors."""

from dataclasses import dataclass

import pytest

from portal.actor import Actor, ActorKind, Origin
from portal.extensions import db
from portal.identity.models import SecondFactor, User
from portal.identity.queries import user_by_email
from portal.identity.sessions import start_session
from portal.permissions import Role, StaffRole
from tests.blueprints.things import Things, make_things
from tests.factories import World, make_user

REASON = "Ticket 4711: they asked for it"
ORIGIN = Origin("203.0.113.9", "Browser", "req_1")


@dataclass(frozen=True)
class Staff:
    """Somebody who reads, and two who also write."""

    support: Actor
    lead: Actor
    other_lead: Actor


@pytest.fixture
def acme(world: World) -> Things:
    """Acme's things."""
    return make_things(world.acme)


@pytest.fixture
def globex(world: World) -> Things:
    """Globex's things."""
    return make_things(world.globex)


@pytest.fixture
def staff(world: World) -> Staff:
    """Staff who act in Acme."""
    make_user("second@portal.example", "Second Lead", StaffRole.LEAD)
    emails = (world.support_email, world.lead_email, "second@portal.example")
    return Staff(*(actor(email, world.acme.organization_id) for email in emails))


def actor(email: str, organization_id: str) -> Actor:
    """The actor of a staff page."""
    user = user_by_email(email)
    assert user is not None
    return Actor(
        ActorKind.STAFF, user.id, user.name, organization_id, email=user.email, staff_role=user.staff_role
    )


@pytest.fixture
def locked_out(world: World) -> str:
    """The viewer of Acme, who has a second factor and is signed in somewhere; their member id."""
    user = db.session.get_one(User, world.acme.users[Role.VIEWER])
    db.session.add(SecondFactor(user_id=user.id, secret="sealed"))
    start_session(user, ORIGIN)
    db.session.commit()
    return world.acme.members[Role.VIEWER]
