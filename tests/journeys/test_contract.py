"""A customer by contract: what is agreed is there to be read, and nothing of it can be changed by them."""

from io import BytesIO
from pathlib import Path

from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.journeys.browsing import Reception, open_screen, row_of, said
from tests.journeys.test_staff import LEAD, give_reason, open_file
from tests.journeys.test_usage_and_invoices import download

CONTRACT = "owner@globex.example"


def test_a_contract_can_be_read_and_taken_home(reception: Reception, script: bool) -> None:
    page = reception.guest(CONTRACT, script=script)
    open_screen(page, "Billing")
    main = page.get_by_role("main")
    for told in ("Enterprise", "60 committed seats", "€48,000.00", "Two years", "Jan 1, 20", "Lena Brandt"):
        expect(main).to_contain_text(told)
    order_form = download(page, main.get_by_role("link", name="Download Order form"))
    text = "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(order_form)).pages)
    assert "Globex Logistik GmbH orders the plan Enterprise with 60 seats" in " ".join(text.split())
    main.get_by_role("link", name="GL-").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("GL-")


def test_a_contract_cannot_be_changed_by_its_customer(reception: Reception) -> None:
    page = reception.guest(CONTRACT)
    open_screen(page, "Billing")
    expect(page.locator("#contract")).to_be_visible()
    changing = page.locator("main :is(form[action*='/plan'], form[action*='/home'], a[href*='/plan'])")
    expect(changing).to_have_count(0)
    answer = page.goto("/account/billing/plan")
    assert answer
    assert answer.status == 409
    expect(page.get_by_role("main")).to_contain_text(
        "Your plan is set by your contract. Write to Lena Brandt"
    )


def choose_document(page: Page, path: Path) -> None:
    """Pick the file in the question, as a dialog or as a page."""
    page.get_by_role("link", name="Add a document for Globex").click()
    page.get_by_label("File").set_input_files(path)


def test_a_lead_adds_what_the_customer_then_downloads(
    reception: Reception, script: bool, tmp_path: Path
) -> None:
    annex = tmp_path / f"Annex {'with' if script else 'without'} script.pdf"
    annex.write_bytes(f"%PDF-1.7 {annex.name}".encode())
    wrong = tmp_path / "Annex.docx"
    wrong.write_bytes(b"PK\x03\x04")
    lead = reception.guest(LEAD, script=script)
    open_file(lead, "globex")
    choose_document(lead, wrong)
    give_reason(lead, "Add document")
    expect(lead.get_by_text("This file is not a PDF.")).to_be_visible()
    lead.get_by_label("File").set_input_files(annex)
    lead.get_by_role("button", name="Add document").click()
    said(lead, "The document is added.")
    customer = reception.member(CONTRACT, script=script)
    customer.goto("/account/billing")
    link = customer.get_by_role("link", name=f"Download {annex.name}")
    assert download(customer, link) == annex.read_bytes()
    row_of(lead, annex.name).get_by_role("link", name="Remove").click()
    give_reason(lead, "Remove document")
    said(lead, "The document is removed.")
    customer.goto("/account/activity")
    for told in (f"added the contract document {annex.name}", f"removed the contract document {annex.name}"):
        expect(customer.get_by_role("main")).to_contain_text(told)
