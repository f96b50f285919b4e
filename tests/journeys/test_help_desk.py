"""A ticket is opened in each of the help desks, and the context of its requester is shown there."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from demo.story import ACME, GLOBEX
from tests.journeys.browsing import NewContext, Reception
from tests.journeys.running import HOST, START_SECONDS, Parts
from tests.journeys.sidebars import open_ticket, sidebar_host
from tests.support.browser import assert_no_axe_violations
from tests.support.help_desk import SECRETS, ZENDESK_SECRET
from tests.support.processes import free_port

SOURCES = {"zendesk": "Zendesk", "intercom": "Intercom", "helpscout": "Help Scout"}
HOSTILE = '<img src=x onerror="document.title=1"> [free](https://evil.example/x)'


def connected(parts: Parts, **others: str) -> Iterator[str]:
    """A web server that the three help desks are connected to."""
    url = f"http://{HOST}:{free_port()}"
    secrets = {name.upper(): value for name, value in SECRETS.items()} | others
    there = replace(parts, environment={**parts.environment, **secrets, "PUBLIC_APP_URL": url})
    with there.web(url) as server:
        server.wait_for_http(f"{url}/readyz", seconds=START_SECONDS)
        yield url
        assert "Traceback" not in server.output, server.output[-4000:]


@pytest.fixture(scope="module")
def portal_url(parts: Parts) -> Iterator[str]:
    yield from connected(parts)


@pytest.fixture(scope="module")
def other_secret_url(parts: Parts) -> Iterator[str]:
    yield from connected(parts, ZENDESK_SHARED_SECRET="another " + ZENDESK_SECRET)


@pytest.fixture
def agent(new_context: NewContext) -> Page:
    """An agent's browser, as narrow as a sidebar."""
    page = new_context().new_page()
    page.set_viewport_size({"width": 340, "height": 900})
    return page


def run(parts: Parts, statement: str, **values: str) -> list[tuple[object, ...]]:
    engine = parts.engine()
    with engine.begin() as connection:
        done = connection.execute(text(statement), values)
        found = [tuple(row) for row in done] if done.returns_rows else []
    engine.dispose()
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_a_ticket_is_opened_and_its_context_is_shown(
    parts: Parts, portal_url: str, agent: Page, source: str
) -> None:
    with sidebar_host(portal_url, source) as host:
        open_ticket(agent, host, source, portal_url, "owner@globex.example", "8301")
        main = agent.get_by_role("main")
        for words in (
            *("Matthias Keller", "owner@globex.example", "Second factor", GLOBEX, "Owner", "by contract"),
            *("Open in total", "Open invoices", "What happened last", "Only the support team sees this."),
        ):
            expect(main).to_contain_text(words)
        expect(main).to_contain_text(re.compile(r"\d+ days late"))
        assert ACME not in main.inner_text()
        link = agent.get_by_role("link", name="Open in the portal" if source == "intercom" else GLOBEX)
        address = link.get_attribute("href") or ""
        assert re.fullmatch(rf"{portal_url}/admin/organizations/org_\w+", address)
        if source == "zendesk":
            assert_no_axe_violations(agent)
        assert agent.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        agent.goto(address)
        expect(agent).to_have_url(re.compile(r"/auth/sign-in\?next="))
    seen = run(parts, "select ticket_id, times_shown from tickets_seen where source = :source", source=source)
    assert seen == [("8301", 1)]


def test_the_customer_reads_in_the_portal_that_it_was_shown(
    portal_url: str, agent: Page, new_context: NewContext
) -> None:
    with sidebar_host(portal_url, "intercom") as host:
        open_ticket(agent, host, "intercom", portal_url, "owner@acme.example", "8302")
        expect(agent.get_by_text("What happened last")).to_be_visible()
        agent.get_by_role("button", name="Refresh").click()
        expect(agent.get_by_text("beside ticket 8302")).to_be_visible()
    owner = Reception(portal_url, new_context).guest("owner@acme.example")
    owner.goto("/account/activity")
    told = owner.get_by_text("showed the support team this organization beside ticket 8302")
    expect(told).to_have_count(1)


@pytest.mark.parametrize("source", SOURCES)
def test_whoever_belongs_to_two_organizations_is_shown_in_both(
    portal_url: str, agent: Page, source: str
) -> None:
    with sidebar_host(portal_url, source) as host:
        open_ticket(agent, host, source, portal_url, "both@freelance.example", "8303")
        main = agent.get_by_role("main")
        expect(main).to_contain_text(ACME)
        expect(main).to_contain_text(GLOBEX)


@pytest.mark.parametrize("source", SOURCES)
def test_an_unknown_requester_is_said_to_be_one(portal_url: str, agent: Page, source: str) -> None:
    with sidebar_host(portal_url, source) as host:
        open_ticket(agent, host, source, portal_url, "nobody@nowhere.example", "8304")
        main = agent.get_by_role("main")
        expect(main).to_contain_text("No account has this address.")
        address = agent.get_by_role("link", name="Search the portal").get_attribute("href")
        assert address == f"{portal_url}/admin/organizations?q=nobody%40nowhere.example"


@pytest.mark.parametrize("source", SOURCES)
def test_a_hostile_name_is_only_a_name(parts: Parts, portal_url: str, agent: Page, source: str) -> None:
    rename = "update users set name = :name where email = 'viewer@acme.example'"
    (name,) = run(parts, "select name from users where email = 'viewer@acme.example'")[0]
    run(parts, rename, name=HOSTILE)
    try:
        with sidebar_host(portal_url, source) as host:
            open_ticket(agent, host, source, portal_url, "viewer@acme.example", "8305")
            main = agent.get_by_role("main")
            expect(main).to_contain_text("onerror=")
            shown = main.inner_text().replace("\N{WORD JOINER}", "")
            assert HOSTILE in shown
            assert main.locator("img").count() == 0
            assert agent.locator("a[href*='evil']").count() == 0
            assert agent.title() != "1"
    finally:
        run(parts, rename, name=str(name))


def test_our_app_in_zendesk_says_what_is_wrong_and_asks_again(
    portal_url: str, other_secret_url: str, agent: Page
) -> None:
    with sidebar_host(portal_url, "zendesk") as host:
        open_ticket(agent, host, "zendesk", other_secret_url, "owner@acme.example", "8306")
        expect(agent.get_by_text("does not accept this app's shared secret")).to_be_visible()
        open_ticket(agent, host, "zendesk", f"{portal_url}/elsewhere", "owner@acme.example", "8306")
        expect(agent.get_by_text("is not connected to Zendesk")).to_be_visible()
        agent.unroute_all()
        open_ticket(agent, host, "zendesk", portal_url, "owner@acme.example", "8306")
        expect(agent.get_by_role("main")).to_contain_text("Amara Okafor")
        agent.get_by_role("button", name="Refresh").press("Enter")
        expect(agent.get_by_role("main")).to_contain_text("beside ticket 8306")
