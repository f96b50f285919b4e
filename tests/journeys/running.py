"""The whole portal as processes: the demo as `make run` starts it, and its parts one by one for what breaks them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Engine, create_engine

from standins.run.demo import shell
from standins.run.environment import demo_environment
from standins.run.ports import Places
from standins.run.procfile import read_procfile
from tests.support.processes import ROOT, HookCatcher, MailCatcher, Process, ViesStandin, free_port
from tests.support.stripe_standin import StripeStandin

HOST = "127.0.0.1"
# What somebody may have exported for a portal of their own; empty counts as not set.
FOREIGN = (
    *(
        "DATABASE_URL",
        "METERING_URL",
        "PUBLIC_APP_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "SLACK_WEBHOOK_URL",
        "SMTP_URL",
        "VIES_API_BASE",
    ),
    *("STRIPE_API_BASE", "STRIPE_PORTAL_CONFIG_ID", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"),
)
NOT_SET = dict.fromkeys(FOREIGN, "")
START_SECONDS = 90.0


class StartedMailCatcher(MailCatcher):
    """A mail catcher that somebody else has started and will end."""

    def __init__(self, url: str) -> None:
        self.url = url


class StartedHookCatcher(HookCatcher):
    """A webhook catcher that somebody else has started and will end."""

    def __init__(self, url: str) -> None:
        self.url = url


@dataclass(frozen=True)
class Portal:
    """A portal that runs: where its pages are, its stand-ins, its database and its log."""

    url: str
    database_url: str
    stripe: StripeStandin
    mails: MailCatcher
    hooks: HookCatcher
    process: Process


@contextmanager
def demo_portal(folder: Path, database_url: str = "") -> Iterator[Portal]:
    """The demo with everything in `folder`, on free ports; ended, and checked for faults, when the block is left."""
    var = folder / "var"
    here = {**NOT_SET, "HOST": HOST, "PORT": str(free_port()), "DATABASE_URL": database_url}
    with Process.python("-m", "standins", "--var", str(var), log=folder / "demo.log", env=here) as process:
        url = process.wait_for_line(r"The portal is ready on (\S+)", seconds=START_SECONDS)[1]
        mails = process.wait_for_line(r"Mails\s+(http\S+)")[1]
        hooks = process.wait_for_line(r"Slack messages\s+(http\S+)")[1]
        stripe = StripeStandin(var)
        stripe.url = process.wait_for_line(r"Stripe stand-in\s+(http\S+)")[1]
        database_url = database_url or f"sqlite:///{var / 'portal.sqlite'}"
        catchers = StartedMailCatcher(mails), StartedHookCatcher(hooks)
        yield Portal(url, database_url, stripe, *catchers, process)
        assert process.exit_code is None, process.output[-4000:]
        assert "Traceback" not in process.output, process.output[-4000:]


@dataclass
class Parts:
    """The portal's processes, each to be started, killed and started again by the test."""

    folder: Path
    stripe: StripeStandin
    mails: MailCatcher
    hooks: HookCatcher
    environment: dict[str, str]
    commands: dict[str, str] = field(default_factory=lambda: read_procfile(ROOT / "Procfile"))

    @property
    def database_url(self) -> str:
        """Where every process finds the data."""
        return self.environment["DATABASE_URL"]

    @property
    def urls(self) -> list[str]:
        """The addresses of the two web servers."""
        return [f"http://{HOST}:{port}" for port in (self.environment["PORT"], self.environment["PORT_2"])]

    def run(self, command: str) -> None:
        """A command of the portal that ends by itself, and well."""
        with Process(shell(command), log=self.folder / "commands.log", env=self.environment) as process:
            code = process.wait_for_exit(seconds=START_SECONDS)
            assert code == 0, process.output[-4000:]

    def web(self, url: str) -> Process:
        """A web server of two processes, as the Procfile starts it; the caller waits for it and ends it."""
        port = str(urlsplit(url).port)
        log = self.folder / f"web-{port}.log"
        return Process(shell(self.commands["web"]), log=log, env={**self.environment, "PORT": port})

    def worker(self) -> Process:
        """A worker that has started; the caller ends it."""
        process = Process(
            shell(self.commands["worker"]), log=self.folder / "worker.log", env=self.environment
        )
        process.wait_for_line("worker started")
        return process

    def engine(self) -> Engine:
        """For a look into the database; the caller disposes of it."""
        return create_engine(self.database_url)


@contextmanager
def portal_parts(folder: Path, database_url: str = "") -> Iterator[Parts]:
    """Stand-ins, a seeded database and two web servers on it; no worker."""
    with ExitStack() as scope:
        # A port of its own: the test may end it and start it again.
        stripe = scope.enter_context(StripeStandin(folder, port=free_port()))
        mails = scope.enter_context(MailCatcher(folder))
        hooks = scope.enter_context(HookCatcher(folder))
        vies = scope.enter_context(ViesStandin(folder))
        web = free_port()
        ports = [
            urlsplit(address).port or 0
            for address in (stripe.url, mails.url, mails.smtp_url, hooks.url, vies.url)
        ]
        environment = demo_environment(NOT_SET, Places(HOST, HOST, web, *ports), folder)
        environment |= {"PORT_2": str(free_port())} | ({"DATABASE_URL": database_url} if database_url else {})
        parts = Parts(folder, stripe, mails, hooks, environment)
        parts.run(parts.commands["release"])
        parts.run("flask demo seed")
        url, secret = f"{parts.urls[0]}/webhooks/stripe", environment["STRIPE_WEBHOOK_SECRETS"]
        stripe.drop_webhooks()
        stripe.set_webhook(url, secret)
        servers = [scope.enter_context(parts.web(url)) for url in parts.urls]
        for server, url in zip(servers, parts.urls, strict=True):
            server.wait_for_http(f"{url}/readyz", seconds=START_SECONDS)
        yield parts
