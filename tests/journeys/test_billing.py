"""Changing the card and the billing details, from signing in to what is seen afterwards."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.browsing import NewContext, Reception, open_screen, said
from tests.journeys.running import Portal
from tests.support.processes import wait_until

CARDS = {True: "4242 4242 4242 4242", False: "4000 0566 5566 5556"}


def change_card(page: Page, number: str) -> None:
    """Over Stripe's page and back, until the new card is shown."""
    open_screen(page, "Billing")
    page.get_by_role("button", name="Change card").click()
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry date").fill("12 / 34")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Update").click()
    expect(page).to_have_url(re.compile(r"/account/billing\?from=stripe$"))
    expect(page.get_by_role("main")).to_contain_text("You are back from Stripe")
    expect(page.locator("#card")).to_contain_text(f"ending in {number[-4:]}")


def wait_for_new_card(page: Page, number: str) -> None:
    """Until the worker has handled Stripe's event: the organization's log names the new card."""

    def is_there() -> bool:
        page.goto("/account/activity")
        entries = page.get_by_role("listitem").filter(has_text="changed the card on file")
        return f"after: {number[-4:]}" in " ".join(" ".join(entries.all_inner_texts()).split())

    wait_until("the new card in the activity log", is_there)


def test_a_changed_card_is_shown_and_stored(reception: Reception, script: bool) -> None:
    page = reception.guest("billing@acme.example", script=script)
    change_card(page, CARDS[script])
    owner = reception.member("owner@acme.example", script=script)
    wait_for_new_card(owner, CARDS[script])


def test_the_billing_journey_works_on_postgres(postgres_portal: Portal, new_context: NewContext) -> None:
    reception = Reception(postgres_portal.url, new_context)
    page = reception.guest("owner@acme.example")
    change_card(page, CARDS[True])
    wait_for_new_card(page, CARDS[True])
    change_details(page, "Acme on Postgres", "postgres@acme.example")
    assert postgres_portal.mails.wait_for_mail(
        "postgres@acme.example", subject="The billing email of Acme on Postgres"
    )
    assert not reception.complaints, reception.complaints


def change_details(page: Page, name: str, email: str) -> None:
    """Legal name and billing mail, until the page shows them."""
    open_screen(page, "Billing")
    page.get_by_role("link", name="Edit company details").click()
    page.get_by_label("Legal name").fill(name)
    page.get_by_role("button", name="Save company details").click()
    said(page, "Saved. It applies from the next invoice on.")
    expect(page.locator("#company")).to_contain_text(name)
    page.get_by_role("link", name="Edit invoice delivery").click()
    page.get_by_label("Billing email").fill(email)
    page.get_by_role("button", name="Save invoice delivery").click()
    expect(page.locator("#invoice-delivery")).to_contain_text(email)


def present_details(page: Page) -> tuple[str, str]:
    """The billing mail and the legal name, as the billing screen shows them."""
    open_screen(page, "Billing")
    email, name = (
        page.locator(f"#{card} div:has(> dt:text-is('{label}')) dd").inner_text()
        for card, label in (("invoice-delivery", "Billing email"), ("company", "Legal name"))
    )
    return email, name


def test_corrected_details_reach_stripe_and_both_addresses(
    reception: Reception, portal: Portal, script: bool
) -> None:
    page = reception.guest("owner@acme.example", script=script)
    old, _ = present_details(page)
    kind = "script" if script else "plain"
    name, email = f"Acme Robotics {kind} Ltd", f"invoices-{kind}@acme.example"
    change_details(page, name, email)
    for address in (old, email):
        mail = portal.mails.wait_for_mail(address, subject=f"The billing email of {name}")
        assert email in mail["text"]
    overview = reception.visitor(script=script)

    def stands_at_stripe() -> bool:
        overview.goto(portal.stripe.url)
        return overview.get_by_role("row").filter(has_text=name).count() == 1

    wait_until("the name at Stripe", stands_at_stripe)


def test_refused_details_stay_typed_with_the_reason_beside_them(reception: Reception, script: bool) -> None:
    page = reception.member("billing@acme.example", script=script)
    page.goto("/account/billing/delivery")
    page.get_by_label("PO number").fill("PO kept as typed")
    page.get_by_label("Billing email").fill("nobody")
    page.get_by_role("button", name="Save invoice delivery").click()
    field = page.get_by_label("Billing email")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("nobody")
    expect(page.get_by_label("PO number")).to_have_value("PO kept as typed")
