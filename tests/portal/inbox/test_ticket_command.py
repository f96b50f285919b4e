"""`flask tickets audit`: what operators read, what scripts read, how it ends, and that nothing half written is left."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.gateways.help_desks import HelpDeskRefusedError
from portal.inbox.models import InboxTicket, TicketAudit
from tests.conftest import ENGINES, make_settings
from tests.portal.inbox.audits import SubjectTagger, rows
from wsgi import create_app

EXPORT = """ticket;Erstellt am;Betreff;Nachricht;E-Mail
1;31.10.2026 14:05;refund bitte;Wir hätten gern das Geld zurück, es wurde doppelt gebucht.;anna@kunde.example
2;01.11.2026 08:30;team_invite bitte;Bitte eine neue Kollegin hinzufügen, sie beginnt am Montag.;ben@kunde.example
3;02.11.2026 09:00;refund? vielleicht;Was ist das hier für eine Buchung?;cleo@kunde.example
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "Anfragen.csv"
    path.write_bytes(EXPORT.encode("cp1252"))
    return path


@pytest.fixture
def bare(tmp_path: Path) -> Flask:
    """An application whose database was never made."""
    return create_app(make_settings(f"sqlite:///{tmp_path / 'never' / 'made.sqlite'}"))


def call(app: Flask, *arguments: str | Path) -> Result:
    return app.test_cli_runner().invoke(args=["tickets", "audit", *map(str, arguments)])


def test_a_strangers_export_needs_no_option_and_no_database(
    bare: Flask, export: Path, tagger: SubjectTagger, tmp_path: Path
) -> None:
    out = tmp_path / "reports" / "october"
    result = call(bare, export, "--out", out, "--minute-cost", "0.75", "--currency", "EUR")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1 of 3 requests (33%) could be settled on a screen." in result.stdout
    found = {row["ticket_id"]: row for row in rows(out / "tickets.csv")}
    assert found["1"]["created_at"] == "2026-10-31T14:05:00+00:00"
    assert {name: row["language"] for name, row in found.items()}["2"] == "de"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert not (tmp_path / "never").exists()


def test_scripts_get_figures_and_changes_go_to_standard_error(
    bare: Flask, export: Path, tagger: SubjectTagger, tmp_path: Path
) -> None:
    assert call(bare, export, "--out", tmp_path / "out").exit_code == 0
    tagger.instead = {"refund": "how_to"}
    result = call(bare, export, "--out", tmp_path / "out", "--until", "2026-10-31", "--json")
    said: dict[str, Any] = json.loads(result.stdout)
    assert (said["requests"], said["changes"], said["ranked"][0]["reason"]) == (1, 1, "refund")
    assert "1 ticket would change with --retag:" in result.stderr
    assert result.stderr.split()[-5:-1] == ["1", "refund", "->", "how_to"]


def test_stopped_or_failing_it_leaves_everything_as_it_was(
    bare: Flask, export: Path, tagger: SubjectTagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    call(bare, export, "--out", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    tagger.tagged, tagger.fails_after = 0, 0  # Ctrl-C while tagging
    assert call(bare, export, "--out", out, "--retag").exit_code == 1
    assert call(bare, export, "--out", tmp_path / "new").exit_code == 1
    tagger.fails_after = None
    monkeypatch.setattr("portal.inbox.audit.write_report", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert call(bare, export, "--out", out, "--retag").exit_code == 128 + signal.SIGTERM
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["out"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name files, or a help desk with --from."),
        (["--from", "zendesk", "FILE"], "Name files, or a help desk with --from."),
        (["FILE", "--minute-cost", "cheap"], "write an amount such as 0.75"),
        (["FILE", "--minute-cost", "1", "--currency", "XXL"], "there is no currency 'XXL'"),
        (["FILE", "--map", "betreff"], "write FIELD=COLUMN"),
        (["FILE", "--map", "subject=Betref"], "no file has a column 'Betref'"),
        (["FILE", "--map", "subject=Betreff", "--map", "body=betreff"], "one column for one field"),
        (["FILE", "--since", "2026-10-02", "--until", "2026-10-01"], "it must be after --since"),
        (["FILE", "--time-zone", "Mars/Base"], "there is no time zone"),
        (["FILE.gone"], "does not exist"),
        (["--from", "zendesk"], "ZENDESK_SUBDOMAIN"),
        (["FILE", "--store"], "is it migrated"),
        (["EMPTY"], "No ticket could be read: empty.csv: no ticket in it."),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_written(
    bare: Flask, export: Path, tagger: SubjectTagger, tmp_path: Path, arguments: list[str], said: str
) -> None:
    empty = tmp_path / "never" / "empty.csv"
    empty.parent.mkdir()
    empty.write_text("ticket_id,created_at,subject,body\n")
    words = [word.replace("FILE", str(export)).replace("EMPTY", str(empty)) for word in arguments]
    result = call(bare, *words, "--out", tmp_path / "out")
    assert result.exit_code != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert said in last
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "never") == ["Anfragen.csv"]


@pytest.mark.parametrize(
    "words",
    [
        "audit-log verify",
        "deflection report",
        "demo seed",
        "flags list",
        "nudges send --dry-run",
        "organizations invite org_1 a@b.example",
        "staff take-off-second-factor a@b.example --reason lost-phone",
        "stripe replay evt_1",
    ],
)
def test_commands_say_in_one_line_that_the_database_is_not_migrated(tmp_path: Path, words: str) -> None:
    bare = create_app(make_settings(f"sqlite:///{tmp_path / 'empty.sqlite'}"))
    result = bare.test_cli_runner().invoke(args=words.split())
    assert result.exit_code == 1
    assert re.fullmatch(
        r"Error: The database says: no such table: \w+; is it migrated \(flask db upgrade\)\?\n",
        result.stderr,
    )


@pytest.mark.parametrize("engine_name", ENGINES)
def test_stored_on_request_all_at_once(
    app: Flask, export: Path, tagger: SubjectTagger, tmp_path: Path
) -> None:
    with app.app_context():
        result = call(app, export, "--out", tmp_path / "out", "--store")
        assert (result.exit_code, result.stderr) == (0, "")
        assert sorted(db.session.scalars(select(InboxTicket.external_id))) == ["1", "2", "3"]
        row = db.session.scalars(select(TicketAudit)).one()
        assert (row.status, row.file_names, row.created_by) == ("done", "Anfragen.csv", "Operator")
        assert db.session.scalars(select(AuditEntry.action)).all() == ["inbox:audit:asked"]


def test_what_cannot_be_moved_in_is_not_stored_either(
    app: Flask, export: Path, tagger: SubjectTagger, tmp_path: Path
) -> None:
    (tmp_path / "out" / "tickets.csv").mkdir(parents=True)
    with app.app_context():
        result = call(app, export, "--out", tmp_path / "out", "--store")
        assert (result.exit_code, "tickets.csv: Is a directory" in result.stderr) == (1, True)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["tickets.csv"]
        db.session.rollback()
        assert db.session.scalars(select(InboxTicket.id)).all() == []


@pytest.mark.parametrize(("until", "counted"), [("2026-11-01", 2), ("2026-11-01T00:00:00", 1)])
def test_a_day_counts_whole_and_midnight_is_midnight(
    bare: Flask, export: Path, tagger: SubjectTagger, tmp_path: Path, until: str, counted: int
) -> None:
    result = call(bare, export, "--out", tmp_path / "out", "--until", until, "--json")
    assert json.loads(result.stdout)["requests"] == counted


def test_straight_from_a_help_desk(
    bare: Flask, tagger: SubjectTagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which requests are made is the gateway's matter; here its objects become tickets, and its refusal one line."""
    asked: list[tuple[Any, ...]] = []
    conversation = {
        "type": "conversation",
        "id": "77",
        "created_at": 1_790_000_000,
        "state": "open",
        "source": {
            "type": "email",
            "subject": "refund please",
            "body": "<p>Money back</p>",
            "author": {"type": "user"},
        },
    }

    def fetch(vendor: str, credentials: object, since: Any, until: Any, on_progress: Any) -> Any:
        asked.append((vendor, (until - since).days))
        yield conversation
        on_progress(1, None)

    monkeypatch.setattr("commands.ticket_input.credentials_of", lambda vendor, settings: object())
    monkeypatch.setattr("commands.ticket_input.fetch_tickets", fetch)
    result = call(bare, "--from", "intercom", "--days", "30", "--out", tmp_path / "out")
    assert (result.exit_code, asked) == (0, [("intercom", 30)])
    assert rows(tmp_path / "out" / "tickets.csv")[0]["reason"] == "refund"

    def refuse(*_: object) -> Any:
        yield conversation
        raise HelpDeskRefusedError("Intercom refuses the token.")

    monkeypatch.setattr("commands.ticket_input.fetch_tickets", refuse)
    result = call(bare, "--from", "intercom", "--out", tmp_path / "later")
    assert (result.exit_code, result.stderr) == (1, "Error: Intercom refuses the token.\n")
    assert not (tmp_path / "later").exists()


def test_the_report_is_one_page_that_says_the_answer(bare: Flask, tmp_path: Path) -> None:
    """With the real tagger and the demo's inbox."""
    demo = Path(__file__).parents[3] / "demo" / "inbox" / "support.csv"
    assert call(bare, demo, "--out", tmp_path / "out", "--minute-cost", "0.75").exit_code == 0
    pages = PdfReader(tmp_path / "out" / "report.pdf").pages
    text = " ".join(pages[0].extract_text().split())
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert len(pages) == 1
    assert "English " in text
    for part in ("What customers write about", "Would stop arriving", "Stays with people", "Unclear"):
        assert part in text
    assert f"{summary['absorbable']['tickets']} of {summary['requests']} requests" in text
    html = (tmp_path / "out" / "report.html").read_text()
    assert "<svg" in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
