"""Somebody changes something, and those who should know are told: by mail, in the portal, in Slack and in the log."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, text

from tests.journeys.browsing import NewContext, Reception, open_screen, row_of, said
from tests.journeys.running import Portal
from tests.journeys.test_billing import change_details, present_details
from tests.journeys.test_screens import assert_sound
from tests.support.processes import http, wait_until

OWNER, ADMIN, BILLING = "owner@acme.example", "admin@acme.example", "billing@acme.example"
POLL_MS = 15_000
STOP = re.compile(r"Stop mails of this kind: \S+?(/notifications/unsubscribe/\S+)")


def rows(portal: Portal, query: str, **values: Any) -> list[Any]:
    """A look into the portal's database."""
    engine = create_engine(portal.database_url)
    with engine.connect() as connection:
        found = list(connection.execute(text(query), values))
    engine.dispose()
    return found


def wait_until_told(portal: Portal) -> None:
    """Until the worker has made messages of everything that has happened so far."""
    waiting = "SELECT id FROM outbox WHERE upper(channel) = 'EVENT' AND upper(status) = 'PENDING'"
    wait_until("every event to be told", lambda: not rows(portal, waiting))


def read_everything(page: Page, portal: Portal) -> None:
    """An inbox without anything unread, seen from the team page."""
    wait_until_told(portal)
    page.goto("/account/notifications")
    everything = page.get_by_role("button", name="Mark all as read")
    if everything.count():
        everything.click()
        said(page, "All are marked as read.")


def bell(page: Page) -> Any:
    """The link at the top with its count."""
    return page.get_by_role("banner").get_by_role("link", name="Notifications")


def reload_until(page: Page, what: str, is_there: Callable[[], bool]) -> None:
    """As somebody without script waits for news."""

    def probe() -> bool:
        page.reload()
        return is_there()

    wait_until(what, probe)


def mail_that_names(portal: Portal, to: str, something: str) -> dict[str, Any]:
    """The newest mail to `to` in whose text `something` stands."""

    def probe() -> dict[str, Any] | None:
        return next((mail for mail in portal.mails.mails(to) if f"Now: {something}" in mail["text"]), None)

    return wait_until(f"a mail to {to}", probe)


def billing_email_changed(reception: Reception, portal: Portal, *, script: bool) -> None:
    """From the change to everybody who is told of it."""
    page = reception.guest(OWNER, script=script)
    read_everything(page, portal)
    open_screen(page, "Team")
    expect(bell(page)).to_have_accessible_name("Notifications")
    heard = len(portal.hooks.taken("The billing email of"))
    search = page.get_by_label("Search")
    if script:
        page.clock.install()
        page.reload()
        search.fill("half a na")
    someone = reception.guest(BILLING, script=script)
    old, name = present_details(someone)
    new = f"told-{'script' if script else 'plain'}@acme.example"
    change_details(someone, name, new)

    for address in (OWNER, old, new):
        mail = mail_that_names(portal, address, new)
        assert mail["subject"] == f"The billing email of {name} was changed"
        assert {f"Before: {old}", f"Now: {new}"} <= set(mail["text"].splitlines())
        assert "It cannot be switched off" in mail["text"]
        assert (STOP.search(mail["text"]), "List-Unsubscribe" in dict(mail["headers"])) == (None, False)
    wait_until_told(portal)
    if script:
        page.clock.fast_forward(POLL_MS + 100)
        expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
        expect(page.locator("#bell-news")).to_have_text("1 new notification")
        expect(search).to_be_focused()
        expect(search).to_have_value("half a na")
    else:
        reload_until(page, "the count", lambda: "1 unread" in bell(page).inner_text())
    wait_until("Slack", lambda: len(portal.hooks.taken("The billing email of")) == heard + 1)
    assert "plain_text" in portal.hooks.taken("The billing email of")[0]["body"]

    bell(page).click()
    page.get_by_role("button", name=f"The billing email of {name} was changed", exact=True).first.click()
    expect(page).to_have_url(re.compile("/account/billing$"))
    expect(bell(page)).to_have_accessible_name("Notifications")
    open_screen(page, "Activity")
    entry = page.get_by_role("listitem").filter(has_text=new).first
    expect(entry).to_contain_text("changed the billing details")


def test_a_changed_billing_email_is_told_to_everybody_who_should_know(
    reception: Reception, portal: Portal, script: bool
) -> None:
    billing_email_changed(reception, portal, script=script)


def test_the_same_on_postgres(postgres_portal: Portal, new_context: NewContext) -> None:
    reception = Reception(postgres_portal.url, new_context, database_url=postgres_portal.database_url)
    billing_email_changed(reception, postgres_portal, script=True)
    assert not reception.complaints, reception.complaints


def test_a_page_whose_session_has_ended_stays_as_it_is(reception: Reception) -> None:
    page = reception.guest(OWNER)
    open_screen(page, "Billing")
    page.get_by_role("link", name="Edit company details").click()
    page.clock.install()
    page.reload()
    page.get_by_label("Legal name").fill("half a na")
    page.context.clear_cookies()
    with page.expect_response(re.compile("/account/notifications/bell")) as asked:
        page.clock.fast_forward(POLL_MS + 100)
    assert asked.value.headers["hx-redirect"].startswith("/auth/sign-in")
    expect(page.get_by_label("Legal name")).to_have_value("half a na")
    expect(page).to_have_url(re.compile("/account/billing/company$"))
    expect(page.locator("#toasts .toast")).to_have_count(0)


def tick(page: Page, event: str, channel: str, *, on: bool) -> None:
    """A box of the settings, and save."""
    page.goto("/account/notifications")
    page.get_by_label(f"{event} {channel}").set_checked(on)
    page.get_by_role("button", name="Save choice").click()
    said(page, "Your choice is saved.")


def create_key(page: Page, name: str) -> None:
    open_screen(page, "API keys")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your new key")


def test_what_was_switched_off_is_not_sent(reception: Reception, portal: Portal, script: bool) -> None:
    kind = "script" if script else "plain"
    page = reception.guest(ADMIN, script=script)
    someone = reception.guest(OWNER, script=script)
    tick(page, "API key created", "by email", on=False)
    expect(page.get_by_label("API key created by email")).not_to_be_checked()
    expect(page.get_by_label("API key leaked by email")).to_be_disabled()
    create_key(someone, f"Quiet key {kind}")
    wait_until_told(portal)
    page.goto("/account/notifications")
    expect(page.get_by_role("button", name=f"Quiet key {kind}", exact=False).first).to_be_visible()
    tick(page, "API key created", "by email", on=True)
    create_key(someone, f"Loud key {kind}")
    assert portal.mails.wait_for_mail(ADMIN, subject=f"Loud key {kind}")
    assert [mail for mail in portal.mails.mails(ADMIN) if "Quiet key" in mail["subject"]] == []


def test_one_is_marked_as_read_and_the_bell_follows(
    reception: Reception, portal: Portal, script: bool
) -> None:
    page = reception.guest(ADMIN, script=script)
    read_everything(page, portal)
    name = f"Counted key {'script' if script else 'plain'}"
    create_key(reception.guest(OWNER, script=script), name)
    wait_until_told(portal)
    page.goto("/account/notifications")
    expect(bell(page)).to_have_accessible_name("Notifications, 1 unread")
    entry = page.get_by_role("listitem").filter(has_text=name)
    expect(entry).to_contain_text("Unread")
    entry.get_by_role("button", name="Mark as read").click()
    expect(entry).not_to_contain_text("Unread")
    expect(bell(page)).to_have_accessible_name("Notifications")
    if script:
        expect(entry.get_by_role("button")).to_be_focused()


def revoked_key_mail(reception: Reception, portal: Portal, name: str) -> dict[str, Any]:
    """The mail that tells the owner of a revoked key."""
    someone = reception.guest(ADMIN, script=False)
    create_key(someone, name)
    open_screen(someone, "API keys")
    row_of(someone, name).get_by_role("link", name="Revoke").click()
    someone.get_by_role("button", name="Revoke").click()
    return portal.mails.wait_for_mail(OWNER, subject=f"{name} of")


def test_a_mail_is_switched_off_by_its_own_link(reception: Reception, portal: Portal, script: bool) -> None:
    owner = reception.guest(OWNER, script=script)
    tick(owner, "API key revoked", "by email", on=True)
    mail = revoked_key_mail(reception, portal, f"Unwanted key {'script' if script else 'plain'}")
    found = STOP.search(mail["text"])
    assert found
    visitor = reception.visitor(script=script)
    visitor.goto(found[1])
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Stop these mails")
    expect(visitor.get_by_role("main")).to_contain_text(OWNER)
    visitor.get_by_role("button", name="Stop these mails").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Mails are off")
    if script:
        assert_sound(visitor)
    owner.goto("/account/notifications")
    expect(owner.get_by_label("API key revoked by email")).not_to_be_checked()
    expect(owner.get_by_label("API key revoked in the portal")).to_be_checked()


def test_a_mail_provider_switches_it_off_in_one_click(reception: Reception, portal: Portal) -> None:
    owner = reception.guest(OWNER)
    tick(owner, "API key revoked", "by email", on=True)
    headers = dict(revoked_key_mail(reception, portal, "One click key")["headers"])
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = headers["List-Unsubscribe"].strip("<>")
    answer = http().post(url, {"List-Unsubscribe": "One-Click"}, allow_redirects=False, timeout=10)
    assert answer.status_code == 200, "RFC 8058 allows no redirect"
    owner.reload()
    expect(owner.get_by_label("API key revoked by email")).not_to_be_checked()


def test_staff_send_again_what_was_given_up(reception: Reception, portal: Portal, script: bool) -> None:
    name = f"Bounced key {'script' if script else 'plain'}"
    someone = reception.guest(ADMIN, script=script)
    portal.mails.faults("550")
    create_key(someone, name)
    dead = "SELECT id FROM outbox WHERE upper(status) = 'DEAD' AND recipient = :to AND payload LIKE :name"
    wait_until("a message given up", lambda: rows(portal, dead, to=OWNER, name=f"%{name}%"))
    portal.mails.faults("ok")
    lead = reception.guest("lead@portal.example", script=script)
    lead.goto("/admin/notifications")
    given_up = lead.get_by_role("row").filter(has_text=OWNER).filter(has_text="API key created")
    expect(given_up).to_have_count(1)
    given_up.get_by_role("link", name="Send again").click()
    lead.get_by_label("Reason").fill("Their mailbox works again")
    lead.get_by_role("button", name="Send again").click()
    said(lead, "It is tried again within seconds.")
    assert portal.mails.wait_for_mail(OWNER, subject=name)
    expect(given_up).to_have_count(0)
