"""The link in a mail switches off that kind of mail for its reader, and nothing else, without signing in."""

import pytest

from portal.actor import Origin
from portal.audit.models import AuditEntry
from portal.errors import GoneError
from portal.extensions import db
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.models import Audience, NotificationPreference, UserChannel
from portal.notifications.preferences import preferences_of
from portal.notifications.unsubscribing import read_unsubscribe_token, unsubscribe, unsubscribe_token
from portal.permissions import Role
from tests.factories import World
from tests.portal.notifications.telling import mailed, notified, outsider, tell

CUSTOMER, STAFF = Audience.CUSTOMER, Audience.STAFF
ORIGIN = Origin("192.0.2.7", "Mail provider", "req_1")


def token(world: World, topic: str = "card-changed", audience: Audience = CUSTOMER) -> str:
    return unsubscribe_token(world.acme.users[Role.OWNER], audience, topic)


def entries() -> list[AuditEntry]:
    return list(db.session.scalars(db.select(AuditEntry)))


def test_it_switches_off_the_mail_and_leaves_the_portal(world: World) -> None:
    found = unsubscribe(token(world), ORIGIN)
    db.session.commit()
    assert (found.email, found.label, found.events) == (
        "owner@acme.example",
        "Card changed",
        {Event.CARD_CHANGED},
    )
    tell(Event.CARD_CHANGED, outsider(world.acme))
    tell(Event.PLAN_CHANGED, outsider(world.acme))
    assert mailed().count("owner@acme.example") == 1, "the plan's"
    assert notified().count("owner@acme.example") == 2


def test_twice_is_once_and_the_log_says_who(world: World) -> None:
    for _ in range(3):
        unsubscribe(token(world), ORIGIN)
        db.session.commit()
    (entry,) = entries()
    owner = world.acme.users[Role.OWNER]
    assert (entry.actor_id, entry.organization_id, entry.address) == (owner, None, "192.0.2.7")
    assert entry.after == {"Card changed by email": False}


def test_reading_changes_nothing(world: World) -> None:
    assert read_unsubscribe_token(token(world)).label == "Card changed"
    assert entries() == []
    assert db.session.scalars(db.select(NotificationPreference)).all() == []


def test_the_digests_link_switches_off_what_a_digest_gathers(world: World) -> None:
    found = unsubscribe(token(world, "digest"), ORIGIN)
    owner = world.acme.users[Role.OWNER]
    assert found.events == {event for event, entry in CATALOGUE.items() if entry.may_wait}
    for event, channels in preferences_of(owner, CUSTOMER).items():
        wanted = CATALOGUE[event].defaults - ({UserChannel.EMAIL} if event in found.events else set())
        assert channels == wanted, event


def test_staff_end_a_subscription_by_the_same_way(world: World) -> None:
    owner = world.acme.users[Role.OWNER]
    choice = NotificationPreference(
        user_id=owner, audience=STAFF, event="ownership-changed", channel=UserChannel.EMAIL, is_on=True
    )
    db.session.add(choice)
    unsubscribe(token(world, "ownership-changed", STAFF), ORIGIN)
    assert preferences_of(owner, STAFF)[Event.OWNERSHIP_CHANGED] == frozenset()
    assert preferences_of(owner, CUSTOMER)[Event.OWNERSHIP_CHANGED] == frozenset(UserChannel)


def test_what_is_locked_cannot_be_switched_off_even_with_a_right_signature(world: World) -> None:
    for event, entry in CATALOGUE.items():
        if entry.is_locked:
            with pytest.raises(GoneError):
                unsubscribe(token(world, event.value), ORIGIN)
    assert entries() == []


def test_a_token_is_good_for_its_own_person_kind_and_topic(world: World) -> None:
    owner, admin = world.acme.users[Role.OWNER], world.acme.users[Role.ADMIN]
    good = token(world)
    wrong = [
        good.replace(owner, admin),
        good.replace("card-changed", "plan-changed"),
        good.replace("card-changed", "digest"),
        good.replace(".customer.", ".staff."),
        good[:-1],
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good + "x",
        good + ".x",
        good.upper(),
        "",
        "...",
        "a.b.c.d",
        f"{owner}.customer.card-changed.",
        f"{owner}.customer.card-changed.é\ud800",
        unsubscribe_token("usr_none", CUSTOMER, "card-changed"),
        unsubscribe_token(owner, CUSTOMER, "invitation"),
        unsubscribe_token(owner, CUSTOMER, "no-such-event"),
    ]
    words = set()
    for forged in wrong:
        with pytest.raises(GoneError) as refusal:
            unsubscribe(forged, ORIGIN)
        words.add(refusal.value.message)
    assert len(words) == 1
    assert entries() == []


def test_another_key_makes_other_tokens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal import context
    from tests.conftest import make_settings

    good = token(world)
    other = make_settings("sqlite:////dev/null", secret_key="another-key-that-is-long-enough-0123456789")
    monkeypatch.setattr(context, "current_settings", lambda: other)
    assert token(world) != good
    with pytest.raises(GoneError):
        read_unsubscribe_token(good)
