"""Child processes: started in a group of their own, their output kept and watched, ended all together."""

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from standins.run.errors import DemoError, Stopped

TAIL_LINES = 15
CHUNK_BYTES = 65536
# A line in a log that a person at the terminal should see: a level of its own, or the start of a traceback.
ERROR = re.compile(r'\b(ERROR|CRITICAL)\b|"level":\s*"(error|critical)"|^Traceback ', re.IGNORECASE)


def say(text: str) -> None:
    """To the terminal; one that has gone away must not keep the children from being ended."""
    with suppress(OSError):
        print(text, flush=True)


class Child:
    """One process, its log file and its last lines."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._log = log.open("wb")
        self._rest = b""
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        # setpriv: the kernel sends TERM when the demo is gone, even if it was killed.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        self.output = self.process.stdout
        os.set_blocking(self.output.fileno(), False)

    def read(self) -> bool:
        """Takes over what it has printed. False once it has closed its output."""
        try:
            chunk = os.read(self.output.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return True
        self._log.write(chunk)
        self._log.flush()
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))
        return bool(chunk)

    def _take(self, line: str) -> None:
        self.tail.append(line)
        if ERROR.search(line):
            say(f"[{self.name}] {line}")

    def close(self) -> None:
        self.output.close()
        self._log.close()

    def kill_group(self) -> None:
        """Whatever is left of what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Children:
    """All of them. Everything happens in one thread; `watch` is where time passes."""

    def __init__(self, environment: Mapping[str, str], log_folder: Path) -> None:
        log_folder.mkdir(parents=True, exist_ok=True)
        self._environment = environment
        self._logs = log_folder
        self._running: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._is_told_to_stop = False
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "standins.run.guard"], stdin=subprocess.PIPE, start_new_session=True
        )

    def listen_to_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_signal)

    def _note_signal(self, number: int, frame: object) -> None:
        self._is_told_to_stop = True

    def start(self, name: str, command: Sequence[str]) -> None:
        """A process that is to stay."""
        self._guard_group(self._start(name, command).process.pid)

    def _guard_group(self, group: int) -> None:
        assert self._guard.stdin is not None  # noqa: S101 - a pipe was asked for
        self._guard.stdin.write(b"%d\n" % group)
        self._guard.stdin.flush()

    def _start(self, name: str, command: Sequence[str]) -> Child:
        log = self._logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        child = Child(name, command, self._environment, log)
        self._running.append(child)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        return child

    def run(self, name: str, command: Sequence[str]) -> None:
        """A process that is to end well. Raises `DemoError` when it fails."""
        child = self._start(name, command)
        while child.process.poll() is None:
            self.watch(0.05, but=child)
        self._drain(child)
        self._forget(child)
        if child.process.returncode != 0:
            raise self._died(child)

    def watch(self, seconds: float, but: Child | None = None) -> None:
        """Passes on output. Raises `Stopped`, or `DemoError` when a child (not `but`) has ended."""
        end = time.monotonic() + seconds
        while True:
            self._pass_on(max(0.0, min(0.2, end - time.monotonic())))
            if self._is_told_to_stop:
                raise Stopped
            for child in self._running:
                if child is not but and child.process.poll() is not None:
                    self._drain(child)
                    raise self._died(child)
            if time.monotonic() >= end:
                return

    def end(self, seconds: float = 10.0) -> None:
        """TERM in the reverse order of starting, KILL for what is still there after so long."""
        deadline = time.monotonic() + seconds
        for child in reversed(self._running):
            child.process.terminate()
            while child.process.poll() is None and time.monotonic() < deadline:
                self._pass_on(0.02)
        for child in list(self._running):
            if child.process.poll() is None:
                say(f"{child.name} did not end within {seconds:g} s and is killed")
            child.kill_group()
            self._drain(child)
            self._forget(child)
        self._guard.kill()
        self._guard.communicate()

    def _pass_on(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
        for key, _ in self._selector.select(seconds):
            child: Child = key.data
            if not child.read():
                self._selector.unregister(child.output)

    def _drain(self, child: Child) -> None:
        """The last lines. A grandchild may hold the pipe open, so this ends when nothing is waiting."""
        deadline = time.monotonic() + 0.2
        while child.output in self._selector.get_map() and time.monotonic() < deadline:
            self._pass_on(0.02)

    def _forget(self, child: Child) -> None:
        child.kill_group()
        if child.output in self._selector.get_map():
            self._selector.unregister(child.output)
        child.close()
        self._running.remove(child)

    def _died(self, child: Child) -> DemoError:
        code = child.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        lines = "\n".join(f"  {line}" for line in child.tail)
        return DemoError(
            f"{child.name} {how}; its last lines (all of them: {self._logs}/{child.name}.log):\n{lines}"
        )
