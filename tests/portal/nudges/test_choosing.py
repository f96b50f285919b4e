"""Who is told: people who can do today what they wrote about, and have not done it since."""

from collections.abc import Callable

import pytest

from portal.actor import Origin
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.inbox.models import InboxTicket
from portal.inbox.reasons import all_reasons
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id
from portal.notifications.events import Event
from portal.notifications.models import Audience
from portal.notifications.unsubscribing import unsubscribe, unsubscribe_token
from portal.nudges.choosing import DONE_IN_PART
from portal.nudges.groups import drawn_group
from portal.nudges.models import NudgeGroup
from portal.nudges.service import foresee, send_nudges
from portal.nudges.words import WORDS
from portal.permissions import Role, StaffRole
from portal.rollout.hashing import is_within
from portal.rollout.models import ScreenFlag, ScreenFlagOrganization
from portal.scope.screens import SCREENS_BY_NAME
from tests.factories import Tenant, World, make_contract
from tests.portal.nudges.writing import DAY, announced, nudges, used, wrote


def told(world: World) -> list[str]:
    """The screens that people of Acme are told of; running it foresees exactly what it does."""
    foreseen = foresee(utcnow())
    db.session.rollback()
    assert foreseen == send_nudges(utcnow())
    return [nudge.screen for nudge in nudges()]


def change(world: World, **values: object) -> None:
    db.session.execute(db.update(User).where(User.id == world.acme.users[Role.ADMIN]).values(**values))


def close(acme: Tenant) -> None:
    db.session.add(ScreenFlagOrganization(organization_id=acme.organization_id, screen="team", is_on=False))


def switch_mail_off(acme: Tenant) -> None:
    user_id = acme.users[Role.ADMIN]
    token = unsubscribe_token(user_id, Audience.CUSTOMER, Event.SCREEN_CAN_DO_IT.value)
    unsubscribe(token, Origin())


def leave(acme: Tenant) -> None:
    db.session.delete(db.session.get_one(Membership, acme.members[Role.ADMIN]))


REFUSALS: dict[str, Callable[[World], object]] = {
    "switched off for their organization": lambda world: close(world.acme),
    "used since they wrote": lambda world: used(world.acme, Role.ADMIN, "team", utcnow() - DAY),
    "unsubscribed": lambda world: switch_mail_off(world.acme),
    "left the organization": lambda world: leave(world.acme),
    "disabled": lambda world: change(world, disabled_at=utcnow()),
    "staff": lambda world: change(world, staff_role=StaffRole.SUPPORT),
    "lost the role for it": lambda world: db.session.execute(
        db.update(Membership).where(Membership.id == world.acme.members[Role.ADMIN]).values(role=Role.VIEWER)
    ),
    "settled to another reason": lambda world: db.session.execute(
        db.update(InboxTicket).values(reason="bug_report")
    ),
    "settled to another person": lambda world: db.session.execute(
        db.update(InboxTicket).values(user_id=world.globex.users[Role.ADMIN])
    ),
    "found unclear": lambda world: db.session.execute(db.update(InboxTicket).values(is_unclear=True)),
}


def test_somebody_who_can_do_it_now_is_told(world: World) -> None:
    wrote(world.acme, Role.ADMIN, "team_invite", days_ago=20)
    used(world.acme, Role.ADMIN, "team", utcnow() - 21 * DAY)
    assert told(world) == ["team"]
    assert announced() == [[world.acme.users[Role.ADMIN]]]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_nothing_is_decided_about_who_cannot_or_does_not_want_to(world: World, refusal: str) -> None:
    wrote(world.acme, Role.ADMIN, "team_invite")
    REFUSALS[refusal](world)
    db.session.commit()
    assert told(world) == []


@pytest.mark.parametrize("refusal", REFUSALS)
def test_who_was_decided_about_is_not_mailed_when_it_holds_no_longer(
    world: World, refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote(world.acme, Role.ADMIN, "team_invite")
    with monkeypatch.context() as broken:
        broken.setattr("portal.nudges.service.unmailed", lambda _now: [])
        send_nudges(utcnow())
    REFUSALS[refusal](world)
    db.session.commit()
    assert told(world) == ["team"]
    assert (announced(), nudges()[0].mailed_at) == ([], None)


def test_contract_customers_are_told_of_what_their_contract_leaves_to_them(world: World) -> None:
    for tenant in (world.acme, world.globex):
        for reason in ("payment_method", "plan_change", "plan_cancel"):
            wrote(tenant, Role.OWNER, reason)
    db.session.execute(db.update(Organization).values(stripe_customer_id=Organization.id))
    make_contract(world.globex.organization_id)
    send_nudges(utcnow())
    assert [nudge.organization_id for nudge in nudges()] == [world.acme.organization_id]
    wrote(world.globex, Role.OWNER, "billing_details")
    send_nudges(utcnow())
    assert [nudge.reason for nudge in nudges()][1:] == ["billing_details"]


def test_roles_limit_what_somebody_is_told_of(world: World) -> None:
    for role in Role:
        for reason in ("billing_details", "usage_limits", "ownership_transfer", "api_keys"):
            wrote(world.acme, role, reason)
    send_nudges(utcnow())
    names = {world.acme.users[role]: role for role in Role}
    found = {(names[nudge.user_id], nudge.screen) for nudge in nudges()}
    billing = {(role, "billing") for role in (Role.OWNER, Role.ADMIN, Role.BILLING)}
    keys = {(role, "api-keys") for role in (Role.OWNER, Role.ADMIN, Role.MEMBER)}
    assert found == billing | keys | {(role, "usage") for role in Role} | {(Role.OWNER, "team")}


def test_old_tickets_and_what_no_screen_does_whole_are_left_alone(world: World) -> None:
    wrote(world.acme, Role.OWNER, "usage_limits", days_ago=181)
    for reason in ("refund", "other", *DONE_IN_PART):
        wrote(world.acme, Role.OWNER, reason)
    wrote(world.acme, Role.OWNER, "api_keys", is_unclear=True)
    assert told(world) == []


def test_without_the_tickets_organization_one_is_found_where_it_is_open(world: World) -> None:
    """A person of two organizations, whose ticket says none: never the one that the screen is closed to."""
    user_id = world.acme.users[Role.ADMIN]
    member = db.session.get_one(Membership, world.globex.members[Role.ADMIN])
    member.user_id = user_id
    closed, left = sorted((world.acme.organization_id, world.globex.organization_id))
    db.session.add(ScreenFlagOrganization(organization_id=closed, screen="team", is_on=False))
    wrote(world.acme, Role.ADMIN, "team_invite", organization_id=None)
    send_nudges(utcnow())
    assert [nudge.organization_id for nudge in nudges()] == [left]


def test_a_screen_opened_to_a_percentage_is_told_of_within_it(world: World) -> None:
    tenants = (world.acme, world.globex)
    inside = [tenant for tenant in tenants if is_within(50, "usage", tenant.organization_id)]
    db.session.add(ScreenFlag(screen="usage", percent=50))
    for tenant in tenants:
        wrote(tenant, Role.OWNER, "usage_limits")
    send_nudges(utcnow())
    found = {nudge.organization_id for nudge in nudges()}
    assert found == {tenant.organization_id for tenant in inside}


def test_the_control_group_is_a_tenth_and_drawn_apart_from_the_flags() -> None:
    people = [new_id("usr") for _ in range(20_000)]
    control = [each for each in people if drawn_group(each) is NudgeGroup.CONTROL]
    assert control == [each for each in people if drawn_group(each) is NudgeGroup.CONTROL]
    assert 0.09 < len(control) / len(people) < 0.11
    both = [each for each in control if is_within(50, "usage", each)]
    assert 0.44 < len(both) / len(control) < 0.56
    assert drawn_group("usr_1") is NudgeGroup.NUDGED
    assert drawn_group("usr_2") is NudgeGroup.CONTROL


def test_every_reason_that_is_told_of_has_words_and_a_screen() -> None:
    opening = {key for key, reason in all_reasons().items() if reason.opens}
    assert opening - DONE_IN_PART == WORDS.keys()
    assert {all_reasons()[key].opens for key in opening} <= SCREENS_BY_NAME.keys()
