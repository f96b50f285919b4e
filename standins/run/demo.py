"""Starts the demo step by step, says where it is, and ends all of it."""

import argparse
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from standins.run.children import Children, say
from standins.run.environment import SLACK_PATH, demo_environment
from standins.run.errors import DemoError, Stopped
from standins.run.greeting import greeting
from standins.run.http import call
from standins.run.ports import Places, choose_places
from standins.run.procfile import read_procfile

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0


@dataclass(frozen=True)
class Demo:
    """What one run consists of."""

    places: Places
    environment: dict[str, str]
    commands: dict[str, str]
    seed: str
    var: Path

    def start(self, children: Children) -> None:
        """Every step up to a ready portal. Raises `DemoError` and `Stopped`."""
        self._start_stand_ins(children)
        children.run("migrate", shell(self.commands["release"]))
        children.run("seed", shell(self.seed))
        self._register_webhook()
        children.start("web", shell(self.commands["web"]))
        self._wait_for(children, "web", self.places.url(self.places.web) + "/readyz")
        children.start("worker", shell(self.commands["worker"]))
        children.watch(0.5)

    @property
    def has_own_stripe(self) -> bool:
        """Not when the caller's settings lead somewhere else."""
        return self.environment["STRIPE_API_BASE"] == self.places.url(self.places.stripe)

    @property
    def has_own_mail(self) -> bool:
        """Not when the caller's settings lead somewhere else."""
        return self.environment["SMTP_URL"].endswith(f":{self.places.smtp}")

    @property
    def has_own_slack(self) -> bool:
        """Not when the caller's settings lead somewhere else."""
        return self.environment["SLACK_WEBHOOK_URL"] == self.places.url(self.places.hooks) + SLACK_PATH

    @property
    def has_own_vies(self) -> bool:
        """Not when the caller's settings lead somewhere else."""
        return self.environment["VIES_API_BASE"] == self.places.url(self.places.vies)

    def greeting(self) -> str:
        """For the terminal, once everything is ready."""
        url = self.places.url
        pages = {"Mails": url(self.places.mail_pages)} if self.has_own_mail else {}
        pages |= {"Slack messages": url(self.places.hooks)} if self.has_own_slack else {}
        pages |= {"Stripe stand-in": url(self.places.stripe)} if self.has_own_stripe else {}
        return greeting(url(self.places.web), pages, self.var / "log")

    def _start_stand_ins(self, children: Children) -> None:
        stand_ins = list(self._stand_ins())
        for name, _, arguments in stand_ins:
            command = [sys.executable, "-m", f"standins.{name}", "--host", self.places.address, *arguments]
            children.start(name, command)
        for name, port, _ in stand_ins:
            self._wait_for(children, name, self.places.url(port) + "/_control/health")

    def _stand_ins(self) -> Iterator[tuple[str, int, list[str]]]:
        """The name of each, where it answers, and what it is started with."""
        places = self.places
        if self.has_own_stripe:
            key = ["--secret-key", self.environment["STRIPE_SECRET_KEY"]]
            state = ["--state", str(self.var / "stripe.sqlite")]
            yield "stripe", places.stripe, ["--port", str(places.stripe), *state, *key]
        if self.has_own_mail:
            ports = ["--smtp-port", str(places.smtp), "--http-port", str(places.mail_pages)]
            yield "mail", places.mail_pages, [*ports, "--state", str(self.var / "mails")]
        if self.has_own_slack:
            yield "hooks", places.hooks, ["--port", str(places.hooks), "--state", str(self.var / "hooks")]
        if self.has_own_vies:
            yield "vies", places.vies, ["--port", str(places.vies)]

    def _register_webhook(self) -> None:
        if not self.has_own_stripe:
            return
        address = f"{self.environment['PUBLIC_APP_URL']}/webhooks/stripe"
        secret = self.environment["STRIPE_WEBHOOK_SECRETS"].split(",")[0].strip()
        control = self.places.url(self.places.stripe) + "/_control/webhooks"
        # Addresses of earlier runs on other ports would only be knocked at in vain.
        call("DELETE", control)
        status = call("POST", control, {"url": address, "secret": secret})
        if status is None or status >= 300:
            raise DemoError(f"the Stripe stand-in did not take the webhook address {address} ({status})")

    def _wait_for(self, children: Children, name: str, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while (status := call("GET", url)) != 200:
            if time.monotonic() > deadline:
                raise DemoError(f"{name} is not ready after {READY_SECONDS:g} s: {url} answers {status}")
            children.watch(0.1)


def shell(command: str) -> list[str]:
    """Runs it as the Procfile's other readers do; `exec`, so that signals reach the program itself."""
    return ["sh", "-c", f"exec {command}"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m standins", description="The portal with its demo; see README.md."
    )
    parser.add_argument(
        "--var", type=Path, default=ROOT / "var", help="where data and logs go (default: var)"
    )
    parser.add_argument(
        "--procfile", type=Path, default=ROOT / "Procfile", help="names the portal's processes"
    )
    parser.add_argument(
        "--seed", default="flask demo seed", help="what fills the database (default: %(default)s)"
    )
    return parser.parse_args()


def lock(var: Path) -> TextIO:
    """Two demos on the same data would spoil it. Raises `DemoError`; held until the file is closed."""
    var.mkdir(parents=True, exist_ok=True)
    file = (var / "run.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DemoError(f"a demo is already running on {var}; stop it first") from None
    return file


def prepare(options: argparse.Namespace) -> Demo:
    """Everything that can be found out before the first process starts. Raises `DemoError`."""
    var = options.var.resolve()
    places = choose_places(os.environ)
    environment = demo_environment(os.environ, places, var)
    return Demo(places, environment, read_procfile(options.procfile), options.seed, var)


def main() -> int:
    """The exit code: 0 when it was told to stop, 1 when something went wrong."""
    options = arguments()
    os.chdir(ROOT)
    try:
        with lock(options.var):
            return run(prepare(options))
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1


def run(demo: Demo) -> int:
    """Until it is told to stop, or a child ends by itself."""
    children = Children(demo.environment, demo.var / "log")
    children.listen_to_signals()
    say("starting the portal ...")
    try:
        demo.start(children)
        say(demo.greeting())
        while True:
            children.watch(3600)
    except Stopped:
        say("stopping ...")
        return 0
    finally:
        children.end()
