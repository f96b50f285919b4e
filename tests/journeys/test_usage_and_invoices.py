"""Seeing what was used and taking documents home."""

import csv
import re
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from tests.journeys.browsing import Reception, open_screen, row_of

DAYS = 30


def download(page: Page, link: Locator) -> bytes:
    """The file behind a link, saved as a browser does."""
    with page.expect_download() as waiting:
        link.click()
    return Path(waiting.value.path()).read_bytes()


def table_figures(page: Page) -> list[int]:
    """The figures of the table behind the chart, oldest first."""
    page.get_by_text("Show as a table").click()
    cells = page.locator("figure tbody td.numeric")
    expect(cells.first).to_be_visible()
    return [int(text.replace(",", "")) for text in reversed(cells.all_inner_texts())]


def sums_by_day(content: bytes) -> dict[date, int]:
    """What the CSV says for the metric that the screen shows."""
    rows = csv.DictReader(StringIO(content.decode("utf-8-sig")))
    return {
        date.fromisoformat(row["day"]): int(row["quantity"]) for row in rows if row["metric"] == "api_calls"
    }


def test_usage_is_the_same_in_chart_table_and_file(reception: Reception, script: bool) -> None:
    page = reception.guest("viewer@acme.example", script=script)
    open_screen(page, "Usage")
    expect(page.get_by_role("img", name=re.compile("API calls"))).to_be_visible()
    days = table_figures(page)
    file = sums_by_day(download(page, page.get_by_role("link", name="Download CSV")))
    assert len(days) == DAYS
    assert [figure for figure in days if figure] == [file[day] for day in sorted(file)][
        -sum(map(bool, days)) :
    ]
    expect(page.get_by_role("main")).to_contain_text(f"{sum(days):,}")
    page.get_by_role("link", name="12 months").click()
    expect(page.get_by_role("img", name=re.compile("API calls"))).to_be_visible()
    months = table_figures(page)
    assert len(months) == 12
    by_month: dict[str, int] = {}
    for day, quantity in file.items():
        by_month[f"{day:%Y-%m}"] = by_month.get(f"{day:%Y-%m}", 0) + quantity
    assert months == [by_month[month] for month in sorted(by_month)][-12:]


def pdf_text(content: bytes) -> str:
    """The words of a PDF, with single spaces."""
    assert content.startswith(b"%PDF")
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


def first_invoice(page: Page) -> tuple[str, str]:
    """Number and total of the newest invoice, whose own page is open afterwards."""
    open_screen(page, "Invoices")
    row = page.locator("main tbody tr").first
    number = row.get_by_role("link").first.inner_text()
    total = row.locator("td.numeric").inner_text()
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Invoice {number}")
    expect(page.get_by_role("main")).to_contain_text(total)
    return number, total


def test_an_invoice_by_contract_comes_as_our_own_pdf(reception: Reception, script: bool) -> None:
    page = reception.guest("owner@globex.example", script=script)
    number, total = first_invoice(page)
    text = pdf_text(download(page, page.get_by_role("link", name="Download PDF")))
    assert number in text
    assert total in text


def test_an_invoice_of_stripe_comes_from_stripe(reception: Reception, script: bool) -> None:
    page = reception.guest("billing@acme.example", script=script)
    number, total = first_invoice(page)
    text = pdf_text(download(page, page.get_by_role("link", name="Download PDF")))
    assert number in text
    assert re.sub(r"\D", "", total) in re.sub(r"\D", "", text)
    open_screen(page, "Invoices")
    link = row_of(page, number).get_by_role("link", name=f"PDF of {number}")
    assert download(page, link).startswith(b"%PDF")
