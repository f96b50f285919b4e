"""One mail a person, ever: decided before it is sent, whoever is killed and however many do it at once."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from jobs.deliver_mails import deliver_mails
from jobs.fan_out_events import fan_out_events
from jobs.work import Work
from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.nudges import service
from portal.nudges.models import NudgeGroup
from portal.nudges.service import send_nudges
from portal.permissions import Role
from tests.factories import World
from tests.fakes import FakeMailer
from tests.portal.nudges.writing import announced, nudges, wrote

REASONS = ("team_invite", "usage_limits", "api_keys")


def deliver(mailer: FakeMailer) -> list[str]:
    """What the mail server got: whom for."""
    fan_out_events(Work("worker"))
    deliver_mails(Work("worker"))
    return [str(mail["To"]) for mail in mailer.sent]


def test_one_mail_ever_about_what_was_written_last(world: World, mailer: FakeMailer) -> None:
    wrote(world.acme, Role.OWNER, "team_invite", days_ago=30)
    wrote(world.acme, Role.OWNER, "team_remove_role", days_ago=9)
    wrote(world.acme, Role.OWNER, "usage_limits", days_ago=10)
    done = send_nudges(utcnow())
    assert (done.decided, done.control, done.mails) == (2, 0, 1)
    assert deliver(mailer) == ["owner@acme.example"]
    mail = mailer.sent[0]
    assert mail["Subject"] == "Change roles and remove people yourself"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = mail.get_body(("plain",))
    assert text is not None
    assert "http://localhost/account/team" in text.get_content()
    assert "Organization: Acme" in text.get_content()
    wrote(world.acme, Role.OWNER, "api_keys", days_ago=1)
    assert send_nudges(utcnow()).decided == 1
    assert send_nudges(utcnow() + timedelta(days=40)).mails == 0
    assert deliver(mailer) == ["owner@acme.example"]


def test_colleagues_do_not_read_who_wrote_to_support(world: World) -> None:
    wrote(world.acme, Role.MEMBER, "usage_limits")
    send_nudges(utcnow())
    rows = db.session.scalars(db.select(AuditEntry).where(AuditEntry.action == Action.NUDGE_SENT)).all()
    assert [(row.chain, row.organization_id, row.entity_name) for row in rows] == [
        ("portal", None, "member@acme.example")
    ]


def test_the_control_group_is_written_down_and_told_nothing(
    world: World, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote(world.acme, Role.OWNER, "usage_limits")
    wrote(world.globex, Role.OWNER, "usage_limits")
    control = world.acme.users[Role.OWNER]
    draw = {control: NudgeGroup.CONTROL}
    monkeypatch.setattr(service, "drawn_group", lambda user_id: draw.get(user_id, NudgeGroup.NUDGED))
    done = send_nudges(utcnow())
    assert (done.decided, done.control, done.mails) == (2, 1, 1)
    assert deliver(mailer) == ["owner@globex.example"]
    draw.clear()
    wrote(world.acme, Role.OWNER, "team_invite")
    done = send_nudges(utcnow())
    assert (done.decided, done.control, done.mails) == (1, 1, 0), "the group is drawn once"
    assert {nudge.group for nudge in nudges() if nudge.user_id == control} == {NudgeGroup.CONTROL}


def test_killed_between_deciding_and_sending_it_is_sent_later(
    world: World, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote(world.acme, Role.OWNER, "usage_limits")
    real = service.mail_once

    def die(actor: Actor, user_id: str, now: object) -> bool:
        real(actor, user_id, utcnow())
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(service, "mail_once", die)
        with pytest.raises(KeyboardInterrupt):
            send_nudges(utcnow())
    db.session.rollback()
    assert [(nudge.group, nudge.mailed_at) for nudge in nudges()] == [(NudgeGroup.NUDGED, None)]
    assert deliver(mailer) == []
    assert send_nudges(utcnow()).mails == 1
    assert deliver(mailer) == ["owner@acme.example"]


def test_a_worker_that_is_told_to_stop_does_the_rest_next_time(world: World) -> None:
    for role in (Role.OWNER, Role.ADMIN):
        wrote(world.acme, role, "usage_limits")
    turns = iter([True, False])
    assert send_nudges(utcnow(), lambda: next(turns)).decided == 1
    done = send_nudges(utcnow())
    assert (done.decided, done.mails) == (1, 2)


def test_workers_at_the_same_time_mail_once(app: Flask, world: World) -> None:
    for tenant in (world.acme, world.globex):
        for role in Role:
            for reason in REASONS:
                wrote(tenant, role, reason)
    start, mails = Barrier(3), []

    def work() -> None:
        with app.app_context():
            start.wait()
            mails.append(send_nudges(utcnow()).mails)
            db.session.remove()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    people = [*world.acme.users.values(), *world.globex.users.values()]
    assert sorted(user_id for about in announced() for user_id in about) == sorted(people)
    assert sum(mails) == len(people) == sum(nudge.mailed_at is not None for nudge in nudges())


def test_the_database_itself_refuses_a_second_mail(world: World) -> None:
    for reason in REASONS:
        wrote(world.acme, Role.OWNER, reason)
    send_nudges(utcnow())
    for nudge in nudges():
        nudge.mailed_at = utcnow()
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()
