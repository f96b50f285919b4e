import io
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pypdf import PdfReader

from portal.gateways.pdf import ForbiddenResourceError, render_pdf, static_file
from portal.kit.money import Money

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "static"
PAGE = '<html lang="en"><title>A page</title><body>{}</body></html>'


def invoice(count: int = 1, currency: str = "eur", **changes: object) -> SimpleNamespace:
    lines = [
        SimpleNamespace(description=f"Line {n}", quantity=n, unit_minor=4900, amount_minor=4900 * n)
        for n in range(1, count + 1)
    ]
    total = Money(sum(line.amount_minor for line in lines), currency)
    company = {"address_lines": ["1 Street", "Dublin"], "tax_id": "IE1234567WA", "email": "a@b.example"}
    bank = SimpleNamespace(iban="IE29AIBK93115212345678", bic="AIBKIE2D", bank="A bank", reference="NW-42")
    values = {
        "number": "NW-42",
        "status": "open",
        "issued_at": datetime(2026, 11, 1, tzinfo=UTC),
        "due_at": datetime(2026, 12, 1, tzinfo=UTC),
        "seller": SimpleNamespace(name="Northwind", **company),
        "buyer": SimpleNamespace(name="Globex", **company),
        "lines": lines,
        "subtotal": total,
        "tax": total.of(0),
        "total": total,
        "amount_paid": total.of(0),
        "amount_due": total,
        "payment_instructions": bank,
        "notes": None,
    }
    return SimpleNamespace(**(values | changes))


def html_of(what: SimpleNamespace) -> str:
    loader = FileSystemLoader(ROOT / "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("pdf/invoice.html").render(invoice=what)


def pages_of(what: SimpleNamespace) -> list[str]:
    reader = PdfReader(io.BytesIO(render_pdf(html_of(what), base=STATIC)))
    return [" ".join(page.extract_text().split()) for page in reader.pages]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A static folder with a picture in it, a secret beside it, and a link from one to the other."""
    static = tmp_path / "static"
    static.mkdir()
    (tmp_path / "secret.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (static / "ours.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>")
    (static / "link.svg").symlink_to(tmp_path / "secret.svg")
    return static


def nested(url: str) -> str:
    picture = f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{url}' width='9' height='9'/></svg>"
    return f'<img src="data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}">'


WAYS: list[Callable[[str], str]] = [
    '<img src="{}">'.format,
    '<link rel="stylesheet" href="{}">'.format,
    '<link rel="attachment" href="{}">'.format,
    '<a rel="attachment" href="{}">x</a>'.format,
    '<style>@import url("{}");</style>'.format,
    '<style>body {{ background: url("{}") }}</style>'.format,
    '<style>@font-face {{ font-family: x; src: url("{}") }} body {{ font-family: x }}</style>text'.format,
    '<object data="{}"></object>'.format,
    nested,
]


@pytest.mark.parametrize("way", range(len(WAYS)))
@pytest.mark.parametrize("where", ["file:///etc/passwd", "http://127.0.0.1:9/x.png", "ftp://127.0.0.1/x"])
def test_no_way_of_naming_a_resource_reaches_outside(folder: Path, way: int, where: str) -> None:
    with pytest.raises(ForbiddenResourceError):
        render_pdf(PAGE.format(WAYS[way](where)), base=folder)


@pytest.mark.parametrize(
    "address",
    ["../secret.svg", "%2e%2e/secret.svg", "link.svg", "missing.svg", "//host/static/ours.svg", "."],
)
def test_only_plain_files_inside_the_static_folder_are_read(folder: Path, address: str) -> None:
    with pytest.raises(ForbiddenResourceError):
        render_pdf(PAGE.format(f'<img src="{address}">'), base=folder)


@pytest.mark.parametrize("prefix", ["file://host", "http://host", "https:", "FILE://host"])
def test_the_same_path_on_another_host_or_scheme_is_not_ours(folder: Path, prefix: str) -> None:
    with pytest.raises(ForbiddenResourceError):
        static_file(f"{prefix}{folder / 'ours.svg'}", folder)


def test_a_base_element_does_not_move_the_folder(folder: Path) -> None:
    html = f'<html lang="en"><title>x</title><base href="{folder.parent.as_uri()}/"><img src="secret.svg">'
    with pytest.raises(ForbiddenResourceError):
        render_pdf(html, base=folder)


def test_our_files_and_data_addresses_are_read(folder: Path) -> None:
    data = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
    html = PAGE.format(f'<img src="ours.svg"><img src="{data}">')
    assert render_pdf(html, base=folder).startswith(b"%PDF-")
    assert static_file((folder / "ours.svg").as_uri(), folder) == folder / "ours.svg"


def test_the_document_says_its_title_language_date_and_structure() -> None:
    reader = PdfReader(io.BytesIO(render_pdf(html_of(invoice()), base=STATIC)))
    catalog: Any = reader.trailer["/Root"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Invoice NW-42 from Northwind"
    assert reader.metadata.creation_date_raw == "D:20261101"
    assert catalog["/Lang"] == "en-US"
    assert catalog["/MarkInfo"]["/Marked"]


def test_the_same_invoice_is_the_same_file_in_every_process(tmp_path: Path) -> None:
    source = tmp_path / "invoice.html"
    source.write_text(html_of(invoice(3)))
    program = (
        "import hashlib, pathlib, sys; from portal.gateways.pdf import render_pdf;"
        "html = pathlib.Path(sys.argv[1]).read_text();"
        "print(hashlib.sha256(render_pdf(html, base=pathlib.Path('static'))).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program, str(source)],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


def test_weasyprint_is_not_loaded_before_the_first_document() -> None:
    program = "import portal.gateways.pdf, sys; sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60).returncode == 0


def test_every_page_has_its_number_and_the_head_of_the_table() -> None:
    pages = pages_of(invoice(60))
    assert len(pages) == 3
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of 3" in text
        assert "Northwind · Invoice NW-42" in text
        assert "Description Quantity Unit price Amount" in text


@pytest.mark.parametrize("count", range(14, 34, 3))
def test_the_totals_stay_together_wherever_the_page_ends(count: int) -> None:
    [holding] = [text for text in pages_of(invoice(count)) if "Subtotal" in text]
    assert holding.index("Subtotal") < holding.index("Total €") < holding.index("Amount due")


def test_hostile_text_is_printed_as_it_is_written() -> None:
    hostile = '<img src="file:///etc/passwd"><script>1</script>{{ 7 * 7 }}'
    seller = SimpleNamespace(name=hostile, address_lines=[hostile], tax_id=hostile, email=hostile)
    line = SimpleNamespace(description=hostile, quantity=1, unit_minor=1, amount_minor=1)
    [text, *_] = pages_of(invoice(seller=seller, buyer=seller, lines=[line], notes=hostile))
    shown = text.replace(" ", "")
    assert shown.count('<imgsrc="file:///etc/passwd"><script>1</script>{{7*7}}') >= 6


@pytest.mark.parametrize(("currency", "shown"), [("jpy", "¥4,900"), ("kwd", "KWD 4.900"), ("usd", "$49.00")])
def test_amounts_have_the_digits_of_their_currency(currency: str, shown: str) -> None:
    [text] = pages_of(invoice(currency=currency))
    assert f"{shown} due by 1 December 2026" in text
    assert text.count(shown) == 6


def test_a_paid_or_void_invoice_does_not_ask_for_money() -> None:
    money = Money(4900, "eur")
    [paid] = pages_of(invoice(status="paid", amount_paid=money, amount_due=money.of(0)))
    assert "€49.00 paid" in paid
    [void] = pages_of(invoice(status="void"))
    assert "Void: nothing to pay" in void
    assert "IBAN" not in paid + void
