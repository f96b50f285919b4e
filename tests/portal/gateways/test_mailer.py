"""The mailer against a real SMTP server on this machine."""

import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from portal.gateways import mailer as module
from portal.gateways.mailer import Mailer, MailNotSentError
from tests.support.processes import MailCatcher, free_port


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    folder: Path = tmp_path_factory.mktemp("mails")
    with MailCatcher(folder) as process:
        yield process


@pytest.fixture(autouse=True)
def _fresh(catcher: MailCatcher) -> None:
    catcher.faults("ok")
    catcher.clear()


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = "Grüße an 李"
    mail["From"] = "Portal <no-reply@portal.example>"
    mail["To"] = "ana@acme.example"
    mail["Message-ID"] = "<msg_1@portal.example>"
    mail.set_content("Zahlung für März\n")
    mail.add_alternative("<p>Zahlung für März</p>", subtype="html")
    return mail


def test_a_mail_arrives_whole(catcher: MailCatcher) -> None:
    Mailer(catcher.smtp_url).send(message())
    (caught,) = catcher.mails()
    assert (caught["subject"], caught["message_id"]) == ("Grüße an 李", "<msg_1@portal.example>")
    assert caught["to"] == ["ana@acme.example"]
    assert "Zahlung für März" in caught["text"]


@pytest.mark.parametrize(("mode", "is_permanent"), [("451", False), ("550", True)])
def test_a_refusal_says_whether_trying_again_makes_sense(
    catcher: MailCatcher, mode: str, is_permanent: bool
) -> None:
    catcher.faults(mode, count=1)
    with pytest.raises(MailNotSentError, match=mode) as refusal:
        Mailer(catcher.smtp_url).send(message())
    assert refusal.value.is_permanent is is_permanent
    assert "ana@acme.example" not in refusal.value.message
    assert catcher.mails() == []


def test_a_connection_that_ends_in_the_middle_is_tried_again(catcher: MailCatcher) -> None:
    catcher.faults("drop_after_data", count=1)
    with pytest.raises(MailNotSentError) as refusal:
        Mailer(catcher.smtp_url).send(message())
    assert not refusal.value.is_permanent


def test_a_server_that_says_nothing_is_given_up_in_time(
    catcher: MailCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEP_SECONDS", 0.3)
    catcher.faults("hang", count=1, seconds=5)
    with pytest.raises(MailNotSentError) as refusal:
        Mailer(catcher.smtp_url).send(message())
    assert not refusal.value.is_permanent


def test_nobody_listening_is_tried_again() -> None:
    with pytest.raises(MailNotSentError, match="ConnectionRefused") as refusal:
        Mailer(f"smtp://127.0.0.1:{free_port()}").send(message())
    assert not refusal.value.is_permanent


def test_smtps_to_a_plain_server_is_refused_and_sends_nothing(catcher: MailCatcher) -> None:
    with pytest.raises(MailNotSentError):
        Mailer(f"smtps://{catcher.smtp_host}:{catcher.smtp_port}").send(message())
    assert catcher.mails() == []


def test_credentials_are_never_sent_in_the_clear(catcher: MailCatcher) -> None:
    """The sink offers no STARTTLS: a mailer with a password must refuse, not whisper it to whoever listens."""
    with pytest.raises(MailNotSentError):
        Mailer(f"smtp://user:secret@{catcher.smtp_host}:{catcher.smtp_port}").send(message())
    assert catcher.mails() == []


@pytest.mark.parametrize("lines", [b"554 no service here\r\n", b"garbage\r\n", b""])
def test_a_greeting_of_any_kind_is_no_fault_of_ours(lines: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(lines)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(MailNotSentError):
            Mailer(f"smtp://127.0.0.1:{server.getsockname()[1]}").send(message())
        thread.join(timeout=5)
