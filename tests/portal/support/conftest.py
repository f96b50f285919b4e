"""One of each thing, and the staff as actors."""

from dataclasses import dataclass

import pytest

from portal.actor import Actor, ActorKind
from portal.identity.queries import user_by_email
from portal.permissions import StaffRole
from tests.blueprints.things import Things, make_things
from tests.factories import World, make_user

REASON = "Ticket 4711: they asked for it"


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
