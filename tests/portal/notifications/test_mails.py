"""Every topic is a text and an HTML mail; what people typed stays text in both and in the headers."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from unittest.mock import patch
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask

from portal.notifications.mails import TOPICS, write_mail
from portal.notifications.models import Channel, OutboxMessage
from portal.team.invitations import invitation_token

XHTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = """<svg onload=x>"'><b id=z>&amp;{{7*7}}"""
CREATED = datetime(2026, 11, 23, 7, 52, tzinfo=UTC)
DETAILS = {"name": "Acme", "billing_email": "billing@acme.example"}


@pytest.fixture
def engine_name() -> str:
    return "sqlite"


def payload(topic: str, name: str) -> dict[str, Any]:
    payloads: dict[str, dict[str, Any]] = {
        "invitation": {
            "invitation_id": "inv_1",
            "sent_count": 1,
            "organization": name,
            "actor": name,
            "role": "member",
            "expires_at": CREATED.isoformat(),
        },
        "member-role-changed": {
            "name": name,
            "organization": name,
            "actor": name,
            "role": "Admin",
            "role_before": "Member",
        },
        "member-removed": {"name": "Ana", "organization": name, "actor": name, "is_self": False},
        "billing-details-changed": {"actor": name, "before": DETAILS, "after": {**DETAILS, "name": name}},
        "api-key-created": {"actor": name, "key": name, "prefix": "ptl_abcdefgh", "organization": name},
    }
    return payloads[topic]


def mail(app: Flask, topic: str, name: str = "Ana Ruiz", recipient: str = "ana@acme.example") -> EmailMessage:
    message = OutboxMessage(
        channel=Channel.MAIL,
        topic=topic,
        recipient=recipient,
        payload=payload(topic, name),
        message_key="msg_1",
        created_at=CREATED,
    )
    with app.app_context(), patch("portal.notifications.mails.is_still_sent", return_value=True):
        return write_mail(message)


def part(written: EmailMessage, kind: str) -> str:
    body = written.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def document(written: EmailMessage) -> Element:
    found: Element = html5lib.HTMLParser(strict=True).parse(part(written, "html"))
    return found


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_reads_well_in_both_forms(app: Flask, topic: str) -> None:
    written = mail(app, topic)
    root = document(written)
    assert written["Subject"]
    assert "\n\n\n" not in part(written, "plain").strip()
    assert len(list(root.iter(f"{XHTML}h1"))) == 1
    assert [node.get("src") for node in root.iter(f"{XHTML}img")] == [], "nothing is loaded from elsewhere"
    assert not list(root.iter(f"{XHTML}script"))


@pytest.mark.parametrize("topic", TOPICS)
def test_what_people_typed_stays_text(app: Flask, topic: str) -> None:
    plain, hostile = mail(app, topic), mail(app, topic, HOSTILE)
    shapes = [
        [(node.tag, sorted(node.keys())) for node in document(written).iter()] for written in (plain, hostile)
    ]
    assert shapes[0] == shapes[1]
    assert HOSTILE in "".join(document(hostile).itertext())
    assert HOSTILE in part(hostile, "plain")
    assert HOSTILE in str(hostile["Subject"])


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    "name",
    [
        "a\r\nBcc: x@evil.example",
        "a\nBcc: x@evil.example",
        "a\rBcc: x@evil.example",
        "a\x00b",
        "a\u2028Bcc: x",
    ],
)
def test_a_header_cannot_be_injected(app: Flask, topic: str, name: str) -> None:
    try:
        written = mail(app, topic, name)
    except ValueError:
        return  # the standard library refuses line ends in a header
    head = written.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[0]
    assert b"\nBcc" not in head
    assert written.get_all("Bcc") is None
    assert written.get_all("To") == ["ana@acme.example"]


def test_a_recipient_is_no_way_to_another_header(app: Flask) -> None:
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        mail(app, "member-removed", recipient="ana@acme.example\r\nBcc: x@evil.example")


def test_an_invitation_carries_its_link(app: Flask) -> None:
    written = mail(app, "invitation")
    with app.app_context():
        link = f"http://localhost/invitations/{invitation_token('inv_1', 1)}"
    hrefs = [node.get("href") for node in document(written).iter(f"{XHTML}a")]
    assert link in hrefs
    assert link in part(written, "plain")


def test_headers_say_that_a_machine_wrote_it(app: Flask) -> None:
    written = mail(app, "member-removed")
    assert written["Auto-Submitted"] == "auto-generated"
    assert written["Message-ID"] == "<msg_1@localhost>"
    assert written["Date"] == "Mon, 23 Nov 2026 07:52:00 +0000"
    assert written["From"] == "Portal <no-reply@portal.example>"


def test_long_and_foreign_names_survive_the_way(app: Flask) -> None:
    name = "Zoë 🦊 李小龙 " * 9
    written = mail(app, "invitation", name.strip())
    head = written.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 998
    assert name.strip() in str(written["Subject"])


def test_every_link_is_absolute_and_ours(app: Flask) -> None:
    for topic in TOPICS:
        hrefs = [str(node.get("href")) for node in document(mail(app, topic)).iter(f"{XHTML}a")]
        assert hrefs
        assert all(href.startswith("http://localhost/") for href in hrefs), topic
