"""The mail catcher: a real SMTP client on one side, HTTP and a browser on the other."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page

from standins.mail.links import with_links
from tests.support.browser import assert_no_axe_violations
from tests.support.processes import MailCatcher, Process, http, wait_until

HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)>"


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path) as process:
        yield process


def message(subject: str = "You are invited", to: str = "ada@acme.example") -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["From"] = "Skylark <no-reply@portal.example>"
    mail["To"] = to
    mail["Message-ID"] = make_msgid(domain="portal.example")
    mail.set_content("Grüße, open http://127.0.0.1:5000/invitations/abc.\n")
    mail.add_alternative('<p>Grüße, <a href="http://127.0.0.1:5000/x">open it</a></p>', subtype="html")
    return mail


def send(
    catcher: MailCatcher, mail: EmailMessage, *, to: list[str] | None = None, seconds: float = 10
) -> None:
    with smtplib.SMTP(catcher.smtp_host, catcher.smtp_port, timeout=seconds) as client:
        client.send_message(mail, to_addrs=to)


def test_a_mail_is_caught_whole(catcher: MailCatcher) -> None:
    sent = message("Zahlung für März")
    send(catcher, sent)
    (caught,) = catcher.mails()
    assert caught["subject"] == "Zahlung für März"
    assert caught["message_id"] == sent["Message-ID"]
    assert caught["from"] == "no-reply@portal.example"
    assert caught["to"] == ["ada@acme.example"]
    assert "Grüße" in caught["text"]
    assert "<a href=" in caught["html"]
    assert ["To", "ada@acme.example"] in caught["headers"]
    assert caught["received_at"].endswith("+00:00")


def test_recipients_are_those_of_the_envelope(catcher: MailCatcher) -> None:
    send(catcher, message(to="visible@acme.example"), to=["blind@acme.example"])
    assert [mail["to"] for mail in catcher.mails()] == [["blind@acme.example"]]


def test_the_newest_mail_comes_first(catcher: MailCatcher) -> None:
    for number in range(3):
        send(catcher, message(f"number {number}"))
    assert [mail["subject"] for mail in catcher.mails()] == ["number 2", "number 1", "number 0"]


def test_mails_survive_a_restart(tmp_path: Path) -> None:
    with MailCatcher(tmp_path) as first:
        send(first, message())
        before = first.mails()
        first.process.kill_group()
    with MailCatcher(tmp_path) as second:
        assert second.mails() == before


def test_deleting_forgets_every_mail(catcher: MailCatcher, tmp_path: Path) -> None:
    send(catcher, message())
    catcher.clear()
    assert catcher.mails() == []
    assert list((tmp_path / "mail").iterdir()) == []


def test_refused_for_now_keeps_nothing(catcher: MailCatcher) -> None:
    catcher.faults("451", count=1)
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        send(catcher, message())
    assert refusal.value.smtp_code == 451
    assert catcher.mails() == []
    send(catcher, message())  # the count is used up
    assert len(catcher.mails()) == 1


def test_refused_recipient_is_told_at_once(catcher: MailCatcher) -> None:
    catcher.faults("550")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(catcher, message())
    assert refusal.value.recipients["ada@acme.example"][0] == 550
    catcher.faults("ok")
    send(catcher, message())


def test_a_dropped_connection_hides_that_the_mail_was_taken(catcher: MailCatcher) -> None:
    catcher.faults("drop_after_data", count=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        send(catcher, message())
    assert len(catcher.mails()) == 1


def test_a_hanging_server_answers_late_and_keeps_nothing(catcher: MailCatcher) -> None:
    catcher.faults("hang", seconds=60)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        send(catcher, message(), seconds=0.5)
    catcher.faults("hang", count=1, seconds=0.1)
    with pytest.raises(smtplib.SMTPDataError):
        send(catcher, message())
    assert catcher.mails() == []


@pytest.mark.parametrize(
    "wish",
    [{}, {"mode": "452"}, {"mode": "ok", "count": -1}, {"mode": "hang", "seconds": "long"}, [], "text"],
)
def test_a_wrong_switch_is_refused(catcher: MailCatcher, wish: object) -> None:
    assert http().post(f"{catcher.url}/_control/faults", json=wish, timeout=5).status_code == 400


@pytest.mark.parametrize(
    "path", ["/mails/unknown", "/mails/..%2f..%2fetc%2fpasswd", "/mails/x/html", "/mails/x/source"]
)
def test_an_unknown_mail_is_not_found(catcher: MailCatcher, path: str) -> None:
    assert http().get(catcher.url + path, timeout=5).status_code == 404


def test_the_source_is_what_was_sent(catcher: MailCatcher) -> None:
    send(catcher, message("the subject"))
    source = http().get(f"{catcher.url}/mails/{catcher.mails()[0]['id']}/source", timeout=5)
    assert source.headers["Content-Type"].startswith("text/plain")
    assert source.headers["X-Content-Type-Options"] == "nosniff"
    assert "Subject: the subject" in source.text


def test_a_person_reads_the_mail_and_follows_its_link(catcher: MailCatcher, page: Page) -> None:
    send(catcher, message())
    page.goto(catcher.url)
    assert_no_axe_violations(page)
    page.get_by_role("link", name="You are invited").click()
    assert_no_axe_violations(page)
    link = page.locator("pre a")
    assert link.get_attribute("href") == "http://127.0.0.1:5000/invitations/abc"
    assert page.frame_locator("iframe").get_by_role("link", name="open it").is_visible()


def test_a_hostile_mail_does_nothing_to_the_page(catcher: MailCatcher, page: Page) -> None:
    mail = EmailMessage()
    mail["Subject"] = HOSTILE
    mail["From"] = "x@example.com"
    mail["To"] = "y@example.com"
    mail.set_content(HOSTILE)
    mail.add_alternative(HOSTILE, subtype="html")
    send(catcher, mail)
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    mail_id = catcher.mails()[0]["id"]
    for path in ("/", f"/mails/{mail_id}", f"/mails/{mail_id}/html"):
        page.goto(catcher.url + path)
        page.wait_for_load_state("networkidle")
        assert page.title() != "owned"
    assert dialogs == []


def test_a_port_that_is_taken_is_one_clear_line(catcher: MailCatcher, tmp_path: Path) -> None:
    taken = ["--smtp-port", str(catcher.smtp_port), "--state", str(tmp_path / "other")]
    with Process.python("-m", "standins.mail", *taken, log=tmp_path / "second.log") as second:
        assert second.wait_for_exit() == 1
        assert len(second.output.splitlines()) == 1


def test_term_ends_it_well(catcher: MailCatcher) -> None:
    catcher.process.stop()
    assert catcher.process.exit_code == 0
    wait_until("closed", lambda: is_closed(catcher.url))


def is_closed(url: str) -> bool:
    try:
        http().get(url, timeout=1)
    except OSError:
        return True
    return False


def test_addresses_become_links_and_text_stays_text() -> None:
    text = 'see https://a.example/x?y=1&z=2. <b>(http://b.example)</b> "javascript:alert(1)"'
    html = str(with_links(text))
    assert 'href="https://a.example/x?y=1&amp;z=2"' in html
    assert 'href="http://b.example"' in html
    assert "&lt;b&gt;" in html
    assert 'href="javascript' not in html
