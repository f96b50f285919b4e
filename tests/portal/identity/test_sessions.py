"""A session is good until it is ended, idle, too old, or its user is disabled."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from portal.actor import Origin
from portal.extensions import db
from portal.identity import sessions
from portal.identity.models import Membership, Organization, User, UserSession
from portal.identity.sessions import (
    CUSTOMER_IDLE,
    CUSTOMER_LIFETIME,
    STAFF_IDLE,
    STAFF_LIFETIME,
    find_session,
)
from portal.kit.clock import utcnow
from portal.kit.tokens import digest
from portal.permissions import Role
from portal.team.service import remove_member
from tests.factories import World, add_member

SECOND = timedelta(seconds=5)


def start(email: str) -> str:
    user = db.session.scalars(db.select(User).where(User.email == email)).one()
    token = sessions.start_session(user, Origin("203.0.113.9", "Firefox"))
    db.session.commit()
    return token


def change(**values: Any) -> None:
    db.session.execute(update(UserSession).values(**values))
    db.session.commit()


def test_only_the_hash_is_kept(world: World) -> None:
    token = start("owner@acme.example")
    row = db.session.scalars(db.select(UserSession)).one()
    assert row.token_hash == digest(token)
    assert token not in [str(getattr(row, column.key)) for column in UserSession.__table__.columns]


def test_a_session_says_who_and_where(world: World) -> None:
    found = find_session(start("admin@acme.example"))
    assert found is not None
    assert (found.user_id, found.role) == (world.acme.users[Role.ADMIN], Role.ADMIN)
    assert (found.organization_id, found.memberships_count) == (world.acme.organization_id, 1)


def test_an_unknown_token_is_nobodys(world: World) -> None:
    token = start("owner@acme.example")
    assert find_session(token[:-1]) is None
    assert find_session("") is None
    assert find_session(digest(token)) is None


def test_an_ended_session_is_dead_and_others_live(world: World) -> None:
    first, second = start("owner@acme.example"), start("owner@acme.example")
    sessions.end_session(digest(first))
    db.session.commit()
    assert find_session(first) is None
    assert find_session(second) is not None


@pytest.mark.parametrize(
    ("email", "idle", "lifetime"),
    [
        ("owner@acme.example", CUSTOMER_IDLE, CUSTOMER_LIFETIME),
        ("support@portal.example", STAFF_IDLE, STAFF_LIFETIME),
    ],
)
def test_idle_and_old_sessions_end(world: World, email: str, idle: timedelta, lifetime: timedelta) -> None:
    token = start(email)
    row = db.session.scalars(db.select(UserSession)).one()
    assert abs(row.expires_at - row.created_at - lifetime) < SECOND
    change(last_seen_at=utcnow() - idle + SECOND)
    assert find_session(token) is not None
    change(last_seen_at=utcnow() - idle - SECOND)
    assert find_session(token) is None
    change(last_seen_at=utcnow(), expires_at=utcnow() - SECOND)
    assert find_session(token) is None


def test_staff_limits_are_those_of_the_requirements() -> None:
    assert timedelta(minutes=30) >= STAFF_IDLE
    assert timedelta(hours=12) >= STAFF_LIFETIME
    assert timedelta(days=30) >= CUSTOMER_LIFETIME


def test_a_disabled_user_has_no_session(world: World) -> None:
    tokens = [start("owner@acme.example") for _ in range(3)]
    db.session.execute(update(User).where(User.email == "owner@acme.example").values(disabled_at=utcnow()))
    db.session.commit()
    assert [find_session(token) for token in tokens] == [None] * 3


def test_touching_moves_the_idle_end_but_not_the_last(world: World) -> None:
    token = start("owner@acme.example")
    change(last_seen_at=utcnow() - timedelta(days=6))
    before = db.session.scalars(db.select(UserSession)).one().expires_at
    db.session.rollback()
    sessions.touch_session(digest(token))
    db.session.expire_all()
    row = db.session.scalars(db.select(UserSession)).one()
    assert utcnow() - row.last_seen_at < SECOND
    assert row.expires_at == before


def join_globex(world: World, role: Role = Role.ADMIN) -> None:
    organization = db.session.get_one(Organization, world.globex.organization_id)
    add_member(organization, db.session.get_one(User, world.acme.users[Role.MEMBER]), role)
    db.session.commit()


def test_switching_changes_organization_and_role_of_this_session_only(world: World) -> None:
    join_globex(world)
    here, there = start("member@acme.example"), start("member@acme.example")
    sessions.switch_organization(digest(there), world.globex.organization_id)
    db.session.commit()
    first, second = find_session(here), find_session(there)
    assert first is not None
    assert second is not None
    assert (first.organization_id, first.role) == (world.acme.organization_id, Role.MEMBER)
    assert (second.organization_id, second.role) == (world.globex.organization_id, Role.ADMIN)
    assert second.memberships_count == 2


def test_a_new_session_opens_where_the_last_one_was(world: World) -> None:
    join_globex(world)
    assert find_session(start("member@acme.example")).organization_id == world.acme.organization_id  # type: ignore[union-attr]
    change(organization_id=world.globex.organization_id)
    assert find_session(start("member@acme.example")).organization_id == world.globex.organization_id  # type: ignore[union-attr]


def test_who_is_removed_looks_at_another_organization_or_at_none(world: World) -> None:
    join_globex(world)
    both, single = start("member@acme.example"), start("viewer@acme.example")
    for role in (Role.MEMBER, Role.VIEWER):
        remove_member(world.acme.actor(), world.acme.members[role])
    db.session.commit()
    found, nowhere = find_session(both), find_session(single)
    assert found is not None
    assert nowhere is not None
    assert found.organization_id == world.globex.organization_id
    assert (nowhere.organization_id, nowhere.role) == (None, None)


def test_a_membership_that_is_gone_gives_no_role_even_if_the_session_still_names_it(world: World) -> None:
    token = start("viewer@acme.example")
    db.session.execute(db.delete(Membership).where(Membership.id == world.acme.members[Role.VIEWER]))
    db.session.commit()
    found = find_session(token)
    assert found is not None
    assert (found.organization_id, found.role) == (None, None)


def test_only_sessions_that_ended_long_ago_are_forgotten(world: World) -> None:
    start("owner@acme.example")
    change(revoked_at=utcnow() - timedelta(days=40))
    start("admin@acme.example")
    assert sessions.delete_ended_sessions(utcnow() - timedelta(days=30)) == 1
    assert len(db.session.scalars(db.select(UserSession)).all()) == 1
