"""What a person is told in the portal is theirs to read, and stops where they have left."""

import pytest
from sqlalchemy import delete, event, insert

from portal.errors import InvalidInputError, NotFoundError
from portal.extensions import db
from portal.identity.models import Membership
from portal.kit.clock import utcnow
from portal.notifications.inbox import (
    MOST_COUNTED,
    PAGE_SIZE,
    inbox_page,
    mark_all_read,
    open_notification,
    unread_count,
)
from portal.notifications.models import Notification
from portal.permissions import Role
from tests.factories import Tenant, World
from tests.portal.notifications.telling import staff_actor


def put(user_id: str, count: int = 1, organization_id: str | None = None, label: str = "n") -> list[int]:
    rows = [
        {
            "user_id": user_id,
            "organization_id": organization_id,
            "event": "plan-changed",
            "text": f"{label} {number}",
            "link": "/account/billing",
            "message_key": f"{user_id}-{label}-{number}"[-64:],
            "created_at": utcnow(),
        }
        for number in range(count)
    ]
    made = db.session.execute(insert(Notification).returning(Notification.id), rows)
    ids = [row.id for row in made]
    db.session.commit()
    return ids


def owner_of(tenant: Tenant) -> str:
    return tenant.users[Role.OWNER]


def test_it_is_read_newest_first_a_page_at_a_time(world: World) -> None:
    user = owner_of(world.acme)
    put(user, PAGE_SIZE + 5, world.acme.organization_id)
    first = inbox_page(user, is_staff=False)
    rest = inbox_page(user, is_staff=False, after=first.next_cursor)
    ids = [row.id for row in (*first.rows, *rest.rows)]
    assert len(first.rows) == PAGE_SIZE
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == PAGE_SIZE + 5
    assert rest.next_cursor is None
    assert {row.organization_name for row in first.rows} == {"Acme"}
    with pytest.raises(InvalidInputError):
        inbox_page(user, is_staff=False, after="made up")


def test_the_unread_are_counted_no_further_than_shown(world: World) -> None:
    user = owner_of(world.acme)
    counts = []
    for number in range(MOST_COUNTED + 2):
        counts.append(unread_count(user, is_staff=False))
        put(user, label=f"more{number}")
    assert counts == [*range(MOST_COUNTED + 1), MOST_COUNTED]


def test_counting_is_one_statement(world: World) -> None:
    statements: list[str] = []
    unread_count(owner_of(world.acme), is_staff=False)
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    unread_count(owner_of(world.acme), is_staff=False)
    assert len(statements) == 1


def test_opening_marks_as_read_once(world: World) -> None:
    user = owner_of(world.acme)
    (first, second) = put(user, 2, world.acme.organization_id)
    opened = open_notification(world.acme.actor(), first)
    db.session.commit()
    read_at = opened.read_at
    assert (opened.link, opened.organization_id) == ("/account/billing", world.acme.organization_id)
    assert read_at is not None
    assert open_notification(world.acme.actor(), first).read_at == read_at
    assert unread_count(user, is_staff=False) == 1
    assert mark_all_read(world.acme.actor()) == 1
    assert mark_all_read(world.acme.actor()) == 0
    assert db.session.get_one(Notification, second).read_at is not None


def test_nobody_reads_or_marks_what_is_somebody_elses(world: World) -> None:
    (own,) = put(owner_of(world.acme), 1, world.acme.organization_id)
    for actor in (world.acme.actor(Role.ADMIN), world.globex.actor(), staff_actor(world.lead_email)):
        with pytest.raises(NotFoundError):
            open_notification(actor, own)
        assert mark_all_read(actor) == 0
        assert inbox_page(str(actor.id), is_staff=actor.staff_role is not None).rows == []
    with pytest.raises(NotFoundError):
        open_notification(world.acme.actor(), 10**9)


def test_who_has_left_reads_only_what_is_about_themselves(world: World) -> None:
    user = owner_of(world.acme)
    (theirs,) = put(user, 1, world.acme.organization_id, "theirs")
    put(user, 1, None, "own")
    assert unread_count(user, is_staff=False) == 2
    db.session.execute(delete(Membership).where(Membership.user_id == user))
    assert unread_count(user, is_staff=False) == 1
    assert [row.text for row in inbox_page(user, is_staff=False).rows] == ["own 0"]
    with pytest.raises(NotFoundError):
        open_notification(world.acme.actor(), theirs)


def test_staff_read_about_every_organization(world: World) -> None:
    lead = staff_actor(world.lead_email)
    (mine,) = put(str(lead.id), 1, world.acme.organization_id)
    assert unread_count(str(lead.id), is_staff=True) == 1
    assert [row.id for row in inbox_page(str(lead.id), is_staff=True).rows] == [mine]
    assert open_notification(lead, mine).read_at is not None
