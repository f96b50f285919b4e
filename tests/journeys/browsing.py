"""A person at a browser: signs in, looks, and anything that the browser complains about is a fault."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect
from sqlalchemy import create_engine, delete

from demo.story import PASSWORD
from portal.identity.models import AttemptCounter
from tests.support.totp import fresh_code_at

WAIT_MS = 15_000
# The browser notes every answer with such a status, also one that the page was made for.
REFUSALS = re.compile(r"Failed to load resource: the server responded with a status of 4(03|04|09|10|22) ")
NewContext = Callable[..., BrowserContext]


class Complaints(list[str]):
    """What a browser complained about on pages of the portal: faults in scripts, breaches of the page's policy,
    failed requests."""

    def __init__(self, portal_url: str) -> None:
        super().__init__()
        self._portal_url = portal_url

    def watch(self, context: BrowserContext) -> None:
        """Every page of `context`, those of today and those to come."""
        context.on("console", self._note)
        context.on("weberror", lambda fault: self._add(fault.page, f"script fault: {fault.error}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not REFUSALS.match(message.text):
            self._add(message.page, message.text)

    def _add(self, page: Page | None, text: str) -> None:
        if page is None or page.url.startswith(self._portal_url):
            self.append(f"{page.url if page else 'a page that is gone'}: {text}")


class Reception:
    """Opens browsers at one portal. All of them are watched; the caller looks at `complaints` in the end."""

    def __init__(
        self,
        url: str,
        new_context: NewContext,
        states: dict[str, Any] | None = None,
        database_url: str = "",
    ) -> None:
        """`states` keeps signed-in browsers for `member`, by address, from one test to the next.

        `database_url` is needed to sign in people who have a second factor.
        """
        self._url = url
        self._database_url = database_url
        self._new_context = new_context
        self._states = {} if states is None else states
        self.complaints = Complaints(url)

    def visitor(self, *, script: bool = True, **options: Any) -> Page:
        """A browser of its own in which nobody is signed in."""
        context = self._new_context(base_url=self._url, java_script_enabled=script, **options)
        context.set_default_timeout(WAIT_MS)
        self.complaints.watch(context)
        return context.new_page()

    def guest(self, email: str, *, script: bool = True, **options: Any) -> Page:
        """A browser of its own in which `email` has just signed in by the form."""
        page = self.visitor(script=script, **options)
        sign_in(page, email, database_url=self._database_url)
        return page

    def member(self, email: str, password: str = PASSWORD, **options: Any) -> Page:
        """A browser in which `email` signed in some time ago; the session is shared with other tests."""
        if email not in self._states:
            page = self.visitor()
            sign_in(page, email, password, self._database_url)
            self._states[email] = page.context.storage_state()
            page.context.close()
        return self.visitor(storage_state=self._states[email], **options)


def sign_in(page: Page, email: str, password: str = PASSWORD, database_url: str = "") -> None:
    """From the sign-in page to the first screen."""
    if database_url:
        forget_tries(database_url)
    give_password(page, email, password)
    expect(page).not_to_have_url(re.compile("/auth/sign-in"))
    if page.url.endswith("/auth/second-factor"):
        give_code(page, fresh_code_at(database_url, email))
    expect(page.get_by_role("main")).to_be_visible()
    expect(page).not_to_have_url(re.compile("/auth/"))


def forget_tries(database_url: str) -> None:
    """All browsers come from one address: how often those of other journeys signed in shall not count."""
    engine = create_engine(database_url)
    try:
        with engine.begin() as connection:
            connection.execute(delete(AttemptCounter))
    finally:
        engine.dispose()


def give_password(page: Page, email: str, password: str = PASSWORD) -> None:
    """The first step of signing in."""
    page.goto("/auth/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def give_code(page: Page, code: str) -> None:
    """The second step, for who has a second factor."""
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def open_screen(page: Page, name: str) -> None:
    """By the navigation at the left."""
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def row_of(place: Page | Locator, text: str) -> Any:
    """The row of a table that names `text`; in the whole page or a part of it."""
    return place.get_by_role("row").filter(has_text=text)


def said(page: Page, text: str) -> None:
    """The page's announcements hold `text`."""
    expect(page.locator("#toasts")).to_contain_text(text)
