"""Rules of the team's verbs."""

import pytest

from portal.audit.models import AuditEntry
from portal.errors import ForbiddenError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.identity.models import Membership
from portal.notifications.models import Channel, OutboxMessage
from portal.permissions import Role
from portal.team import service
from tests.factories import World


def test_a_role_change_writes_the_row_the_log_and_the_event_together(world: World) -> None:
    service.change_member_role(world.acme.actor(), world.acme.members[Role.MEMBER], Role.ADMIN)
    db.session.commit()
    member = db.session.get_one(Membership, world.acme.members[Role.MEMBER])
    entry = db.session.scalars(db.select(AuditEntry)).one()
    event = db.session.scalars(db.select(OutboxMessage)).one()
    assert member.role == Role.ADMIN
    assert (entry.action, entry.before, entry.after) == (
        "member:role:changed",
        {"role": "member"},
        {"role": "admin"},
    )
    assert (event.channel, event.topic) == (Channel.EVENT, "member-role-changed")
    assert event.payload["about"] == [world.acme.users[Role.MEMBER]]


def test_last_owner_cannot_be_demoted(world: World) -> None:
    with pytest.raises(service.LastOwnerError):
        service.change_member_role(world.acme.actor(), world.acme.members[Role.OWNER], Role.MEMBER)


def test_last_owner_cannot_leave(world: World) -> None:
    with pytest.raises(service.LastOwnerError):
        service.remove_member(world.acme.actor(), world.acme.members[Role.OWNER])


def test_an_admin_can_neither_make_nor_touch_an_owner(world: World) -> None:
    admin = world.acme.actor(Role.ADMIN)
    with pytest.raises(ForbiddenError):
        service.change_member_role(admin, world.acme.members[Role.MEMBER], Role.OWNER)
    with pytest.raises(ForbiddenError):
        service.remove_member(admin, world.acme.members[Role.OWNER])


def test_nobody_but_an_owner_changes_their_own_role(world: World) -> None:
    with pytest.raises(InvalidInputError):
        service.change_member_role(world.acme.actor(Role.ADMIN), world.acme.members[Role.ADMIN], Role.MEMBER)


def test_another_tenants_member_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        service.change_member_role(world.acme.actor(), world.globex.members[Role.MEMBER], Role.ADMIN)


def test_a_role_that_changed_since_the_page_was_drawn_no_longer_counts(world: World) -> None:
    stale = world.acme.actor(Role.ADMIN)
    service.change_member_role(world.acme.actor(), world.acme.members[Role.ADMIN], Role.VIEWER)
    with pytest.raises(ForbiddenError):
        service.change_member_role(stale, world.acme.members[Role.MEMBER], Role.VIEWER)


def test_anybody_may_leave(world: World) -> None:
    service.remove_member(world.acme.actor(Role.VIEWER), world.acme.members[Role.VIEWER])
    assert db.session.get(Membership, world.acme.members[Role.VIEWER]) is None
