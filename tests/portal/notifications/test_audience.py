"""Who is told of each event, by which way, and nobody of another organization."""

from dataclasses import replace

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import insert, update

from portal.actor import Actor, ActorKind, Origin, system_actor
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.kit.clock import utcnow
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.entry import Group
from portal.notifications.events import Event
from portal.notifications.models import (
    Audience,
    Channel,
    Notification,
    NotificationPreference,
    OutboxMessage,
    OutboxStatus,
    UserChannel,
)
from portal.permissions import Role
from tests.factories import World, add_member, make_user
from tests.fakes import FakeSlack
from tests.portal.notifications.telling import BILLING_ADDRESS, mailed, messages, notified, outsider, tell

OWNER, ADMIN, BILLING = (f"{role}@acme.example" for role in ("owner", "admin", "billing"))
MEMBER, GONE = "member@acme.example", "old@acme.example"
BILLERS = {OWNER, ADMIN, BILLING}
STAFF = {"support@portal.example", "lead@portal.example"}
STAFF_ONLY = {event for event, entry in CATALOGUE.items() if entry.is_staff_only}
AUDIENCES: dict[Event, tuple[set[str], set[str]]] = {
    Event.MEMBER_ADDED: ({OWNER, ADMIN}, {OWNER, ADMIN}),
    Event.MEMBER_ROLE_CHANGED: ({OWNER, ADMIN, MEMBER}, {OWNER, ADMIN, MEMBER}),
    Event.MEMBER_REMOVED: ({OWNER, ADMIN, MEMBER}, {OWNER, ADMIN, MEMBER}),
    Event.INVITATION_SENT: (set(), {OWNER, ADMIN}),
    Event.OWNERSHIP_CHANGED: ({OWNER, MEMBER}, {OWNER, MEMBER}),
    Event.BILLING_EMAIL_CHANGED: ({OWNER, GONE, "money@acme.example"}, {OWNER}),
    Event.BILLING_DETAILS_CHANGED: ({*BILLERS, "money@acme.example"}, BILLERS),
    Event.CARD_CHANGED: (BILLERS, BILLERS),
    Event.PLAN_CHANGED: (BILLERS, BILLERS),
    Event.PAYMENT_FAILED: ({*BILLERS, "money@acme.example"}, BILLERS),
    Event.INVOICE_ISSUED: ({*BILLERS, "money@acme.example"}, BILLERS),
    Event.INVOICE_OVERDUE: ({*BILLERS, "money@acme.example"}, BILLERS),
    Event.INVOICE_PAID: ({*BILLERS, "money@acme.example"}, BILLERS),
    Event.INVOICE_CORRECTED: ({*BILLERS, "money@acme.example"}, BILLERS),
    Event.CONTRACT_DOCUMENTS_CHANGED: (BILLERS, BILLERS),
    Event.USAGE_ALERT: (BILLERS, BILLERS),
    Event.API_KEY_CREATED: ({OWNER, ADMIN}, {OWNER, ADMIN}),
    Event.API_KEY_ROTATED: ({OWNER, ADMIN}, {OWNER, ADMIN}),
    Event.API_KEY_REVOKED: ({OWNER, ADMIN}, {OWNER, ADMIN}),
    Event.API_KEY_LEAKED: ({OWNER, ADMIN}, {OWNER, ADMIN}),
    Event.API_KEY_EXPIRING: ({OWNER, ADMIN}, {OWNER, ADMIN}),
    Event.SCREEN_CAN_DO_IT: ({MEMBER}, {MEMBER}),
    Event.NEW_DEVICE: ({MEMBER}, {MEMBER}),
    Event.SECOND_FACTOR_CHANGED: ({MEMBER}, {MEMBER}),
    Event.EMAIL_CHANGED: ({MEMBER, GONE}, {MEMBER}),
    Event.PASSWORD_CHANGED: ({MEMBER}, {MEMBER}),
    Event.SESSIONS_ENDED: ({MEMBER}, {MEMBER}),
    Event.STAFF_VIEWED: ({OWNER}, {OWNER}),
    Event.RECOVERY_ASKED: ({MEMBER}, {MEMBER}),
    Event.RECOVERY_APPROVED: ({MEMBER}, {MEMBER}),
    Event.RECOVERY_ENDED: ({MEMBER}, {MEMBER}),
    **dict.fromkeys(STAFF_ONLY, (STAFF, STAFF)),
}
"""By mail, and in the portal; about the member, with an old address, and a billing address that is nobody's account."""
LOCKED = {
    *(Event.OWNERSHIP_CHANGED, Event.BILLING_EMAIL_CHANGED, Event.BILLING_DETAILS_CHANGED),
    *(Event.API_KEY_LEAKED, Event.STAFF_VIEWED, Event.NEW_DEVICE, Event.SECOND_FACTOR_CHANGED),
    *(Event.EMAIL_CHANGED, Event.PASSWORD_CHANGED, Event.SESSIONS_ENDED),
    *(Event.RECOVERY_ASKED, Event.RECOVERY_APPROVED, Event.RECOVERY_ENDED),
}


@pytest.fixture
def acme(world: World) -> World:
    """Acme with a billing address that is no person's."""
    db.session.get_one(Organization, world.acme.organization_id).billing_email = "money@acme.example"
    db.session.commit()
    return world


def about(world: World, event: Event) -> dict[str, list[str]]:
    addresses = {
        Event.BILLING_EMAIL_CHANGED: [GONE, "money@acme.example"],
        Event.EMAIL_CHANGED: [GONE],
    }
    return {"about": [world.acme.users[Role.MEMBER]], "addresses": addresses.get(event, [])}


def forget() -> None:
    """Start again with nobody told."""
    db.session.execute(db.delete(Notification))
    db.session.execute(db.delete(OutboxMessage))


def test_the_catalogue_has_every_event_once() -> None:
    assert list(CATALOGUE) == list(Event)
    assert {event for event, entry in CATALOGUE.items() if entry.is_locked} == LOCKED
    assert len({entry.label for entry in CATALOGUE.values()}) == len(CATALOGUE)


def test_what_cannot_be_switched_off_does_not_wait() -> None:
    for event, entry in CATALOGUE.items():
        assert not (entry.is_locked and entry.may_wait), event
        assert entry.defaults == set(UserChannel) or not entry.is_locked, event
        assert entry.group is Group.ACCOUNT or entry.is_for_staff, event


def test_each_event_reaches_its_audience_once(acme: World) -> None:
    for event in Event:
        forget()
        tell(event, outsider(acme.acme), **about(acme, event))
        assert (set(mailed()), set(notified())) == AUDIENCES[event], event
        assert len(mailed()) == len(set(mailed())), event
        assert len(notified()) == len(set(notified())), event
        assert [row.status for row in messages(Channel.EVENT)] == [OutboxStatus.DELIVERED], event


def test_nobody_of_another_organization_is_told(acme: World, slack: FakeSlack) -> None:
    """Whoever acts, whatever they chose: Globex hears nothing of Acme."""
    actors = [*(acme.acme.actor(role) for role in Role), system_actor(acme.acme.organization_id)]
    everything = [
        {
            "user_id": user_id,
            "audience": audience,
            "event": event.value,
            "channel": channel,
            "is_on": True,
        }
        for event in Event
        for user_id in acme.globex.users.values()
        for audience in Audience
        for channel in UserChannel
    ]
    db.session.execute(insert(NotificationPreference), everything)
    for event in Event:
        forget()
        for actor in actors:
            tell(event, actor, **about(acme, event))
        told = {*mailed(), *notified()}
        assert told, event
        assert not [address for address in told if "globex" in address], event
        organizations = set(db.session.scalars(db.select(Notification.organization_id)))
        assert organizations <= {acme.acme.organization_id, None}, event


def test_who_acts_is_told_only_of_what_is_locked(acme: World) -> None:
    owner = acme.acme.actor(Role.OWNER)
    for event in Event:
        forget()
        tell(event, owner, about=[acme.acme.users[Role.OWNER]])
        assert (OWNER in mailed(), OWNER in notified()) == (event in LOCKED, event in LOCKED), event
        if event in LOCKED:
            mail = next(row for row in messages(Channel.MAIL) if row.recipient == OWNER)
            assert mail.payload["is_actor"]


def test_who_left_or_is_disabled_is_told_only_about_themselves(acme: World) -> None:
    gone, disabled = acme.acme.users[Role.OWNER], acme.acme.users[Role.ADMIN]
    db.session.delete(db.session.get_one(Membership, acme.acme.members[Role.OWNER]))
    db.session.execute(update(User).where(User.id == disabled).values(disabled_at=utcnow()))
    db.session.commit()
    about_members = {Event.MEMBER_ROLE_CHANGED, Event.MEMBER_REMOVED, Event.OWNERSHIP_CHANGED}
    for event in Event:
        forget()
        tell(event, outsider(acme.acme))
        assert {OWNER, ADMIN} & {*mailed(), *notified()} == set(), event
        tell(event, outsider(acme.acme), about=[gone, disabled])
        is_told = event in about_members or CATALOGUE[event].group is Group.ACCOUNT
        found = ({OWNER, ADMIN} <= {*mailed()}, {OWNER, ADMIN} <= {*notified()})
        assert found == (is_told, is_told), event


def test_what_somebody_who_left_is_told_stays_their_own(acme: World) -> None:
    gone = acme.acme.users[Role.MEMBER]
    db.session.delete(db.session.get_one(Membership, acme.acme.members[Role.MEMBER]))
    db.session.commit()
    tell(Event.MEMBER_REMOVED, acme.acme.actor(), about=[gone])
    row = db.session.scalars(db.select(Notification).where(Notification.user_id == gone)).one()
    others = db.session.scalars(db.select(Notification).where(Notification.user_id != gone)).all()
    assert row.organization_id is None
    assert {other.organization_id for other in others} == {acme.acme.organization_id}


def test_a_person_who_is_the_billing_address_too_gets_one_mail(world: World) -> None:
    tell(Event.INVOICE_OVERDUE, outsider(world.acme))
    assert sorted(mailed()) == sorted(BILLERS), "billing@acme.example is both"
    mail = next(row for row in messages(Channel.MAIL) if row.recipient == BILLING_ADDRESS)
    assert mail.payload["why"] == "for the billing of Acme"


def test_a_billing_address_is_told_although_the_person_behind_it_chose_otherwise(world: World) -> None:
    choice = NotificationPreference(
        user_id=world.acme.users[Role.BILLING],
        audience=Audience.CUSTOMER,
        event=Event.INVOICE_OVERDUE.value,
        channel=UserChannel.EMAIL,
        is_on=False,
    )
    db.session.add(choice)
    tell(Event.INVOICE_OVERDUE, outsider(world.acme))
    mail = next(row for row in messages(Channel.MAIL) if row.recipient == BILLING_ADDRESS)
    assert (mail.payload["why"], mail.payload["user_id"]) == ("as the billing address of Acme", None)


def test_why_is_said_to_each(acme: World) -> None:
    tell(Event.BILLING_EMAIL_CHANGED, outsider(acme.acme), **about(acme, Event.BILLING_EMAIL_CHANGED))
    assert {row.recipient: row.payload["why"] for row in messages(Channel.MAIL)} == {
        OWNER: "as an owner of Acme",
        GONE: "because this was the billing address of Acme until now",
        "money@acme.example": "as the billing address of Acme",
    }


@pytest.mark.parametrize("channel", UserChannel)
def test_what_is_switched_off_is_not_told_there(acme: World, channel: UserChannel) -> None:
    everybody = [
        {"user_id": user_id, "audience": "customer", "event": event.value, "channel": channel, "is_on": False}
        for event in Event
        for user_id in acme.acme.users.values()
    ]
    db.session.execute(insert(NotificationPreference), everybody)
    people = set(acme.acme.emails.values())
    for event in set(Event) - LOCKED - STAFF_ONLY:
        forget()
        tell(event, outsider(acme.acme), **about(acme, event))
        by_mail, in_portal = AUDIENCES[event]
        if channel is UserChannel.EMAIL:
            assert (set(mailed()), set(notified())) == (by_mail - people, in_portal), event
        else:
            assert (set(mailed()), set(notified())) == (by_mail, set()), event


def test_a_choice_in_the_database_does_not_switch_off_what_is_locked(acme: World) -> None:
    for event in LOCKED:
        rows = [
            {
                "user_id": user_id,
                "audience": "customer",
                "event": event.value,
                "channel": channel,
                "is_on": False,
            }
            for user_id in acme.acme.users.values()
            for channel in UserChannel
        ]
        db.session.execute(insert(NotificationPreference), rows)
    for event in LOCKED:
        forget()
        tell(event, outsider(acme.acme), **about(acme, event))
        assert (set(mailed()), set(notified())) == AUDIENCES[event], event


def subscribe(world: World, event: Event, *channels: UserChannel) -> str:
    staff = db.session.scalars(db.select(User.id).where(User.email == world.support_email)).one()
    for channel in channels:
        choice = NotificationPreference(
            user_id=staff, audience=Audience.STAFF, event=event.value, channel=channel, is_on=True
        )
        db.session.add(choice)
    db.session.commit()
    return staff


def test_staff_are_told_of_what_they_subscribe_to_and_of_nobodys_own_account(acme: World) -> None:
    for event in Event:
        staff = subscribe(acme, event, *UserChannel)
        forget()
        tell(event, outsider(acme.acme), **about(acme, event))
        is_told = CATALOGUE[event].is_for_staff
        found = (acme.support_email in mailed(), acme.support_email in notified())
        assert found == (is_told, is_told), event
        is_told_anyway = event in STAFF_ONLY
        assert (acme.lead_email in {*mailed(), *notified()}) == is_told_anyway, event
        if is_told:
            row = db.session.scalars(db.select(Notification).where(Notification.user_id == staff)).one()
            page = "/admin/webhooks" if is_told_anyway else "/admin/organizations"
            assert row.link.startswith(page), event
            mail = next(row for row in messages(Channel.MAIL) if row.recipient == acme.support_email)
            is_personal = CATALOGUE[event].group is Group.ACCOUNT
            assert mail.payload["organization"] == (None if is_personal else "Acme"), event


def test_staff_who_act_or_have_gone_are_not_told(acme: World) -> None:
    staff = subscribe(acme, Event.PLAN_CHANGED, *UserChannel)
    actor = Actor(ActorKind.STAFF, staff, "Sam", acme.acme.organization_id)
    tell(Event.PLAN_CHANGED, actor)
    db.session.execute(update(User).where(User.id == staff).values(staff_role=None))
    tell(Event.PLAN_CHANGED, outsider(acme.acme))
    assert acme.support_email not in {*mailed(), *notified()}


def test_staff_who_are_members_too_are_told_once(acme: World) -> None:
    staff = subscribe(acme, Event.PLAN_CHANGED, *UserChannel)
    organization = db.session.get_one(Organization, acme.acme.organization_id)
    add_member(organization, db.session.get_one(User, staff), Role.OWNER)
    tell(Event.PLAN_CHANGED, outsider(acme.acme))
    assert mailed().count(acme.support_email) == notified().count(acme.support_email) == 1
    mail = next(row for row in messages(Channel.MAIL) if row.recipient == acme.support_email)
    assert mail.payload["audience"] == Audience.CUSTOMER


def test_an_address_of_a_person_alone_says_so(acme: World) -> None:
    person = replace(outsider(acme.acme), organization_id=None)
    tell(Event.EMAIL_CHANGED, person, **about(acme, Event.EMAIL_CHANGED))
    mail = next(row for row in messages(Channel.MAIL) if row.recipient == GONE)
    assert mail.payload["why"] == "because this was your address until now"
    assert mail.organization_id is None


def test_customers_are_not_told_where_staff_sit(acme: World) -> None:
    origin = Origin("192.0.2.7", "Firefox", "req_1")
    tell(Event.STAFF_VIEWED, Actor(ActorKind.STAFF, "usr_x", "Sam", acme.acme.organization_id, origin=origin))
    tell(Event.API_KEY_CREATED, replace(outsider(acme.acme), origin=origin))
    assert [row.payload["address"] for row in messages(Channel.EVENT)] == [None, "192.0.2.7"]


def test_many_members_are_told_in_few_statements(acme: World) -> None:
    organization = db.session.get_one(Organization, acme.acme.organization_id)
    for number in range(60):
        add_member(organization, make_user(f"o{number}@acme.example"), Role.OWNER)
    db.session.commit()
    statements: list[str] = []
    sql_event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    tell(Event.OWNERSHIP_CHANGED, outsider(acme.acme))
    assert len(notified()) == 61
    assert len(statements) < 40
