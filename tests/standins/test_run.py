"""The demo runner, with small programs in place of the portal's own processes."""

import os
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from standins.run.environment import demo_environment, kept_secret
from standins.run.errors import DemoError
from standins.run.ports import Places, choose_places
from standins.run.procfile import read_procfile
from tests.support.processes import ROOT, Process, free_port, http_status, wait_until

# Says where it is, answers on /readyz, has a child of its own, and does not want to go.
WEB = """
    import os, signal, subprocess, sys
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(os.environ["PUBLIC_APP_URL"].encode())

        def log_message(self, *args):
            pass

    if "stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "600"])
    print("ERROR a line that a person should see")
    print("a line for the log only")
    ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Ready).serve_forever()
"""


def write_procfile(folder: Path, *, web: str = "python web.py", worker: str = "sleep 600") -> Path:
    (folder / "web.py").write_text(dedent(WEB))
    lines = [
        "release: echo migrated",
        f"web: {web.replace('web.py', str(folder / 'web.py'))}",
        f"worker: {worker}",
    ]
    path = folder / "Procfile"
    path.write_text("\n".join(lines) + "\n")
    return path


@contextmanager
def demo(
    folder: Path, procfile: Path, *, port: int | None = None, seed: str = "echo seeded", **env: str
) -> Iterator[Process]:
    arguments = ["--var", str(folder / "var"), "--procfile", str(procfile), "--seed", seed]
    here = {"PORT": str(port or free_port()), "STRIPE_API_BASE": "http://127.0.0.1:9", **env}
    with Process.python("-m", "standins", *arguments, log=folder / "out", env=here) as process:
        yield process


def ready_url(process: Process) -> str:
    return process.wait_for_line(r"The portal is ready on (\S+)")[1]


def session_members(marker: str) -> list[int]:
    """The processes that carry `marker` in their environment: everything that one demo has started."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and marker.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has just ended, or is somebody else's
    return found


def nothing_left(folder: Path) -> bool:
    return not session_members(str(folder / "var"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_every_process_ends_with_the_demo(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path, write_procfile(tmp_path)) as process:
        url = ready_url(process)
        assert len(session_members(str(tmp_path / "var"))) >= 5  # web and its child, worker, mail, hooks
        process.send(number)
        assert process.wait_for_exit() == (-number if number == signal.SIGKILL else 0)
    wait_until("nothing left", lambda: nothing_left(tmp_path))
    assert http_status(url) is None


def test_a_process_that_ignores_term_is_killed(tmp_path: Path) -> None:
    with demo(tmp_path, write_procfile(tmp_path, web="python web.py stubborn")) as process:
        ready_url(process)
        process.send(signal.SIGTERM)
        assert process.wait_for_exit(seconds=30) == 0
        assert "web did not end within 10 s and is killed" in process.output
    assert nothing_left(tmp_path)


def test_a_process_that_ignores_term_outlives_a_killed_demo_only_shortly(tmp_path: Path) -> None:
    with demo(tmp_path, write_procfile(tmp_path, web="python web.py stubborn")) as process:
        ready_url(process)
        process.send(signal.SIGKILL)
        process.wait_for_exit()
        wait_until("nothing left", lambda: nothing_left(tmp_path), seconds=30)


def test_a_child_that_dies_is_named_and_ends_the_demo(tmp_path: Path) -> None:
    with demo(
        tmp_path, write_procfile(tmp_path, worker="sh -c 'sleep 2; echo no database; exit 3'")
    ) as process:
        assert process.wait_for_exit() == 1
        assert "worker ended with exit code 3" in process.output
        assert "no database" in process.output
    assert nothing_left(tmp_path)


def test_a_failing_step_ends_the_demo_with_its_last_lines(tmp_path: Path) -> None:
    seed = "sh -c 'echo the seed says why; exit 4'"
    with demo(tmp_path, write_procfile(tmp_path), seed=seed) as process:
        assert process.wait_for_exit() == 1
        assert "seed ended with exit code 4" in process.output
        assert "the seed says why" in process.output
    assert nothing_left(tmp_path)


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(tmp_path, write_procfile(tmp_path), port=port) as process:
            assert process.wait_for_exit() == 1
            assert process.output.splitlines() == [
                f"port {port} is taken; choose another one with: PORT={port + 100} make run"
            ]


def test_two_demos_never_share_their_data(tmp_path: Path) -> None:
    procfile = write_procfile(tmp_path)
    with demo(tmp_path, procfile) as first:
        ready_url(first)
        arguments = ["--var", str(tmp_path / "var"), "--procfile", str(procfile)]
        with Process.python("-m", "standins", *arguments, log=tmp_path / "second") as second:
            assert second.wait_for_exit() == 1
            assert "already running" in second.output


def test_the_terminal_shows_errors_and_the_log_everything(tmp_path: Path) -> None:
    with demo(tmp_path, write_procfile(tmp_path)) as process:
        ready_url(process)
        assert "[web] ERROR a line that a person should see" in process.output
        assert "a line for the log only" not in process.output
        log = tmp_path / "var/log/web.log"
        wait_until("the log", lambda: "a line for the log only" in log.read_text())


def test_what_the_caller_has_exported_wins(tmp_path: Path) -> None:
    places = Places("localhost", "127.0.0.1", 6000, 6001, 6002, 6003, 6004, 6005)
    caller = {"DATABASE_URL": "postgresql://db/portal", "PATH": "/bin", "SMTP_URL": ""}
    environment = demo_environment(caller, places, tmp_path)
    assert environment["DATABASE_URL"] == "postgresql://db/portal"
    assert environment["METERING_URL"] == f"sqlite:///{tmp_path}/metering.sqlite"
    assert environment["PUBLIC_APP_URL"] == "http://localhost:6000"
    assert environment["SLACK_WEBHOOK_URL"] == "http://localhost:6004/hooks/slack"
    assert environment["STRIPE_PAYMENT_ATTEMPTS"] == "4"  # the first and the three retries of the stand-in
    assert environment["HOST"] == "127.0.0.1"
    assert environment["SMTP_URL"] == "smtp://localhost:6003"  # exported, but empty
    assert environment["PATH"].endswith(f"{os.pathsep}/bin")


def test_everywhere_is_reached_over_loopback() -> None:
    assert Places("0.0.0.0", "0.0.0.0", 5000, 1, 2, 3, 4, 5).url(5000) == "http://127.0.0.1:5000"
    assert Places("::", "::", 5000, 1, 2, 3, 4, 5).url(5000) == "http://[::1]:5000"


def test_stand_ins_get_other_ports_when_theirs_are_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        web = port - 1
        try:
            places = choose_places({"PORT": str(web)})
        except DemoError:  # somebody else has the port before ours
            return
        assert len({places.web, places.stripe, places.mail_pages, places.smtp, places.hooks}) == 5
        assert places.stripe != port


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(DemoError, match="PORT must be a number from 1 to 65535"):
        choose_places({"PORT": port})


def test_secrets_stay_the_same_and_are_private(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "secret_key")
    assert kept_secret(tmp_path / "secret_key") == first
    assert len(first) >= 64
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_the_demo_starts_what_the_procfile_names() -> None:
    commands = read_procfile(ROOT / "Procfile")
    assert commands["release"] == "flask db upgrade"
    assert commands["web"].startswith(
        "granian --interface wsgi --factory wsgi:create_app --host ${HOST:-0.0.0.0}"
    )
    assert commands["worker"] == "python -m jobs"


def test_a_procfile_without_a_worker_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    path.write_text("release: true\nweb: true\n")
    with pytest.raises(DemoError, match="worker"):
        read_procfile(path)
