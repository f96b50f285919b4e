"""The inbox loop: from uploaded tickets to a signed scope, to a flag and what a customer meets, to the chart."""

import csv
import sys
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader
from sqlalchemy import create_engine, text

from portal.kit.clock import utcnow
from tests.journeys.browsing import Reception, open_screen, row_of, said
from tests.journeys.running import NOT_SET, Portal
from tests.journeys.test_screens import assert_sound
from tests.journeys.test_staff import LEAD, REASON, give_reason
from tests.journeys.test_usage_and_invoices import download
from tests.journeys.test_webhooks import reload_until
from tests.support.processes import Process

CUSTOMER = "owner@globex.example"
HEADERS = "Ticketnummer;Erstellt am;Erste Antwort am;Gelöst am;Aufwand in Minuten;Betreff;Nachricht;E-Mail"
WISHES = (
    ("Rechnung vom Mai", "Wo kann ich die Rechnung vom Mai als PDF herunterladen?"),
    ("Rechnungskopie", "Bitte schicken Sie uns die letzte Rechnung noch einmal als PDF."),
    ("Rechnung fehlt", "Die letzte Rechnung ist nie angekommen. Können Sie uns die PDF senden?"),
    ("Kollegen einladen", "Wie kann ich zwei neue Kollegen zum Konto einladen?"),
    ("Geld zurück", "Wir hätten gern eine Rückerstattung für den letzten Monat."),
)
# No reason to write to anybody; another one for each of the two runs, since what is settled teaches.
RIDDLES = {
    True: ("Kornblumen", "Auf der Fensterbank blühen heute sieben blaue Kornblumen neben der Teekanne."),
    False: ("Segelboote", "Drei weiße Segelboote treiben gegen Abend langsam am alten Leuchtturm vorbei."),
}
FILES = ("audit.csv", "tickets.csv", "summary.json", "report.pdf")
AUDIT_SECONDS = COMMAND_SECONDS = 60.0


NAME = text(
    "SELECT organizations.name FROM organizations JOIN memberships ON memberships.organization_id = organizations.id"
    " JOIN users ON users.id = memberships.user_id WHERE users.email = :email"
)


@pytest.fixture
def organization(portal: Portal) -> Iterator[str]:
    """The customer's, by the name that earlier journeys left it. Afterwards the screen is open to it again."""
    engine = create_engine(portal.database_url)
    with engine.connect() as connection:
        name = connection.execute(NAME, {"email": CUSTOMER}).scalar_one()
    yield name
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM screen_flag_organizations WHERE screen = 'usage'"))
    engine.dispose()


@pytest.fixture
def export(tmp_path: Path, script: bool) -> Path:
    """What somebody's own help desk wrote, in Windows' encoding: each answered in two hours, solved in ten."""
    lines = [HEADERS]
    for number, (subject, message) in enumerate((*WISHES, RIDDLES[script]), 1):
        created = utcnow().replace(hour=8, minute=30) - timedelta(days=20 + number)
        days = [f"{created + timedelta(hours=hours):%d.%m.%Y %H:%M}" for hours in (0, 2, 10)]
        name = f"{'M' if script else 'O'}-{number}"
        lines.append(";".join((name, *days, "6", subject, message, f"kunde{number}@kunde.example")))
    path = tmp_path / f"Anfragen {'mit' if script else 'ohne'} Skript.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    return path


def test_from_an_upload_to_the_chart(
    reception: Reception, export: Path, organization: str, script: bool
) -> None:
    lead = reception.guest(LEAD, script=script)
    customer = reception.member(CUSTOMER, script=script)
    have_audited(lead, export, script=script)
    folder = export.parent / "audit"
    take_home(lead, folder)
    settle(lead, RIDDLES[script][0])
    sign_scope(folder, export.parent)
    decide(lead, "Closed", organization)
    meet_closed(customer, organization)
    if script:
        looked_at = reception.member(CUSTOMER, reduced_motion="reduce", color_scheme="light")
        looked_at.goto("/account/usage")
        assert_sound(looked_at)
    decide(lead, "As the percentage says", organization)
    meet_open(customer)
    see_chart(lead, export.name)


def have_audited(page: Page, export: Path, *, script: bool) -> None:
    """Upload the file at the audits' page; the worker finds out why these tickets were written."""
    open_screen(page, "Deflection")
    page.locator("#audits").get_by_role("link", name="All audits").click()
    page.get_by_role("link", name="Audit tickets").click()
    page.get_by_role("button", name="Audit tickets").click()
    expect(page.get_by_text("Choose at least one file.").first).to_be_visible()
    page.get_by_label("Files").set_input_files(export)
    page.get_by_label("What a minute costs").fill("0.75")
    page.get_by_role("button", name="Audit tickets").click()
    said(page, "The audit begins within seconds.")
    answer = "4 of 6 requests (67%) could be settled on a screen."
    if not script:
        reload_until(page, "the audit to end", answer, seconds=AUDIT_SECONDS)
    expect(page.locator("#audit")).to_contain_text(answer, timeout=AUDIT_SECONDS * 1000)
    expect(page.get_by_role("img", name="Tickets by reason")).to_be_visible()
    page.get_by_text("Show as a table").click()
    expect(row_of(page, "1. Get invoices, receipts, statements")).to_contain_text("3")
    expect(row_of(page, "Unclear, please look")).to_contain_text("nobody has looked yet")


def take_home(page: Page, folder: Path) -> None:
    """All that the audit wrote, as `flask tickets audit --out` would have left it."""
    folder.mkdir()
    for name in FILES:
        link = page.get_by_role("link", name=f"Download {name}", exact=True)
        (folder / name).write_bytes(download(page, link))
    with (folder / "audit.csv").open(encoding="utf-8-sig", newline="") as file:
        first = next(csv.DictReader(file))
    names = ("reason", "tickets", "median_first_reply_hours", "median_resolution_hours", "agent_minutes")
    assert [first[name] for name in names] == ["invoice_download", "3", "2.00", "10.00", "18"]
    (sheet,) = PdfReader(BytesIO((folder / "report.pdf").read_bytes())).pages
    assert "4 of 6 requests" in " ".join(sheet.extract_text().split())


def settle(page: Page, subject: str) -> None:
    """Say what the tagger was unsure of."""
    page.get_by_role("link", name="Look at them").click()
    ticket = page.locator("li.letter").filter(has_text=subject)
    ticket.get_by_role("combobox").select_option("how_to")
    ticket.get_by_role("button", name="Settle").click()
    said(page, "Settled.")
    page.get_by_role("combobox", name="Show").select_option("Settled by a person")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("li.letter").filter(has_text=subject)).to_contain_text("settled by Lena Brandt")


def sign_scope(audit: Path, folder: Path) -> None:
    """Draft the scope from the downloads, sign it, and hold it against the routes: where no portal is set up."""

    def scope(*arguments: str | Path) -> tuple[int, str]:
        command = (Path(sys.executable).with_name("flask"), "scope", *arguments, "--folder", folder)
        nowhere = {
            **NOT_SET,
            "DATABASE_URL": f"sqlite:///{folder / 'none'}",
            "PUBLIC_APP_URL": "http://127.0.0.1",
        }
        with Process(command, log=folder / "scope.log", env=nowhere) as process:
            return process.wait_for_exit(seconds=COMMAND_SECONDS), process.output

    assert scope("draft", "--audit", audit)[0] == 0
    assert scope("check") == (1, "scope.toml is not signed. Run flask scope sign --by NAME.\n")
    assert scope("sign", "--by", "Lena Brandt")[0] == 0
    assert scope("check")[0] == 0
    written = tomllib.loads((folder / "scope.toml").read_text())
    assert written["screens"]["invoices"]["tickets"]["invoice_download"] == 3
    assert (written["audit"]["tickets"], written["audit"]["unclear"]) == (6, 1)
    assert "Signed by Lena Brandt on" in (folder / "docs" / "scope.md").read_text()


def decide(page: Page, state: str, organization: str) -> None:
    """Close or open the screen to one organization, with a reason."""
    open_screen(page, "Flags")
    page.get_by_label("Actions for Usage").click()
    row_of(page, "Usage").get_by_role("link", name="Decide for one organization").click()
    page.get_by_role("textbox", name="Organization").fill(organization)
    page.get_by_label("The screen is").select_option(state)
    page.get_by_role("button", name="Save for this organization").click()
    expect(page.get_by_label("Reason")).to_have_attribute("aria-invalid", "true")
    give_reason(page, "Save for this organization")
    said(page, "The flag of this organization is saved.")
    expect(page.locator("#changes").get_by_role("row").nth(1)).to_contain_text(REASON)
    exceptions = row_of(page, "Usage").first.get_by_text("closed")
    expect(exceptions).to_have_count(1 if state == "Closed" else 0)


def meet_closed(page: Page, organization: str) -> None:
    """The page says what to do meanwhile, and nothing leads to it any more."""
    answer = page.goto("/account/usage")
    assert answer
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("Usage is closed at the moment")
    expect(page.get_by_role("navigation").get_by_role("link", name="Usage", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="Write to support")).to_have_attribute(
        "href", "mailto:support@portal.example?subject=Usage"
    )
    page.get_by_role("link", name="See what else support does for you").click()
    expect(page.locator("#support")).to_contain_text(f"While this screen is closed to {organization}.")


def meet_open(page: Page) -> None:
    """It is back where it was, and the activity says why it was away."""
    page.reload()
    open_screen(page, "Usage")
    expect(page.get_by_role("heading", level=1)).to_have_text("Usage")
    open_screen(page, "Activity")
    entry = page.get_by_role("listitem").filter(has_text="changed whether the screen Usage is open").first
    expect(entry).to_contain_text(REASON)


def see_chart(page: Page, audit: str) -> None:
    """What a quarter's chart draws, its text alternative, table and file say the same; the audit is listed."""
    open_screen(page, "Deflection")
    expect(row_of(page.locator("#audits"), audit)).to_contain_text("Done")
    chart = page.get_by_role("img", name="Tickets after each screen was opened, against before")
    expect(chart).to_be_visible()
    drawn = str(chart.locator("desc").text_content()).removesuffix(". 1 means as many as before.").split("; ")
    rows = page.locator("#reasons tbody")
    for each in drawn:
        title, _, figures = each.rpartition(": ")
        for figure in figures.strip(")").replace("at least ", "").replace(" (", " to ").split(" to "):
            expect(row_of(rows, title)).to_contain_text(figure)
    file = download(page, page.get_by_role("link", name="Download CSV"))
    told = {row["title"] for row in csv.DictReader(StringIO(file.decode("utf-8-sig"))) if row["rate_ratio"]}
    assert told
    assert told <= {each.rpartition(": ")[0] for each in drawn}
