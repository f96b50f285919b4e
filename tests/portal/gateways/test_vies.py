"""The register of VAT numbers over real HTTP: an answer is one only if the register gives one."""

import socket
import threading
from collections.abc import Iterator

import pytest

from portal.gateways import vies
from portal.gateways.vies import ViesAnswer, ViesRegister, ViesUnavailableError
from standins.vies.server import MODES
from tests.support.processes import ViesStandin, free_port


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ViesStandin]:
    with ViesStandin(tmp_path_factory.mktemp("vies")) as process:
        yield process


def test_answers_are_read(standin: ViesStandin) -> None:
    register = ViesRegister(standin.url)
    assert register.look_up("ATU13585627") == ViesAnswer(is_valid=True, name="TRADER ATU13585627")
    assert register.look_up("DE136695976") == ViesAnswer(is_valid=True, name="")
    assert register.look_up("ATU13585620") == ViesAnswer(is_valid=False, name="")
    assert register.look_up("ZZ1") == ViesAnswer(is_valid=False, name="")


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "ok"])
def test_silence_is_no_answer(standin: ViesStandin, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vies, "ANSWER_SECONDS", 0.3)
    standin.faults(mode, count=1, seconds=1.0)
    with pytest.raises(ViesUnavailableError):
        ViesRegister(standin.url).look_up("ATU13585627")


def test_a_member_state_that_does_not_answer_and_a_closed_port_are_no_answer(standin: ViesStandin) -> None:
    for base, number in ((standin.url, "ATU13585629"), (f"http://127.0.0.1:{free_port()}", "ATU13585627")):
        with pytest.raises(ViesUnavailableError):
            ViesRegister(base).look_up(number)


@pytest.mark.parametrize(
    "body",
    [
        b'{"valid": false, "userError": "MS_MAX_CONCURRENT_REQ"}',
        b'{"valid": "false"}',
        b'{"actionSucceed": false, "valid": false}',
        b'{"valid": false, "errorWrappers": [{"error": "TIMEOUT"}]}',
        b"[]",
        b"[" * 20_000,
        b'{"valid": tr',
        b"",
    ],
)
def test_odd_answers_never_make_a_number_invalid(body: bytes) -> None:
    check_silence(body)


@pytest.mark.parametrize("status", [b"503 Service Unavailable", b"302 Found", b"202 Accepted"])
def test_only_status_200_is_an_answer(status: bytes) -> None:
    check_silence(b'{"valid": false}', status)


def check_silence(body: bytes, status: bytes = b"200 OK") -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        base = f"http://127.0.0.1:{server.getsockname()[1]}"
        answer_once(server, body, status)
        with pytest.raises(ViesUnavailableError):
            ViesRegister(base).look_up("DE136695976")


def answer_once(server: socket.socket, body: bytes, status: bytes) -> None:
    """Give the next connection this body."""

    def run() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            connection.sendall(head % (status, len(body)) + body)

    threading.Thread(target=run, daemon=True).start()
