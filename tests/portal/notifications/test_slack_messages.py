"""What people typed can neither mention nor link in Slack; the rest is Block Kit as Slack takes it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from jobs.deliver_slack import deliver_slack
from jobs.fan_out_events import fan_out_events
from jobs.work import Work
from portal.extensions import db
from portal.gateways.slack import SlackNotSentError
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event, announce
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.slack_messages import write_slack
from tests.factories import World
from tests.fakes import FakeSlack
from tests.portal.notifications.samples import SAMPLES, told
from tests.portal.notifications.telling import messages, outsider, tell

HOSTILE = [
    "<!channel>",
    "<!here|x>",
    "@here",
    "<@U012345>",
    "<https://evil.example|Open in the portal>",
    "https://evil.example",
    "*bold* `code` :tada:",
    '"},{"type":"image","image_url":"https://evil.example/x.png"',
    "<script>alert(1)</script>",
    "{{7*7}} ${7*7}",
]
STAFF_EVENTS = [event for event, entry in CATALOGUE.items() if entry.is_for_staff]


def objects(value: Any) -> list[dict[str, Any]]:
    """Every object in a message, at any depth."""
    if isinstance(value, list):
        return [found for item in value for found in objects(item)]
    if isinstance(value, dict):
        return [value, *(found for item in value.values() for found in objects(item))]
    return []


def poison(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return text
    return [poison(item, text) for item in value] if isinstance(value, list) else value


def payload(event: Event, text: str) -> dict[str, Any]:
    """A sample in which everything that could come from people is `text`; times and codes stay."""
    kept = {"role", "role_before", "kind", "change", "currency", "invoice_id", "outcome"}
    sample = SAMPLES[event]
    return {
        name: value if name in kept or name.endswith("_at") else poison(value, text)
        for name, value in sample.items()
    }


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_people_stays_plain_text(app: Flask, world: World, slack: FakeSlack, text: str) -> None:
    organization = db.session.get_one(Organization, world.acme.organization_id)
    organization.name = text
    actor = outsider(world.acme)
    for event in STAFF_EVENTS:
        announce(event, replace(actor, name=text), payload(event, text))
    db.session.commit()
    fan_out_events(Work("worker"))
    rows = messages(Channel.SLACK)
    assert rows
    for row in rows:
        message = write_slack(row)
        assert message["text"] == CATALOGUE[Event(row.topic)].label, "markup is read here: our words only"
        assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)
        for found in objects(message["blocks"]):
            holds = any(isinstance(value, str) and text in value for value in found.values())
            assert not holds or (found["type"], found["emoji"]) == ("plain_text", False), found
            assert found["type"] in {"section", "actions", "button", "plain_text"}
            assert "url" not in found or found["url"].startswith("http://localhost/admin/")
        assert text in json.dumps(message, ensure_ascii=False) or '"' in text


def row(event: Event, **more: Any) -> OutboxMessage:
    return OutboxMessage(
        channel=Channel.SLACK,
        topic=event.value,
        recipient="team",
        payload=told(event.value, audience="staff", user_id=None, name=None, is_about=False, **more),
        message_key="msg_1-slack",
        created_at=utcnow(),
        organization_id="org_1",
    )


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_every_message_is_as_slack_takes_it(app: Flask) -> None:
    """Limits of Block Kit: 3,000 characters in a section, ten fields of 2,000, 75 on a button, 3,000 in an address."""
    long = "x" * 9_000
    with app.app_context():
        for event in STAFF_EVENTS:
            message = write_slack(row(event, organization=long, actor=long, reason=long, member=long))
            first, facts, actions = message["blocks"]
            assert 0 < len(first["text"]["text"]) <= 3_000
            assert 0 < len(facts["fields"]) <= 10
            assert all(0 < len(field["text"]) <= 2_000 for field in facts["fields"])
            (button,) = actions["elements"]
            assert len(button["text"]["text"]) <= 75
            page = "webhooks" if CATALOGUE[event].is_staff_only else "organizations/org_1"
            assert button["url"] == f"http://localhost/admin/{page}"
            assert len(button["url"]) <= 3_000


def test_it_is_posted_under_the_rows_key(world: World, slack: FakeSlack) -> None:
    tell(Event.PLAN_CHANGED, outsider(world.acme))
    assert deliver_slack(Work("worker")) == 1
    ((key, message),) = slack.sent
    (sent,) = messages(Channel.SLACK)
    assert (key, message["text"]) == (sent.message_key, "Plan changed")
    assert sent.status == OutboxStatus.DELIVERED


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SlackNotSentError("Slack answered 404.", is_permanent=True), OutboxStatus.DEAD),
        (SlackNotSentError("Slack answered 500.", is_permanent=False), OutboxStatus.PENDING),
    ],
)
def test_what_slack_refuses_for_good_is_given_up(
    world: World, slack: FakeSlack, error: Exception, status: OutboxStatus
) -> None:
    tell(Event.PLAN_CHANGED, outsider(world.acme))
    slack.error = error
    deliver_slack(Work("worker"))
    db.session.expire_all()
    assert [found.status for found in messages(Channel.SLACK)] == [status]


def test_how_long_slack_wants_to_be_left_is_kept(world: World, slack: FakeSlack) -> None:
    tell(Event.PLAN_CHANGED, outsider(world.acme))
    slack.error = SlackNotSentError("Slack answered 429.", is_permanent=False, retry_after_seconds=90)
    deliver_slack(Work("worker"))
    db.session.expire_all()
    (waiting,) = messages(Channel.SLACK)
    assert waiting.next_attempt_at is not None
    assert (waiting.next_attempt_at - utcnow()).total_seconds() > 80
