"""Staff look at what Stripe has told the portal, have it handled again, and compare the portal with Stripe."""

import secrets

from playwright.sync_api import Page, expect

from tests.journeys.browsing import Reception, open_screen, said
from tests.journeys.test_staff import LEAD, give_reason
from tests.support.processes import wait_until


def reload_until(page: Page, what: str, text: str, *, seconds: float = 20.0) -> None:
    """The worker is at it: look again until the page says `text`."""

    def is_there() -> bool:
        page.reload()
        return text in page.get_by_role("main").inner_text()

    wait_until(what, is_there, seconds=seconds)


def change_something_at_stripe(reception: Reception) -> None:
    """Stripe tells the portal of what it was told."""
    page = reception.guest("owner@acme.example")
    open_screen(page, "Billing")
    page.get_by_role("link", name="Edit invoice delivery").click()
    page.get_by_label("PO number").fill(f"PO {secrets.token_hex(4)}")
    page.get_by_role("button", name="Save invoice delivery").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Billing")


def test_an_event_is_found_and_handled_again(reception: Reception, script: bool) -> None:
    change_something_at_stripe(reception)
    page = reception.guest(LEAD, script=script)
    open_screen(page, "Webhooks")
    reload_until(page, "an event of Stripe's", "customer.updated")
    page.get_by_text("Filter", exact=True).first.click()
    page.get_by_role("textbox", name="Event").fill("customer.")
    page.get_by_label("Customer").fill("no such customer")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("There is no organization of this id or name.").first).to_be_visible()
    page.get_by_label("Customer").fill("")
    page.get_by_role("button", name="Filter").click()
    page.locator("#events td a[href*='/events/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("customer.")
    reload_until(page, "the event to be handled", "Handled")
    page.get_by_role("link", name="Handle again").click()
    give_reason(page, "Handle again")
    said(page, "The event is handled again within seconds.")
    reload_until(page, "the event to be handled again", "Handled")


def test_everything_is_compared_with_stripe(reception: Reception, script: bool) -> None:
    page = reception.guest(LEAD, script=script)
    open_screen(page, "Webhooks")
    page.get_by_role("link", name="Compare now").click()
    give_reason(page, "Compare now")
    said(page, "The comparison begins within seconds.")
    page.locator("#reconciliations td a").first.click()
    reload_until(page, "the comparison to end", "Ended")
    customers = page.locator("dl.facts > div", has=page.get_by_text("Customers", exact=True))
    expect(customers.get_by_role("definition")).to_have_text("1")
