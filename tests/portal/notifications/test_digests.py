"""Who chose a daily mail gets one a day with what may wait, however often the job runs."""

import sys
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, update

from jobs.deliver_mails import deliver_mails
from jobs.send_digests import send_digests
from jobs.work import Work
from portal.actor import Origin
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.kit.clock import utcnow
from portal.notifications.dead_letters import resend
from portal.notifications.digests import next_digest_at, send_digest
from portal.notifications.events import Event
from portal.notifications.models import (
    Audience,
    Channel,
    Digest,
    NotificationSettings,
    OutboxMessage,
    OutboxStatus,
)
from portal.notifications.unsubscribing import unsubscribe, unsubscribe_token
from portal.permissions import Role
from tests.factories import World, add_member
from tests.fakes import FakeMailer
from tests.portal.notifications.telling import mailed, messages, outsider, staff_actor, tell

OWNER = "owner@acme.example"
SLOT = next_digest_at(utcnow())


@pytest.fixture
def acme(world: World) -> World:
    """The owner of Acme, who is in Globex too, wants one mail a day."""
    owner = world.acme.users[Role.OWNER]
    db.session.add(NotificationSettings(user_id=owner, digest=Digest.DAILY))
    globex = db.session.get_one(Organization, world.globex.organization_id)
    add_member(globex, db.session.get_one(User, owner), Role.OWNER)
    db.session.commit()
    return world


def run(slot: datetime = SLOT) -> int:
    count = send_digests(Work("worker", slot_at=slot))
    db.session.commit()
    return count


def digests() -> list[OutboxMessage]:
    return [row for row in messages(Channel.MAIL) if row.topic == "digest"]


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("00:00:00", "23 08:00"),
        ("07:58:59", "23 08:00"),
        ("07:59:00", "24 08:00"),
        ("08:00:00", "24 08:00"),
        ("23:59:59", "24 08:00"),
    ],
)
def test_it_leaves_at_eight_with_what_came_in_time(now: str, then: str) -> None:
    moment = datetime.fromisoformat(f"2026-11-23T{now}+00:00")
    assert next_digest_at(moment) == datetime.fromisoformat(f"2026-11-{then}:00+00:00")


def test_what_waited_comes_in_one_mail_by_organization(acme: World, mailer: FakeMailer) -> None:
    tell(Event.INVOICE_ISSUED, outsider(acme.acme))
    tell(Event.INVOICE_PAID, outsider(acme.acme))
    tell(Event.MEMBER_ADDED, outsider(acme.globex))
    assert OWNER not in mailed()
    assert run(SLOT - timedelta(days=1)) == 0, "not due yet"
    assert run() == 1
    (digest,) = digests()
    groups = digest.payload["groups"]
    assert (digest.recipient, digest.payload["count"]) == (OWNER, 3)
    assert [(group["organization"], len(group["items"])) for group in groups] == [("Acme", 2), ("Globex", 1)]
    assert all(
        item["link"].startswith("http://localhost/account/") for group in groups for item in group["items"]
    )
    assert {row.status for row in messages(Channel.DIGEST)} == {OutboxStatus.DELIVERED}
    deliver_mails(Work("worker"))
    mail = next(mail for mail in mailer.sent if mail["To"] == OWNER)
    assert mail["Message-ID"] == f"<digest-{acme.acme.users[Role.OWNER]}-{SLOT:%Y-%m-%d}@localhost>"
    assert ".customer.digest." in mail["List-Unsubscribe"]


def test_a_second_run_sends_nothing_and_what_came_late_waits_for_tomorrow(acme: World) -> None:
    tell(Event.INVOICE_ISSUED, outsider(acme.acme))
    assert run() == 1
    tell(Event.INVOICE_PAID, outsider(acme.acme))
    assert run() == 0
    assert len(digests()) == 1
    assert run(SLOT + timedelta(days=1)) == 1
    assert [row.payload["count"] for row in digests()] == [1, 1]
    assert run(SLOT + timedelta(days=1)) == 0


def test_a_missed_day_is_made_up_with_all_that_waited(acme: World) -> None:
    tell(Event.INVOICE_ISSUED, outsider(acme.acme))
    tell(Event.INVOICE_PAID, outsider(acme.acme))
    assert run(SLOT + timedelta(days=3)) == 1
    assert [row.payload["count"] for row in digests()] == [2]


def test_who_left_since_or_is_disabled_gets_none_of_it(acme: World) -> None:
    owner = acme.acme.users[Role.OWNER]
    tell(Event.INVOICE_ISSUED, outsider(acme.acme))
    tell(Event.MEMBER_ADDED, outsider(acme.globex))
    db.session.execute(delete(Membership).where(Membership.organization_id == acme.acme.organization_id))
    db.session.commit()
    assert run() == 1
    assert [group["organization"] for group in digests()[0].payload["groups"]] == ["Globex"]
    tell(Event.MEMBER_ADDED, outsider(acme.globex))
    db.session.execute(update(User).where(User.id == owner).values(disabled_at=utcnow()))
    db.session.commit()
    run(SLOT + timedelta(days=1))
    assert len(digests()) == 1


def test_stopped_in_the_middle_the_rest_comes_with_the_next_run(
    acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in (Role.ADMIN, Role.BILLING):
        db.session.add(NotificationSettings(user_id=acme.acme.users[role], digest=Digest.DAILY))
    tell(Event.INVOICE_ISSUED, outsider(acme.acme))
    work = Work("worker", slot_at=SLOT)

    def send_and_stop(user_id: str, until: datetime) -> bool:
        work.stop.set()
        return send_digest(user_id, until)

    monkeypatch.setattr(sys.modules["jobs.send_digests"], "send_digest", send_and_stop)
    assert send_digests(work) == 1
    db.session.rollback()
    monkeypatch.undo()
    assert len(digests()) == 1
    assert run() == 2
    assert len({row.recipient for row in digests()}) == 3


def test_what_cannot_be_written_is_given_up_alone_and_everybody_gets_the_rest(acme: World) -> None:
    admin = acme.acme.users[Role.ADMIN]
    db.session.add(NotificationSettings(user_id=admin, digest=Digest.DAILY))
    db.session.commit()
    tell(Event.MEMBER_ADDED, outsider(acme.acme))
    tell(Event.API_KEY_REVOKED, outsider(acme.acme))
    bad, *others = messages(Channel.DIGEST)
    bad.payload = {name: value for name, value in bad.payload.items() if name != "role"}
    db.session.commit()
    assert len(others) == 3
    assert run() == 2
    assert bad.status is OutboxStatus.DEAD
    assert {row.status for row in others} == {OutboxStatus.DELIVERED}
    assert sorted(row.payload["count"] for row in digests()) == [1, 2]
    resend(staff_actor(acme.lead_email), bad.id, "The template is mended.")
    assert bad.next_attempt_at == next_digest_at(utcnow()), (
        "it waits for the next one and is not late till then"
    )


def test_what_was_switched_off_since_is_not_in_it(acme: World) -> None:
    owner = acme.acme.users[Role.OWNER]
    tell(Event.MEMBER_ADDED, outsider(acme.acme))
    unsubscribe(unsubscribe_token(owner, Audience.CUSTOMER, "digest"), Origin())
    db.session.commit()
    assert run() == 0
    assert digests() == []
    assert list(messages(Channel.DIGEST)) == []
