"""People choose what they are told, as whole forms; what protects them stays on; everything is in the log."""

import threading
from dataclasses import replace

import pytest
from flask import Flask

from portal.actor import ActorKind
from portal.audit.models import AuditEntry
from portal.errors import ForbiddenError, InvalidInputError
from portal.extensions import db
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.models import Audience, Channel, Digest, NotificationPreference, UserChannel
from portal.notifications.preferences import (
    digest_of,
    events_for,
    preferences_of,
    set_preferences,
    set_slack_subscriptions,
    slack_subscriptions,
)
from portal.permissions import Role
from tests.factories import World
from tests.fakes import FakeSlack
from tests.portal.notifications.telling import mailed, notified, outsider, staff_actor, tell

EMAIL, IN_APP = UserChannel.EMAIL, UserChannel.IN_APP
BOTH, NOTHING = frozenset(UserChannel), frozenset[UserChannel]()
STAFF_ONLY = {event for event, entry in CATALOGUE.items() if entry.is_staff_only}
CUSTOMER, STAFF = Audience.CUSTOMER, Audience.STAFF


def entries() -> list[AuditEntry]:
    return list(db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.id)))


def test_without_a_choice_the_catalogue_holds(world: World) -> None:
    user_id = world.acme.users[Role.OWNER]
    assert preferences_of(user_id, CUSTOMER) == {
        event: entry.defaults for event, entry in CATALOGUE.items() if not entry.is_staff_only
    }
    assert {event for event, channels in preferences_of(user_id, STAFF).items() if channels} == STAFF_ONLY
    assert digest_of(user_id) is Digest.NONE


def test_a_choice_is_kept_told_by_and_in_the_log(world: World) -> None:
    owner = world.acme.actor()
    wanted = {Event.CARD_CHANGED: frozenset({EMAIL}), Event.PLAN_CHANGED: BOTH, Event.INVITATION_SENT: BOTH}
    set_preferences(owner, CUSTOMER, wanted, Digest.DAILY)
    db.session.commit()
    assert owner.id is not None
    found = preferences_of(owner.id, CUSTOMER)
    assert {event: found[event] for event in wanted} == wanted
    assert digest_of(owner.id) is Digest.DAILY
    (entry,) = entries()
    assert (entry.action, entry.entity_id, entry.organization_id) == (
        "notification:preference:changed",
        owner.id,
        world.acme.organization_id,
    )
    assert entry.before == {
        "Card changed in the portal": True,
        "Invitation sent by email": False,
        "Daily digest": False,
    }
    assert entry.after == {
        "Card changed in the portal": False,
        "Invitation sent by email": True,
        "Daily digest": True,
    }
    tell(Event.CARD_CHANGED, outsider(world.acme))
    assert ("owner@acme.example" in mailed(), "owner@acme.example" in notified()) == (True, False)


def test_the_same_choice_again_writes_nothing(world: World) -> None:
    owner = world.acme.actor()
    set_preferences(owner, CUSTOMER, {Event.CARD_CHANGED: BOTH, Event.NEW_DEVICE: BOTH}, Digest.NONE)
    assert entries() == []
    assert db.session.scalars(db.select(NotificationPreference)).all() == []
    for _ in range(2):
        set_preferences(owner, CUSTOMER, {Event.CARD_CHANGED: NOTHING}, Digest.DAILY)
    assert len(entries()) == 1


def test_what_is_not_in_the_form_stays(world: World) -> None:
    owner = world.acme.actor()
    set_preferences(owner, CUSTOMER, {Event.CARD_CHANGED: NOTHING}, Digest.DAILY)
    set_preferences(owner, CUSTOMER, {Event.PLAN_CHANGED: NOTHING})
    found = preferences_of(str(owner.id), CUSTOMER)
    assert (found[Event.CARD_CHANGED], found[Event.PLAN_CHANGED]) == (NOTHING, NOTHING)
    assert digest_of(str(owner.id)) is Digest.DAILY


@pytest.mark.parametrize("channels", [NOTHING, frozenset({EMAIL}), frozenset({IN_APP})])
def test_what_is_locked_is_refused_by_name_and_nothing_else_is_saved(
    world: World, channels: frozenset[UserChannel]
) -> None:
    for event, entry in CATALOGUE.items():
        if not entry.is_locked:
            continue
        with pytest.raises(InvalidInputError, match=entry.label) as refusal:
            set_preferences(
                world.acme.actor(), CUSTOMER, {Event.CARD_CHANGED: NOTHING, event: channels}, Digest.DAILY
            )
        assert refusal.value.field == event
        assert entry.locked_reason in refusal.value.message
    assert entries() == []
    assert digest_of(world.acme.users[Role.OWNER]) is Digest.NONE


def test_choices_are_the_persons_own(world: World) -> None:
    set_preferences(world.acme.actor(), CUSTOMER, {Event.CARD_CHANGED: NOTHING})
    for tenant in (world.acme, world.globex):
        for role in (Role.ADMIN, Role.BILLING):
            assert preferences_of(tenant.users[role], CUSTOMER)[Event.CARD_CHANGED] == BOTH


def test_staff_subscribe_each_for_themselves(world: World) -> None:
    support = staff_actor(world.support_email)
    set_preferences(support, STAFF, {Event.OWNERSHIP_CHANGED: frozenset({EMAIL})})
    set_preferences(support, STAFF, {Event.PLAN_CHANGED: BOTH})
    set_preferences(support, STAFF, {Event.OWNERSHIP_CHANGED: NOTHING})
    found = preferences_of(str(support.id), STAFF)
    assert {event for event, channels in found.items() if channels} == {Event.PLAN_CHANGED, *STAFF_ONLY}
    assert preferences_of(str(support.id), CUSTOMER)[Event.PLAN_CHANGED] == BOTH
    other = staff_actor(world.lead_email)
    kept = preferences_of(str(other.id), STAFF)
    assert {event for event, channels in kept.items() if channels} == STAFF_ONLY


def test_customers_cannot_subscribe_as_staff(world: World) -> None:
    with pytest.raises(ForbiddenError):
        set_preferences(world.acme.actor(), STAFF, {Event.PLAN_CHANGED: BOTH})


def test_nobody_is_told_of_a_strangers_account(world: World) -> None:
    assert set(events_for(STAFF)) == {event for event, entry in CATALOGUE.items() if entry.is_for_staff}
    with pytest.raises(InvalidInputError) as refusal:
        set_preferences(staff_actor(world.support_email), STAFF, {Event.PASSWORD_CHANGED: BOTH})
    assert refusal.value.field == Event.PASSWORD_CHANGED


@pytest.mark.parametrize("kind", [ActorKind.KEY, ActorKind.SYSTEM, ActorKind.STRIPE])
def test_only_people_choose(world: World, kind: ActorKind) -> None:
    with pytest.raises(ForbiddenError):
        set_preferences(replace(world.acme.actor(), kind=kind), CUSTOMER, {Event.CARD_CHANGED: NOTHING})


def test_two_forms_of_one_person_at_once_are_saved_one_after_the_other(app: Flask, world: World) -> None:
    owner = world.acme.actor()
    start = threading.Barrier(2, timeout=20)
    failed: list[BaseException] = []

    def save(channels: frozenset[UserChannel]) -> None:
        with app.app_context():
            try:
                start.wait()
                set_preferences(
                    owner, CUSTOMER, dict.fromkeys((Event.CARD_CHANGED, Event.PLAN_CHANGED), channels)
                )
                db.session.commit()
            except Exception as error:  # noqa: BLE001
                failed.append(error)

    threads = [threading.Thread(target=save, args=(it,)) for it in (NOTHING, frozenset({EMAIL}))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert failed == []
    found = preferences_of(str(owner.id), CUSTOMER)
    assert found[Event.CARD_CHANGED] == found[Event.PLAN_CHANGED]


def test_leads_choose_what_the_team_is_told_in_slack(world: World, slack: FakeSlack) -> None:
    by_default = slack_subscriptions()
    assert by_default[Event.PAYMENT_FAILED]
    assert not by_default[Event.MEMBER_ADDED]
    lead = staff_actor(world.lead_email)
    wanted = {Event.PAYMENT_FAILED: False, Event.MEMBER_ADDED: True, Event.PLAN_CHANGED: True}
    for _ in range(2):
        set_slack_subscriptions(lead, wanted)
    db.session.commit()
    assert slack_subscriptions() == {**by_default, **wanted}
    (entry,) = entries()
    assert (entry.action, entry.before, entry.after) == (
        "notification:slack:changed",
        {"Payment failed": True, "Member joined": False},
        {"Payment failed": False, "Member joined": True},
    )
    tell(Event.PAYMENT_FAILED, outsider(world.acme))
    tell(Event.MEMBER_ADDED, outsider(world.acme))
    assert mailed(Channel.SLACK) == ["team"]


def test_nobody_but_a_lead_chooses_for_slack(world: World) -> None:
    for actor in (staff_actor(world.support_email), world.acme.actor()):
        with pytest.raises(ForbiddenError):
            set_slack_subscriptions(actor, {Event.PAYMENT_FAILED: False})
    with pytest.raises(InvalidInputError):
        set_slack_subscriptions(staff_actor(world.lead_email), {Event.NEW_DEVICE: True})
