"""Processes that tests start: in a group of their own, with their output kept, always ended."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import requests

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.05
T = TypeVar("T")


class ProcessError(AssertionError):
    """A process did not do in time what the test needed; the message ends with its output."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listened on a moment ago. Prefer letting the program bind to port 0."""
    with socket.create_server((host, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def http_status(url: str, *, seconds: float = 2.0) -> int | None:
    """The status that an address answers with, or None when nobody answers in time."""
    try:
        return http().get(url, timeout=seconds, allow_redirects=False).status_code
    except requests.RequestException:
        return None


def http() -> requests.Session:
    """A client that never goes through a proxy."""
    session = requests.Session()
    session.trust_env = False
    return session


def wait_until(what: str, probe: Callable[[], T | None], *, seconds: float = 20.0) -> T:
    """The first true answer of `probe`. Raises `ProcessError`."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := probe():
            return answer
        if time.monotonic() > deadline:
            raise ProcessError(f"{what}: not within {seconds:g} s")
        time.sleep(POLL_SECONDS)


class Process:
    """A running program. As a context manager it is ended, group and all, when the block is left."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> None:
        """`env` is added to this process's environment. Output of both kinds goes to the file `log`."""
        self.log = log
        with log.open("ab") as output:
            self._log_start = output.tell()  # the file may hold what an earlier process has printed
            # setpriv: should the tests be killed, their processes end too.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *command],
                cwd=cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @classmethod
    def python(
        cls, *arguments: str | Path, log: Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT
    ) -> Self:
        """A program of this interpreter: `Process.python("-m", "jobs", log=...)`."""
        return cls([sys.executable, *arguments], log=log, env=env, cwd=cwd)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it.

        Asking does not collect it: until `kill_group` its number, which is its group's, must not go to a stranger.
        """
        if self._process.returncode is not None:
            return self._process.returncode
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_bytes()[self._log_start :].decode(errors="replace")

    def wait_for_line(self, pattern: str, *, seconds: float = 20.0) -> re.Match[str]:
        """The match of the first line of its output that `pattern` is found in."""
        found = re.compile(f"^.*{pattern}.*$", re.MULTILINE)
        return self._wait(f"a line with {pattern!r}", lambda: found.search(self.output), seconds)

    def wait_for_http(self, url: str, *, status: int = 200, seconds: float = 20.0) -> None:
        """Until `url` answers with `status`."""
        self._wait(f"{status} from {url}", lambda: http_status(url) == status, seconds)

    def wait_for_exit(self, *, seconds: float = 20.0) -> int:
        """Its exit code."""
        try:
            wait_until("its end", lambda: self.exit_code is not None, seconds=seconds)
        except ProcessError:
            raise ProcessError(f"still running after {seconds:g} s:\n{self.output[-4000:]}") from None
        return self.exit_code or 0

    def send(self, number: signal.Signals) -> None:
        """A signal to this one process, if it is still there."""
        if self._process.returncode is None:
            os.kill(self.pid, number)

    def kill_group(self) -> None:
        """SIGKILL for it and everything it has started in its group; once, since its number is free after that."""
        if self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(timeout=10)

    def stop(self, *, seconds: float = 15.0) -> int:
        """TERM, then KILL for what is left of its group. Its exit code."""
        self.send(signal.SIGTERM)
        with suppress(ProcessError):
            self.wait_for_exit(seconds=seconds)
        self.kill_group()
        return self._process.returncode

    def _wait(self, what: str, probe: Callable[[], T | None], seconds: float) -> T:
        def probe_while_alive() -> T | None:
            answer = probe()
            if not answer and self.exit_code is not None and not (answer := probe()):
                raise ProcessError(f"ended with {self.exit_code} before {what}:\n{self.output[-4000:]}")
            return answer

        try:
            return wait_until(what, probe_while_alive, seconds=seconds)
        except ProcessError as error:
            raise ProcessError(f"{error}\n{self.output[-4000:]}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Catcher:
    """A process that catches what others send. `url` is where it answers, `api` where it tells what it caught."""

    process: Process
    url: str
    api: str

    def caught(self) -> list[dict[str, Any]]:
        """Everything, newest first."""
        answer = http().get(self.url + self.api, timeout=5)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found

    def faults(self, mode: str, *, count: int | None = None, seconds: float = 3600.0) -> None:
        """What happens to what comes next; see `MODES` in `standins.mail.smtp` and `standins.hooks.receiving`."""
        wish = {"mode": mode, "count": count, "seconds": seconds}
        http().post(f"{self.url}/_control/faults", json=wish, timeout=5).raise_for_status()

    def clear(self) -> None:
        """Forgets everything."""
        http().delete(self.url + self.api, timeout=5).raise_for_status()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.stop()

    def _start(self, module: str, folder: Path, pattern: str) -> re.Match[str]:
        """Starts it with its state in `folder`; the match of the line in which it says where it is."""
        name = module.rpartition(".")[2]
        state = ["--state", str(folder / name)]
        self.process = Process.python("-m", module, *state, log=folder / f"{name}-catcher.log")
        try:
            return self.process.wait_for_line(pattern)
        except ProcessError:
            self.process.stop()
            raise


class MailCatcher(Catcher):
    """The mail catcher, with its mails in `folder`."""

    api = "/api/mails"

    def __init__(self, folder: Path) -> None:
        line = self._start("standins.mail", folder, r"smtp on (\S+):(\d+), pages on (\S+)")
        self.smtp_host, self.smtp_port, self.url = line[1], int(line[2]), line[3]
        self.smtp_url = f"smtp://{self.smtp_host}:{self.smtp_port}"

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        """The caught mails, newest first; only those to one recipient if given."""
        return [mail for mail in self.caught() if to is None or to in mail["to"]]

    def wait_for_mail(self, to: str, *, subject: str = "", seconds: float = 20.0) -> dict[str, Any]:
        """The newest mail to `to` whose subject contains `subject`."""

        def probe() -> dict[str, Any] | None:
            return next((mail for mail in self.mails(to) if subject in mail["subject"]), None)

        return wait_until(f"a mail to {to}", probe, seconds=seconds)


class HookCatcher(Catcher):
    """The webhook catcher, with what it caught in `folder`."""

    api = "/api/hooks"

    def __init__(self, folder: Path) -> None:
        self.url = self._start("standins.hooks", folder, r"webhook catcher: on (\S+)")[1]

    @property
    def slack_url(self) -> str:
        """What SLACK_WEBHOOK_URL is set to."""
        return f"{self.url}/hooks/slack"

    def taken(self, text: str = "") -> list[dict[str, Any]]:
        """Those that arrived with `text` in their body, newest first; `caught` has those that were refused too."""
        return [hook for hook in self.caught() if hook["taken"] and text in hook["body"]]

    def wait_for_hook(self, text: str, *, seconds: float = 20.0) -> dict[str, Any]:
        """The newest that arrived with `text` in its body."""
        return wait_until(
            f"a webhook with {text!r}", lambda: next(iter(self.taken(text)), None), seconds=seconds
        )


class ViesStandin(Catcher):
    """The stand-in of the EU's register of VAT numbers. It keeps nothing; see `MODES` in `standins.vies.server`."""

    def __init__(self, folder: Path) -> None:
        self.process = Process.python("-m", "standins.vies", log=folder / "vies.log")
        try:
            self.url = self.process.wait_for_line(r"vies stand-in: on (\S+)")[1]
        except ProcessError:
            self.process.stop()
            raise
