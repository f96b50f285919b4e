"""An address in another country and a VAT number, from the form to Stripe, VIES and the next visit."""

from playwright.sync_api import Page, expect

from tests.journeys.browsing import Reception, said
from tests.journeys.running import Portal
from tests.support.processes import wait_until

NUMBERS = {True: "ATU13585627", False: "FR40303265045"}
COUNTRY_NUMBER = {True: "Austria", False: "France"}


def choose(page: Page, country: str, button: str, script: bool) -> None:
    """The country; without script a button asks for its fields."""
    page.get_by_label("Country").select_option(label=country)
    if not script:
        page.get_by_role("button", name=button).click()


def test_an_address_has_the_fields_of_its_country(reception: Reception, script: bool) -> None:
    page = reception.guest("owner@globex.example", script=script)
    page.goto("/account/billing/company")
    page.get_by_label("Legal name").fill("Globex Inc. as typed")
    choose(page, "United States", "Show the fields of this country", script)
    expect(page.get_by_label("ZIP code")).to_be_visible()
    expect(page.get_by_label("Legal name")).to_have_value("Globex Inc. as typed")
    page.get_by_label("Street and number").fill("1 Main St")
    page.get_by_label("City").fill("Springfield")
    page.get_by_label("State").select_option(label="Illinois")
    page.get_by_label("ZIP code").fill("10115")
    page.get_by_role("button", name="Save company details").click()
    expect(page.get_by_label("ZIP code")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Street and number")).to_have_value("1 Main St")
    page.get_by_label("Legal name").fill("Globex")
    page.get_by_label("ZIP code").fill("62701")
    page.get_by_role("button", name="Save company details").click()
    said(page, "Saved. It applies from the next invoice on.")
    expect(page.locator("#company")).to_contain_text("SPRINGFIELD, IL 62701")


def test_a_vat_number_reaches_stripe_and_is_looked_up(
    reception: Reception, portal: Portal, script: bool
) -> None:
    number = NUMBERS[script]
    page = reception.guest("billing@acme.example", script=script)
    page.goto("/account/billing/tax-ids/new")
    choose(page, COUNTRY_NUMBER[script], "Show the numbers of this country", script)
    expect(page.get_by_text(f"for example {number[:2]}")).to_be_visible()
    page.get_by_label("Number").fill("12")
    page.get_by_role("button", name="Add tax ID").click()
    expect(page.get_by_text("This is no EU VAT number of").first).to_be_visible()
    page.get_by_label("Number").fill(number[2:])
    page.get_by_role("button", name="Add tax ID").click()
    row = page.get_by_role("row").filter(has_text=number)

    def is_valid() -> bool:
        if not script:
            page.reload()
        return row.get_by_text("Valid", exact=True).count() == 1

    wait_until("the register's answer", is_valid)
    expect(row).to_contain_text("TRADER")

    def numbers_at_stripe() -> str:
        made = [request for request in portal.stripe.requests() if request["path"].endswith("/tax_ids")]
        return str([request["body"] for request in made if request["method"] == "POST"])

    wait_until("the number at Stripe", lambda: number in numbers_at_stripe())
    row.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove tax ID").click()
    expect(page.get_by_role("row").filter(has_text=number)).to_have_count(0)
