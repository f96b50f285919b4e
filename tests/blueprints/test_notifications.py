"""Inbox, bell, choices, switching mails off by their link, and what staff are told."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import event, select, update

from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.identity.models import Membership, UserSession
from portal.kit.clock import utcnow
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.models import (
    Audience,
    Digest,
    Notification,
    UserChannel,
)
from portal.notifications.preferences import digest_of, preferences_of
from portal.permissions import Role
from tests.blueprints.things import ALWAYS_ON, Things, make_notification
from tests.blueprints.web import Browser, dump
from tests.factories import World

Browse = Callable[[str | None], Browser]
HTMX = {"HX_Request": "true"}
SCREEN = "/account/notifications"
BELL = f"{SCREEN}/bell"
COUNT = re.compile(r"Notifications(?:, ([^<]*) unread)?</span>")
BOX = re.compile(r'<input type="checkbox" name="told" value="([^"]+)"( checked)?>')


def told(app: Flask, world: World, role: Role, text: str, **more: object) -> str:
    """An entry in the inbox of Acme's person in `role`."""
    with app.app_context():
        return make_notification(world.acme, role, text, **more)


def unread_in(page: str) -> str:
    """What the bell says."""
    found = COUNT.search(page)
    assert found, "there is no bell"
    return found[1] or "0"


def ticked(page: str) -> set[str]:
    return {value for value, checked in BOX.findall(page) if checked}


def choices(app: Flask, world: World, role: Role = Role.OWNER) -> dict[Event, frozenset[UserChannel]]:
    with app.app_context():
        return preferences_of(world.acme.users[role], Audience.CUSTOMER)


def actions(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


# The inbox


def test_the_inbox_shows_newest_first_and_what_is_unread(app: Flask, world: World, browse: Browse) -> None:
    told(app, world, Role.OWNER, "The older one", read_at=utcnow())
    told(app, world, Role.OWNER, "The newer one")
    page = browse("owner@acme.example").send("GET", SCREEN).text
    assert page.index("The newer one") < page.index("The older one")
    assert page.count("inbox__item--unread") == page.count(">Unread<") == 1
    assert page.index(">Unread<") < page.index("The older one")
    assert unread_in(page) == "1"


def test_an_empty_inbox_says_what_it_is_for(browse: Browse) -> None:
    page = browse("viewer@acme.example").send("GET", SCREEN).text
    assert "Nothing yet" in page
    assert unread_in(page) == "0"


def test_nobody_sees_what_others_were_told(app: Flask, acme: Things, globex: Things, browse: Browse) -> None:
    admin = browse("admin@acme.example")
    assert "Something happened" not in admin.send("GET", SCREEN).text
    for notification_id in (acme.notification_id, globex.notification_id, "987654321", str(2**63)):
        for verb in ("", "/read"):
            assert admin.send("POST", f"{SCREEN}/{notification_id}{verb}").status_code == 404
    admin.send("POST", f"{SCREEN}/read")
    with app.app_context():
        assert set(db.session.scalars(select(Notification.read_at))) == {None}


def test_older_entries_are_on_further_pages(app: Flask, world: World, browse: Browse) -> None:
    for number in range(25):
        told(app, world, Role.OWNER, f"Entry {number:02}")
    owner = browse("owner@acme.example")
    first = owner.send("GET", SCREEN).text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = owner.send("GET", older[1].replace("&amp;", "&")).text
    shown = re.findall(r"Entry \d\d(?=</button)", first + second)
    assert shown == [f"Entry {number:02}" for number in reversed(range(25))]
    assert owner.send("GET", f"{SCREEN}?after=nonsense").status_code == 422


def test_following_an_entry_marks_it_as_read(app: Flask, acme: Things, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    answer = owner.send("POST", f"{SCREEN}/{acme.notification_id}")
    assert (answer.status_code, answer.location) == (303, "/account/team")
    assert unread_in(owner.send("GET", "/account/team").text) == "0"


def test_following_an_entry_of_another_organization_looks_at_that_one(
    app: Flask, world: World, browse: Browse
) -> None:
    with app.app_context():
        user_id = world.globex.users[Role.OWNER]
        db.session.add(
            Membership(
                organization_id=world.acme.organization_id, user_id=user_id, role=Role.ADMIN, sort_name="o"
            )
        )
        entry = make_notification(world.acme, Role.OWNER, "In Acme", user_id=user_id)
    owner = browse("owner@globex.example")
    owner.send("POST", "/account/organization", {"to": world.globex.organization_id})
    assert "viewer@acme.example" not in owner.send("GET", "/account/team").text
    owner.send("POST", f"{SCREEN}/{entry}")
    assert "viewer@acme.example" in owner.send("GET", "/account/team").text


def test_one_is_marked_as_read_in_place_and_the_bell_asks_again(acme: Things, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    answer = owner.send("POST", f"{SCREEN}/{acme.notification_id}/read", **HTMX)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, "refresh")
    assert f'id="notification-{acme.notification_id}"' in answer.text
    assert "Unread" not in answer.text
    assert " autofocus" in answer.text, "the button that had the focus is gone"
    plain = owner.send("POST", f"{SCREEN}/{acme.notification_id}/read", {"after": ""})
    assert (plain.status_code, plain.location) == (303, SCREEN)


def test_all_are_marked_as_read(app: Flask, acme: Things, world: World, browse: Browse) -> None:
    told(app, world, Role.OWNER, "Another")
    told(app, world, Role.ADMIN, "Not theirs")
    owner = browse("owner@acme.example")
    assert owner.send("POST", f"{SCREEN}/read").location == SCREEN
    assert unread_in(owner.send("GET", SCREEN).text) == "0"
    assert unread_in(browse("admin@acme.example").send("GET", SCREEN).text) == "1"


def test_the_text_of_an_entry_stays_text(app: Flask, world: World, browse: Browse) -> None:
    told(app, world, Role.OWNER, "<b id=z>joined</b>")
    assert "&lt;b id=z&gt;joined" in browse("owner@acme.example").send("GET", SCREEN).text


# The bell


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0"), (1, "1"), (9, "9"), (10, "more than 9"), (14, "more than 9")]
)
def test_the_bell_counts_on_every_page(
    app: Flask, world: World, browse: Browse, count: int, words: str
) -> None:
    for number in range(count):
        told(app, world, Role.MEMBER, f"Entry {number}")
    page = browse("member@acme.example").send("GET", "/account/team").text
    assert unread_in(page) == words
    assert ('class="bell__count"' in page) == (count > 0)


def test_the_bell_answers_only_when_the_count_is_another(acme: Things, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    assert owner.send("GET", f"{BELL}?seen=1", **HTMX).status_code == 204
    news = owner.send("GET", f"{BELL}?seen=0", **HTMX).text
    assert unread_in(news) == "1"
    assert "1 new notification<" in news
    assert 'hx-get="/account/notifications/bell?seen=1"' in news
    fewer = owner.send("GET", f"{BELL}?seen=3", **HTMX).text
    assert unread_in(fewer) == "1"
    assert "new notification" not in fewer, "what was read elsewhere is no news"
    assert owner.send("GET", f"{BELL}?seen=nonsense", **HTMX).status_code == 200
    assert owner.send("GET", BELL).location == SCREEN


def test_asking_again_and_again_keeps_no_session_alive_and_fills_no_log(
    app: Flask, world: World, browse: Browse, caplog: pytest.LogCaptureFixture
) -> None:
    owner = browse("owner@acme.example")
    long_ago = utcnow() - timedelta(minutes=20)
    with app.app_context():
        db.session.execute(update(UserSession).values(last_seen_at=long_ago))
        db.session.commit()
    caplog.clear()
    for _ in range(3):
        assert owner.send("GET", f"{BELL}?seen=0", **HTMX).status_code == 204
    assert [record for record in caplog.records if record.getMessage() == "request"] == []
    with app.app_context():
        assert set(db.session.scalars(select(UserSession.last_seen_at))) == {long_ago}
    owner.send("GET", "/account/team")
    with app.app_context():
        assert max(db.session.scalars(select(UserSession.last_seen_at))) > long_ago


def test_the_bell_costs_one_query(app: Flask, world: World, browse: Browse) -> None:
    owner, statements = browse("owner@acme.example"), []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    owner.send("GET", "/account/team")
    assert len([text for text in statements if "FROM notifications" in text]) == 1
    assert len([text for text in statements if not text.startswith(("BEGIN", "PRAGMA"))]) <= 5


def test_error_pages_and_visitors_have_no_bell(app: Flask, world: World, browse: Browse) -> None:
    assert not COUNT.search(browse("owner@acme.example").send("GET", "/account/nowhere").text)
    assert not COUNT.search(browse(None).send("GET", "/auth/sign-in").text)


# What somebody is told


@pytest.mark.parametrize("role", Role)
def test_everybody_sees_the_events_that_can_reach_their_role(browse: Browse, role: Role) -> None:
    page = browse(f"{role}@acme.example").send("GET", SCREEN).text
    for entry in CATALOGUE.values():
        assert (f'<th scope="row">{entry.label}<' in page) == entry.reaches(role), entry.label


def test_what_is_locked_is_shown_on_with_its_reason(browse: Browse) -> None:
    page = browse("owner@acme.example").send("GET", SCREEN).text
    locked = [entry for entry in CATALOGUE.values() if entry.is_locked]
    assert page.count("disabled checked") == 2 * len(locked)
    for entry in locked:
        row = page[page.index(f'<th scope="row">{entry.label}<') :].partition("</tr>")[0]
        assert f"Always on, because {escape(entry.locked_reason)}." in row
        assert row.count('type="hidden" name="told"') == 2


def test_a_choice_is_saved_as_a_whole(app: Flask, world: World, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    wanted = [*ALWAYS_ON, "member-added:in-app", "invoice-paid:email"]
    answer = owner.send("POST", SCREEN, {"told": wanted, "digest": "daily"})
    assert (answer.status_code, answer.location) == (303, SCREEN)
    assert ticked(owner.send("GET", SCREEN).text) == {"member-added:in-app", "invoice-paid:email"}
    found = choices(app, world)
    assert found[Event.MEMBER_ADDED] == {UserChannel.IN_APP}
    assert found[Event.INVOICE_PAID] == {UserChannel.EMAIL}
    assert found[Event.PLAN_CHANGED] == frozenset()
    with app.app_context():
        assert digest_of(world.acme.users[Role.OWNER]) is Digest.DAILY
    assert actions(app).count(Action.NOTIFICATIONS_CHOSEN) == 1
    assert choices(app, world, Role.ADMIN)[Event.PLAN_CHANGED] == frozenset(UserChannel), "others' stay"


def test_what_is_locked_is_refused_by_name_and_what_was_chosen_stays(
    app: Flask, world: World, browse: Browse
) -> None:
    owner, before = browse("owner@acme.example"), dump(app)
    chosen = [value for value in ALWAYS_ON if value != "billing-email-changed:email"]
    answer = owner.send("POST", SCREEN, {"told": [*chosen, "member-added:email"], "digest": "daily"})
    assert answer.status_code == 422
    assert "Billing email changed cannot be switched off, because" in answer.text
    assert ticked(answer.text) == {"member-added:email"}
    assert re.search(r'<input checked[^>]* value="daily">', answer.text)
    assert dump(app) == before


def test_a_choice_needs_to_say_how_mails_come(app: Flask, browse: Browse) -> None:
    owner, before = browse("owner@acme.example"), dump(app)
    for digest in ({}, {"digest": "hourly"}):
        answer = owner.send("POST", SCREEN, {"told": ALWAYS_ON, **digest})
        assert answer.status_code == 422
        assert "field__error" in answer.text
    assert dump(app) == before


def test_what_cannot_reach_somebody_stays_as_it_was(app: Flask, world: World, browse: Browse) -> None:
    before = choices(app, world, Role.VIEWER)
    browse("viewer@acme.example").send("POST", SCREEN, {"told": ALWAYS_ON, "digest": "none"})
    after = choices(app, world, Role.VIEWER)
    changed = {found for found in before if before[found] != after[found]}
    assert changed == {Event.MEMBER_ROLE_CHANGED, Event.MEMBER_REMOVED, Event.SCREEN_CAN_DO_IT}
    assert all(after[found] == frozenset() for found in changed)


# Switching mails off by their link


# Staff
