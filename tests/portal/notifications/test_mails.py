"""Every topic is a text and an HTML mail that say the same; what people typed stays text in both and in the headers."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from unittest.mock import patch
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask

from portal import links
from portal.config import ROOT
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import READ, Event
from portal.notifications.mails import TOPICS, write_mail
from portal.notifications.models import Audience, Channel, OutboxMessage
from portal.notifications.texts import UnwritableError, context_of, one_line
from portal.permissions import ROLE_LABELS
from portal.team.invitations import invitation_token
from tests.conftest import make_settings
from tests.portal.notifications.payloads import CREATED, payloads
from wsgi import create_app

XHTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = """<svg onload=x>"'><b id=z>&amp;{{7*7}}"""
FOLDERS = ROOT / "templates" / "emails"
SPACE = re.compile(r"\s+")
LONGEST_SUBJECT = 80
VARIANTS = [(topic, number) for topic in TOPICS for number in range(len(payloads(topic, "Ana Ruiz")))]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """One for all: nothing here asks the database."""
    return create_app(make_settings(f"sqlite:///{tmp_path_factory.mktemp('mails')}/none.sqlite"))


def mail(
    app: Flask,
    topic: str,
    typed: str = "Ana Ruiz",
    recipient: str = "ana@acme.example",
    variant: int = 0,
    **more: Any,
) -> EmailMessage:
    message = OutboxMessage(
        channel=Channel.MAIL,
        topic=topic,
        recipient=recipient,
        organization_id="org_1",
        payload={**payloads(topic, typed)[variant], **more},
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


def words(node: Element) -> str:
    """What a reader of HTML sees."""
    body = node.find(f"{XHTML}body")
    assert body is not None
    return SPACE.sub(" ", " ".join(body.itertext()))


def hrefs(written: EmailMessage) -> Iterator[str]:
    return (str(node.get("href")) for node in document(written).iter(f"{XHTML}a"))


def test_every_event_has_its_folder_and_every_folder_its_topic() -> None:
    folders = {path.name for path in FOLDERS.iterdir() if path.is_dir()}
    assert folders == set(TOPICS) == {*Event, "digest", "invitation"}
    parts = {"subject.txt", "body.txt", "body.html"}
    assert all({file.name for file in (FOLDERS / name).iterdir()} == parts for name in folders)


@pytest.mark.parametrize(("topic", "variant"), VARIANTS)
def test_every_topic_reads_well_in_both_forms(app: Flask, topic: str, variant: int) -> None:
    written = mail(app, topic, variant=variant)
    root, text = document(written), part(written, "plain")
    subject = str(written["Subject"])
    assert 0 < len(subject) <= LONGEST_SUBJECT
    assert not subject.endswith((".", "!", ":"))
    assert text.startswith(f"{subject}\n\n")
    assert "\n\n\n" not in text
    assert not [line for line in text.splitlines() if line != line.strip() and not line.startswith("  ")]
    assert "None" not in text, "what is missing is left out"
    assert "!" not in text
    headings = ["".join(node.itertext()) for node in root.iter(f"{XHTML}h1")]
    assert headings == [subject]
    assert [node.get("src") for node in root.iter(f"{XHTML}img")] == [], "nothing is loaded from elsewhere"
    assert not list(root.iter(f"{XHTML}script"))


@pytest.mark.parametrize(("topic", "variant"), VARIANTS)
def test_the_text_says_all_that_the_html_says(app: Flask, topic: str, variant: int) -> None:
    written = mail(app, topic, variant=variant)
    text, root = SPACE.sub(" ", part(written, "plain")), document(written)
    cells = [SPACE.sub(" ", "".join(node.itertext())).strip() for node in root.iter(f"{XHTML}td")]
    values = [cell for cell in cells if cell and len(cell) < 60]
    paragraphs = [SPACE.sub(" ", "".join(node.itertext())).strip() for node in root.iter(f"{XHTML}p")]
    said = [line for line in paragraphs if line and "Or open this address" not in line and "·" not in line]
    if topic not in {"digest", "invitation"}:
        assert [value for value in values if value not in text] == []
        assert [line for line in said if line not in text and not line.startswith("Sent by")] == []
    assert {href for href in hrefs(written) if href not in text} == set()


@pytest.mark.parametrize(("topic", "variant"), VARIANTS)
def test_what_people_typed_stays_text(app: Flask, topic: str, variant: int) -> None:
    plain, hostile = (
        mail(
            app, topic, typed, variant=variant, organization=typed, name=typed, why=f"as an owner of {typed}"
        )
        for typed in ("Ana Ruiz", HOSTILE)
    )
    shapes = [
        [(node.tag, sorted(node.keys())) for node in document(written).iter()] for written in (plain, hostile)
    ]
    assert shapes[0] == shapes[1]
    assert HOSTILE in "".join(document(hostile).itertext())
    assert HOSTILE in part(hostile, "plain")


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
    head = mail(app, topic, name).as_bytes(policy=SMTP).partition(b"\r\n\r\n")[0]
    assert b"\nBcc" not in head
    assert head.count(b"\nTo:") == 1


def test_a_recipient_is_no_way_to_another_header(app: Flask) -> None:
    with pytest.raises(UnwritableError):
        mail(app, "member-removed", recipient="ana@acme.example\r\nBcc: x@evil.example")


def test_an_invitation_carries_its_link(app: Flask) -> None:
    written = mail(app, "invitation")
    with app.app_context():
        link = f"http://localhost/invitations/{invitation_token('inv_1', 1)}"
    assert link in set(hrefs(written))
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


@pytest.mark.parametrize("topic", TOPICS)
def test_every_link_is_absolute_and_ours(app: Flask, topic: str) -> None:
    found = list(hrefs(mail(app, topic)))
    assert found
    assert all(href.startswith("http://localhost/") for href in found)


@pytest.mark.parametrize("event", Event)
def test_the_foot_says_why_and_how_to_stop(app: Flask, event: Event) -> None:
    written, reason = mail(app, event.value), CATALOGUE[event].locked_reason
    with app.app_context():
        settings = links.notifications()
    for text in (words(document(written)), part(written, "plain")):
        assert "You get this as an owner of Acme." in text
        assert (f"It cannot be switched off, because {reason}." in text) == bool(reason)
    assert settings in set(hrefs(written))
    stops = [href for href in hrefs(written) if "/notifications/unsubscribe/" in href]
    assert len(stops) == (0 if reason else 1)
    assert written["List-Unsubscribe"] == (None if reason else f"<{stops[0]}>")
    assert written["List-Unsubscribe-Post"] == (None if reason else "List-Unsubscribe=One-Click")


@pytest.mark.parametrize("event", Event)
def test_a_bare_address_has_no_settings_and_is_told_no_network_address(app: Flask, event: Event) -> None:
    written = mail(app, event.value, name=None, user_id=None)
    for text in (words(document(written)), part(written, "plain")):
        assert "192.0.2.7" not in text
        assert "Hello" not in text
        assert "Choose what you are told" not in text
    assert written["List-Unsubscribe"] is None


@pytest.mark.parametrize("event", Event)
def test_who_did_it_when_and_from_where(app: Flask, event: Event) -> None:
    text = part(mail(app, event.value, actor="Lee Sato", actor_kind="user", is_actor=False), "plain")
    assert "By: Lee Sato\n" in text
    assert "When: Nov 23, 2026, 07:52 UTC\n" in text
    assert "From: 192.0.2.7\n" in text
    staff = part(mail(app, event.value, actor="Lee Sato", actor_kind="staff", is_actor=False), "plain")
    assert "By: Lee Sato of Skylark\n" in staff
    for kind in ("system", "stripe"):
        assert "By:" not in part(mail(app, event.value, actor_kind=kind, is_actor=False), "plain")


@pytest.mark.parametrize("event", [event for event in Event if CATALOGUE[event].is_for_staff])
def test_staff_are_led_to_their_own_pages(app: Flask, event: Event) -> None:
    for organization_id in ("org_1", None):
        message = OutboxMessage(topic=event.value, recipient="x", payload={}, created_at=CREATED)
        payload = {
            **payloads(event.value, "Ana Ruiz")[0],
            "audience": Audience.STAFF,
            "person": "zoe@x.example",
        }
        with app.app_context():
            context = context_of(message.topic, payload, organization_id, CREATED)
            link, subject = context["link"], one_line(message.topic, context)
        page = "webhooks" if CATALOGUE[event].is_staff_only else "organizations"
        assert link.startswith(f"http://localhost/admin/{page}")
        assert subject
    written = mail(app, event.value, audience=Audience.STAFF, person="zoe@x.example", is_about=False)
    assert f"/admin/{page}" in part(written, "plain")
    assert any(href.startswith(f"http://localhost/admin/{page}") for href in hrefs(written))
    assert "your account" not in str(written["Subject"])


def test_the_payloads_tried_here_have_what_announcing_asks_for() -> None:
    assert [
        event for event in Event for shape in payloads(event.value, "x") if READ[event] - shape.keys()
    ] == []


def test_every_role_has_its_words(app: Flask) -> None:
    for label in ROLE_LABELS.values():
        assert label.lower() in part(mail(app, "member-added", role=label), "plain")


def test_a_payload_that_lacks_something_is_named_and_not_sent_half(app: Flask) -> None:
    message = OutboxMessage(
        channel=Channel.MAIL, topic="member-added", recipient="a@b.example", payload={}, message_key="msg_1"
    )
    message.created_at = datetime(2026, 11, 23, tzinfo=UTC)
    with app.app_context(), pytest.raises(UnwritableError):
        write_mail(message)
