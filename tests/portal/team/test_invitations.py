"""An invitation is good once, for one address, for a week, until it is sent again or taken back."""

from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from portal.actor import Origin
from portal.errors import ConflictError, ForbiddenError, GoneError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.identity import passwords
from portal.identity.models import Membership, User
from portal.identity.passwords import verify_password
from portal.kit.clock import utcnow
from portal.kit.tokens import digest
from portal.notifications.models import OutboxMessage
from portal.permissions import Role
from portal.team import invitations
from portal.team.invitations import MAXIMUM_OPEN, invitation_token
from portal.team.models import Invitation
from tests.factories import World

GUEST = "guest@else.example"
GOOD = "a long enough password"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes its time on purpose; tests/portal/identity is about that."""
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def invite(world: World, email: str = GUEST, role: Role = Role.MEMBER) -> Invitation:
    sent = invitations.invite_member(world.acme.actor(), email, role)
    db.session.commit()
    return sent


def accept(token: str, name: str = "Gia Guest") -> User:
    return invitations.accept_as_new_user(token, name, GOOD, Origin())


def change(**values: Any) -> None:
    db.session.execute(update(Invitation).values(**values))
    db.session.commit()


def topics() -> list[str]:
    return list(db.session.scalars(db.select(OutboxMessage.topic).order_by(OutboxMessage.id)))


def refused(token: str) -> str:
    with pytest.raises(GoneError) as refusal:
        invitations.find_invitation(token)
    return refusal.value.message


def test_the_token_is_derived_and_only_its_hash_is_kept(world: World) -> None:
    sent = invite(world)
    token = invitation_token(sent.id, 1)
    kept = [str(getattr(sent, column.key)) for column in Invitation.__table__.columns]
    mail, event = db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id))
    assert sent.token_hash == digest(token)
    assert token not in kept
    assert token not in f"{mail.payload} {event.payload}"
    assert len(token) == 43
    assert invitation_token(sent.id, 1) == token != invitation_token(sent.id, 2)


def test_accepting_makes_the_account_and_the_membership(world: World) -> None:
    sent = invite(world, role=Role.VIEWER)
    user = accept(invitation_token(sent.id, 1))
    db.session.commit()
    member = db.session.scalars(db.select(Membership).where(Membership.user_id == user.id)).one()
    assert (user.email, user.name, member.role) == (GUEST, "Gia Guest", Role.VIEWER)
    assert member.organization_id == world.acme.organization_id
    assert verify_password(user.password_hash, GOOD)


def test_a_link_works_once(world: World) -> None:
    token = invitation_token(invite(world).id, 1)
    accept(token)
    db.session.commit()
    with pytest.raises(GoneError):
        accept(token)


def test_used_expired_revoked_superseded_and_unknown_links_answer_alike(world: World) -> None:
    sent = invite(world)
    token = invitation_token(sent.id, 1)
    words = {refused("unknown")}
    change(expires_at=utcnow() - timedelta(seconds=1))
    words.add(refused(token))
    change(expires_at=utcnow() + timedelta(days=1), revoked_at=utcnow())
    words.add(refused(token))
    change(revoked_at=None, accepted_at=utcnow())
    words.add(refused(token))
    change(accepted_at=None)
    invitations.resend_invitation(world.acme.actor(), sent.id)
    words.add(refused(token))
    assert len(words) == 1


def test_sending_again_gives_a_new_link_and_a_new_week(world: World) -> None:
    sent = invite(world)
    change(expires_at=utcnow() + timedelta(hours=1))
    invitations.resend_invitation(world.acme.actor(), sent.id)
    db.session.commit()
    found = invitations.find_invitation(invitation_token(sent.id, 2))
    assert found.expires_at > utcnow() + timedelta(days=6)
    assert topics() == ["invitation", "invitation-sent", "invitation"]


@pytest.mark.parametrize("verb", [invitations.resend_invitation, invitations.revoke_invitation])
def test_a_closed_invitation_is_neither_sent_again_nor_taken_back(world: World, verb: Any) -> None:
    sent = invite(world)
    change(revoked_at=utcnow())
    with pytest.raises(ConflictError):
        verb(world.acme.actor(), sent.id)


@pytest.mark.parametrize("verb", [invitations.resend_invitation, invitations.revoke_invitation])
def test_another_tenants_invitation_is_not_found(world: World, verb: Any) -> None:
    with pytest.raises(NotFoundError):
        verb(world.globex.actor(), invite(world).id)


def test_an_expired_address_can_be_invited_anew(world: World) -> None:
    invite(world)
    change(expires_at=utcnow() - timedelta(seconds=1))
    assert invite(world).sent_count == 1


def test_nobody_is_invited_twice_or_as_a_member(world: World) -> None:
    invite(world)
    with pytest.raises(ConflictError) as twice:
        invite(world, GUEST.upper())
    with pytest.raises(InvalidInputError) as member:
        invite(world, "VIEWER@acme.example")
    assert twice.value.field == member.value.field == "email"


def test_at_most_a_hundred_are_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAXIMUM_OPEN == 100
    monkeypatch.setattr(invitations, "MAXIMUM_OPEN", 3)
    for number in range(3):
        invite(world, f"guest{number}@else.example")
    with pytest.raises(ConflictError, match="There are 3 open"):
        invite(world, "one-more@else.example")
    invitations.invite_member(world.globex.actor(), "one-more@else.example", Role.MEMBER)


def test_only_owners_offer_ownership(world: World) -> None:
    admin = world.acme.actor(Role.ADMIN)
    with pytest.raises(ForbiddenError):
        invitations.invite_member(admin, GUEST, Role.OWNER)
    sent = invite(world, role=Role.OWNER)
    for verb in (invitations.resend_invitation, invitations.revoke_invitation):
        with pytest.raises(ForbiddenError):
            verb(admin, sent.id)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER, Role.BILLING])
def test_others_invite_nobody(world: World, role: Role) -> None:
    with pytest.raises(ForbiddenError):
        invitations.invite_member(world.acme.actor(role), GUEST, Role.VIEWER)


def test_an_inviter_who_lost_the_role_since_the_page_was_drawn_invites_nobody(world: World) -> None:
    stale = world.acme.actor(Role.ADMIN)
    member = db.session.get_one(Membership, world.acme.members[Role.ADMIN])
    member.role = Role.VIEWER
    db.session.commit()
    with pytest.raises(ForbiddenError):
        invitations.invite_member(stale, GUEST, Role.MEMBER)


def test_somebody_signed_in_as_another_cannot_take_it(world: World) -> None:
    token = invitation_token(invite(world).id, 1)
    other = db.session.get_one(User, world.globex.users[Role.MEMBER])
    with pytest.raises(ConflictError, match=r"guest@else\.example"):
        invitations.accept_as_user(token, other, Origin())
    assert invitations.find_invitation(token)


def test_whoever_has_an_account_joins_with_it(world: World) -> None:
    token = invitation_token(invite(world, "member@globex.example", Role.ADMIN).id, 1)
    user = db.session.get_one(User, world.globex.users[Role.MEMBER])
    with pytest.raises(ConflictError, match="Sign in"):
        accept(token)
    assert invitations.accept_as_user(token, user, Origin()).role == Role.ADMIN
    db.session.commit()
    assert len(db.session.scalars(db.select(Membership).where(Membership.user_id == user.id)).all()) == 2


def test_a_weak_password_leaves_the_link_good(world: World) -> None:
    token = invitation_token(invite(world).id, 1)
    with pytest.raises(InvalidInputError):
        invitations.accept_as_new_user(token, "Gia", "short", Origin())
    db.session.rollback()
    assert invitations.find_invitation(token)
