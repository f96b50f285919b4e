"""The webhook against a real HTTP server on this machine."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from portal.gateways import slack as module
from portal.gateways.slack import LONGEST_WAIT_SECONDS, SlackNotSentError, SlackWebhook
from portal.kit.work import LEASE
from portal.logs import configure_logging
from tests.support.processes import free_port

SECRET_PATH = "/services/T000/B000/veryhiddenpart"
MESSAGE = {"text": "Plan changed", "blocks": [{"type": "section"}]}


class Slack(ThreadingHTTPServer):
    """Answers each post with what is wanted next."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Whoever posts may hang up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[tuple[str, dict[str, str], Any]] = []
        self.status, self.headers, self.is_endless = 200, {}, False
        self.end = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{SECRET_PATH}"


class Handler(BaseHTTPRequestHandler):
    """One post."""

    server: Slack

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), json.loads(body)))
        if self.server.status == 0:  # never
            self.server.end.wait(20)
            return
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")
        while self.server.is_endless and not self.server.end.is_set():
            self.wfile.write(b"x" * 65_536)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server() -> Iterator[Slack]:
    server = Slack()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.end.set()
    server.shutdown()
    server.server_close()


def refused(url: str) -> SlackNotSentError:
    with pytest.raises(SlackNotSentError) as refusal:
        SlackWebhook(url).send(MESSAGE, idempotency_key="msg_1-slack")
    return refusal.value


def test_a_message_arrives_whole_with_its_key(server: Slack) -> None:
    SlackWebhook(server.url).send(MESSAGE, idempotency_key="msg_1-slack")
    ((path, headers, body),) = server.taken
    assert (path, body) == (SECRET_PATH, MESSAGE)
    assert (headers["Idempotency-Key"], headers["Content-Type"]) == ("msg_1-slack", "application/json")


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_what_will_never_be_taken_is_not_tried_again(server: Slack, status: int) -> None:
    server.status = status
    assert (refused(server.url).is_permanent, len(server.taken)) == (True, 1)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 302, 204])
def test_everything_else_is_tried_again(server: Slack, status: int) -> None:
    server.status = status
    error = refused(server.url)
    assert (error.is_permanent, error.message) == (False, f"Slack answered {status}.")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("999999999999", LONGEST_WAIT_SECONDS),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("1.5", 0),
        ("²", 0),
    ],
)
def test_how_long_it_wants_to_be_left(server: Slack, text: str, seconds: int) -> None:
    server.status, server.headers = 429, {"Retry-After": text.encode("latin-1", "replace").decode("latin-1")}
    assert refused(server.url).retry_after_seconds == seconds


def test_a_redirect_is_not_followed(server: Slack) -> None:
    server.status, server.headers = 307, {"Location": f"http://127.0.0.1:{free_port()}/"}
    assert refused(server.url).message == "Slack answered 307."
    assert len(server.taken) == 1


def test_an_answer_without_end_is_not_read(server: Slack) -> None:
    server.is_endless = True
    webhook = SlackWebhook(server.url)
    sending = threading.Thread(target=webhook.send, args=(MESSAGE,), kwargs={"idempotency_key": "msg_1"})
    sending.start()
    sending.join(timeout=10)
    assert not sending.is_alive()


def test_a_server_that_never_answers_does_not_hold_the_worker(
    server: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    server.status = 0
    assert refused(server.url).is_permanent is False


def test_asking_ends_well_before_the_lease() -> None:
    assert LEASE.total_seconds() / 2 > module.CONNECT_SECONDS + module.ANSWER_SECONDS


def test_the_address_is_in_no_error_and_no_log(server: Slack, caplog: pytest.LogCaptureFixture) -> None:
    configure_logging("DEBUG")
    caplog.set_level(logging.DEBUG)
    errors = [
        refused(f"http://127.0.0.1:{free_port()}{SECRET_PATH}"),
        refused("http://127.0.0.1:0" + SECRET_PATH),
    ]
    server.status = 500
    errors.append(refused(server.url))
    for error in errors:
        assert "veryhiddenpart" not in f"{error!r} {error.message} {error.__cause__!r}"
        assert error.__suppress_context__ or error.__context__ is None
    configure_logging("INFO")
    assert "veryhiddenpart" not in caplog.text
