"""The plan and a payment that has to be confirmed: over Stripe's pages and back, with and without script."""

import re
from collections.abc import Iterator

import pytest
import stripe
from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, text

from tests.journeys.browsing import Reception, open_screen, said
from tests.journeys.running import Portal
from tests.support.processes import wait_until

BILLING = re.compile(r"/account/billing(\?from=stripe)?(#\w*)?$")
TROUBLE = "#payment-trouble"
CONFIRMED_WITH = "pm_card_authenticationRequired"
"""Stripe's test card whose bank wants every payment confirmed."""


def test_a_smaller_plan_is_chosen_held_and_taken_back(reception: Reception, script: bool) -> None:
    page = reception.guest("billing@acme.example", script=script)
    open_screen(page, "Billing")
    page.get_by_role("link", name="Change plan").click()
    page.get_by_role("radio", name=re.compile("Starter.* a month")).check()
    page.get_by_role("button", name="Show the costs").click()
    expect(page.get_by_text("nothing is charged when you confirm")).to_be_visible()
    page.get_by_role("button", name="Continue at Stripe").click()
    expect(page.get_by_role("heading", name="Confirm your updates")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page).to_have_url(BILLING)
    expect(page.locator("#plan")).to_contain_text("it becomes Starter")
    page.get_by_role("button", name="Take the change back").click()
    said(page, "The planned change is taken back.")
    expect(page.locator("#plan")).not_to_contain_text("Starter")


def test_a_larger_bill_is_seen_part_by_part_before_it_is_made(reception: Reception, script: bool) -> None:
    page = reception.member("owner@acme.example", script=script)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/account/billing/plan")
    page.get_by_label("Seats", exact=True).fill("30")
    page.get_by_role("button", name="Show the costs").click()
    switch = page.locator("#switch")
    expect(switch).to_contain_text("Unused time")
    for seen in (switch.get_by_role("heading", name="What it costs"), switch.get_by_text("Due now").first):
        expect(seen).to_be_in_viewport()
    amounts = [money(cell) for cell in switch.locator("tbody td.numeric").all_inner_texts()]
    assert sum(amounts[:-1]) == amounts[-1] > 0
    page.get_by_label("Seats", exact=True).fill("100000")
    page.get_by_role("button", name="Show the costs").click()
    expect(page.get_by_label("Seats", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Seats", exact=True)).to_have_value("100000")


def test_a_plan_is_cancelled_and_kept_again(reception: Reception, script: bool) -> None:
    page = reception.guest("owner@acme.example", script=script)
    open_screen(page, "Billing")
    page.get_by_role("button", name="Cancel at Stripe").click()
    page.get_by_role("button", name="Cancel subscription").click()
    expect(page).to_have_url(BILLING)
    expect(page.locator("#plan")).to_contain_text("It is not charged after that.")
    expect(page.get_by_role("button", name="Cancel at Stripe")).to_have_count(0)
    page.get_by_role("button", name="Keep plan").click()
    said(page, "Your plan goes on.")
    expect(page.locator("#plan")).to_contain_text("Renews")


@pytest.fixture
def invoice(portal: Portal) -> Iterator[stripe.Invoice]:
    """An invoice of Acme's whose payment the bank wants confirmed."""
    engine = create_engine(portal.database_url)
    with engine.connect() as connection:
        customer = connection.scalar(
            text("SELECT stripe_customer_id FROM organizations WHERE name LIKE 'Acme%'")
        )
    engine.dispose()
    api = portal.stripe.client().v1
    method = api.payment_methods.attach(CONFIRMED_WITH, {"customer": customer})
    made = api.invoices.create({"customer": customer, "auto_advance": False})
    api.invoice_items.create(
        {
            "customer": customer,
            "invoice": made.id,
            "amount": 4200,
            "currency": "usd",
            "description": "Training",
        }
    )
    api.invoices.finalize_invoice(made.id)
    with pytest.raises(stripe.CardError):
        api.invoices.pay(made.id, {"payment_method": method.id})
    yield api.invoices.retrieve(made.id)
    api.payment_methods.detach(method.id)


def test_a_payment_is_confirmed_from_the_banner(
    reception: Reception, invoice: stripe.Invoice, script: bool
) -> None:
    page, viewer = (reception.member(f"{role}@acme.example", script=script) for role in ("billing", "viewer"))
    wait_for_banner(page, 1)
    viewer.goto("/account/usage")
    expect(viewer.locator(TROUBLE)).to_have_count(0)
    expect(page.locator(TROUBLE)).to_contain_text(f"$42.00 for invoice {invoice.number}")
    page.get_by_role("link", name="Confirm payment").click()
    page.get_by_role("link", name="Confirm payment").click()
    page.get_by_role("button", name="Complete").click()
    page.goto("/account/billing")
    expect(page.locator(TROUBLE)).to_have_count(0)  # before the event has come
    wait_for_banner(page, 0)


def wait_for_banner(page: Page, count: int) -> None:
    """Until the worker has handled Stripe's event, seen on a page that asks Stripe for nothing."""

    def is_so() -> bool:
        page.goto("/account/profile")
        return page.locator(TROUBLE).count() == count

    wait_until("the banner", is_so)


def money(written: str) -> int:
    """Cents from `-$1,234.50`."""
    return int(re.sub(r"[^\d-]", "", written))
