"""Fixtures for every test: an application on each database engine, and visitors who use it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade

from portal.config import Settings, load_settings
from portal.context import Services
from portal.extensions import db
from tests.factories import World
from tests.fakes import FakeMailer, FakeSlack, FakeStripe, FakeVies
from tests.support import help_desk
from tests.support.postgres import create_database, drop_database
from tests.visitor import Visitor
from wsgi import create_app

pytest_plugins = ["tests.support.postgres", "tests.support.browser", "tests.support.no_skips"]
SECRET_KEY = "test-secret-key-that-is-long-enough-0123456789"
WEBHOOK_SECRET = "whsec_test_secret"
SERVICE_TOKEN = "service-token-of-the-tests-0123456789"
ENGINES = ("sqlite", "postgres")


def make_settings(database_url: str, **more: object) -> Settings:
    """Settings of a test application; `more` are further fields of `Settings`."""
    values: dict[str, object] = {
        "secret_key": SECRET_KEY,
        "database_url": database_url,
        "public_app_url": "http://localhost",
        "product_name": "Skylark",
        "stripe_secret_key": "sk_test_unit",
        "stripe_webhook_secrets": WEBHOOK_SECRET,
        "service_tokens": SERVICE_TOKEN,
        **help_desk.SECRETS,
    }
    return load_settings(**{**values, **more})


def migrate(database_url: str) -> None:
    """Bring a database to the newest revision."""
    app = create_app(make_settings(database_url))
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Takes the place of pytest-flask's: its context would leak `g` from one visitor to the next."""


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "portal.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_admin_url: str, worker_id: str) -> Iterator[str]:
    """The name of a migrated Postgres database to copy."""
    name = f"template_{worker_id}"
    migrate(create_database(postgres_admin_url, name))
    yield name
    drop_database(postgres_admin_url, name)


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Each test that touches the database runs on both engines."""
    return str(request.param)


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database of one engine."""
    if engine_name == "sqlite":
        path = tmp_path / "portal.sqlite"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    admin_url = request.getfixturevalue("postgres_admin_url")
    name = f"portal_{tmp_path.name}_{request.getfixturevalue('worker_id')}"[:60].lower()
    yield create_database(admin_url, name, request.getfixturevalue("migrated_postgres"))
    drop_database(admin_url, name)


@pytest.fixture
def metering_url(tmp_path: Path) -> str:
    """Where a test's metering database would be; `demo.usage` can fill it."""
    return f"sqlite:///{tmp_path / 'metering.sqlite'}"


@pytest.fixture
def app(database_url: str, metering_url: str) -> Iterator[Flask]:
    """The application, with doubles at the gateways to Stripe and to the mail server."""
    app = create_app(make_settings(database_url, metering_url=metering_url))
    app.config["SERVER_NAME"] = "localhost"
    services: Services = app.extensions["portal"]
    services.stripe = FakeStripe(services.settings)
    services.mailer = FakeMailer()
    services.vies = FakeVies()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def stripe(app: Flask) -> FakeStripe:
    """The double at Stripe's place."""
    fake: FakeStripe = app.extensions["portal"].stripe
    return fake


@pytest.fixture
def mailer(app: Flask) -> FakeMailer:
    """The double at the mail server's place."""
    fake: FakeMailer = app.extensions["portal"].mailer
    return fake


@pytest.fixture
def vies(app: Flask) -> FakeVies:
    """The double at the place of the register of VAT numbers."""
    fake: FakeVies = app.extensions["portal"].vies
    return fake


@pytest.fixture
def slack(app: Flask) -> FakeSlack:
    """A double at Slack's place, which is not configured without it."""
    fake = app.extensions["portal"].slack = FakeSlack()
    return fake


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    """Two tenants with a person in each role, in an application context for direct calls."""
    with app.app_context():
        yield World.make()


@pytest.fixture
def visit(app: Flask) -> Callable[..., Visitor]:
    """A visitor with a browser of their own; signed in if an address is given."""

    def make(email: str | None = None) -> Visitor:
        visitor = Visitor(app)
        if email:
            visitor.sign_in(email)
        return visitor

    return make
