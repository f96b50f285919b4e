"""The portals that journeys go through: started once for each test process, always ended."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from portal.extensions import db
from portal.permissions import Role
from tests.conftest import make_settings
from tests.factories import PASSWORD, add_member, make_organization, make_user
from tests.journeys.browsing import WAIT_MS, NewContext, Reception
from tests.journeys.running import Parts, Portal, demo_portal, portal_parts
from tests.journeys.screens import NEWCOMER, NOBODY
from tests.support.postgres import create_database, drop_database
from wsgi import create_app

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The demo on SQLite."""
    with demo_portal(tmp_path_factory.mktemp("portal")) as portal:
        yield portal


@pytest.fixture(scope="session")
def postgres_portal(
    tmp_path_factory: pytest.TempPathFactory, postgres_admin_url: str, worker_id: str
) -> Iterator[Portal]:
    """The demo on Postgres."""
    name = f"journeys_{worker_id}"
    url = create_database(postgres_admin_url, name)
    with demo_portal(tmp_path_factory.mktemp("postgres-portal"), url) as portal:
        yield portal
    drop_database(postgres_admin_url, name)


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """The demo's data on SQLite with two web servers, and everything else to be started and killed."""
    with portal_parts(tmp_path_factory.mktemp("parts")) as parts:
        yield parts


@pytest.fixture(scope="session")
def postgres_parts(
    tmp_path_factory: pytest.TempPathFactory, postgres_admin_url: str, worker_id: str
) -> Iterator[Parts]:
    """The same on Postgres."""
    name = f"parts_{worker_id}"
    url = create_database(postgres_admin_url, name)
    with portal_parts(tmp_path_factory.mktemp("postgres-parts"), url) as parts:
        yield parts
    drop_database(postgres_admin_url, name)


@pytest.fixture(params=["with script", "without script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Each journey is made twice."""
    return str(request.param) == "with script"


@pytest.fixture(scope="session")
def states() -> dict[str, Any]:
    """Browsers that stay signed in at the portal, by address."""
    return {}


@pytest.fixture
def reception(portal: Portal, new_context: NewContext, states: dict[str, Any]) -> Iterator[Reception]:
    """Browsers at the portal. A browser that complained fails the test."""
    reception = Reception(portal.url, new_context, states, portal.database_url)
    yield reception
    assert not reception.complaints, "\n".join(reception.complaints)


@pytest.fixture(scope="session")
def other_people(portal: Portal, states: dict[str, Any], browser: Browser) -> None:
    """The owner of an organization in which nothing has happened yet, and somebody who belongs to none."""
    app = create_app(make_settings(portal.database_url))
    with app.app_context():
        organization = make_organization("Initech")
        add_member(organization, make_user(NEWCOMER), Role.OWNER)
        make_user(NOBODY)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    reception = Reception(portal.url, browser.new_context, states, portal.database_url)
    for email in (NEWCOMER, NOBODY):
        reception.member(email, PASSWORD).context.close()
