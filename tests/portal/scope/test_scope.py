"""The scope: drafted from an audit, kept where people changed it, signed, and checked against text and routes."""

from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from portal.inbox.reasons import OTHER, all_reasons
from portal.scope.audited import read_audit
from portal.scope.checking import check_scope
from portal.scope.document import ScopeError, ScopeFiles, parse_scope, render_scope
from portal.scope.draft import draft, write_draft
from portal.scope.page import write_signature
from portal.scope.screens import ROUTES, SCREENS

TICKETS = """\
ticket_id,source_file,created_at,reason,confidence,why,screen,language
1,a.csv,2026-09-01T08:00:00+00:00,payment_method,0.91,card,billing,en
2,a.csv,2026-09-30T08:00:00+00:00,payment_method,0.88,card,billing,en
3,a.csv,,refund,0.80,refund,support,en
4,a.csv,2026-09-02T08:00:00+00:00,team_invite,0.30,unclear: nothing fits,team,en
5,a.csv,2026-08-01T08:00:00+00:00,other,1.00,spam,none,en
"""
ENDPOINTS = {screen.endpoint for screen in SCREENS}


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / "tickets.csv").write_text(TICKETS)
    return folder


@pytest.fixture
def files(tmp_path: Path, audit: Path) -> ScopeFiles:
    """Drafted."""
    found = ScopeFiles(tmp_path)
    write_draft(found, read_audit(audit))
    return found


@pytest.fixture
def signed(files: ScopeFiles) -> ScopeFiles:
    write_signature(files, "Ana Ruiz")
    assert check_scope(files, ENDPOINTS) == []
    return files


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_draft_counts_what_is_clear_and_places_every_reason_once(audit: Path) -> None:
    scope = draft(read_audit(audit), None)
    assert (scope.audit.tickets, scope.audit.unclear) == (4, 1)
    assert (str(scope.audit.since), str(scope.audit.until)) == ("2026-09-01", "2026-09-30")
    assert {entry.key: entry.count for entry in scope.entries if entry.count} == {"billing": 2, "refund": 1}
    assert [entry.key for entry in scope.screens] == [screen.name for screen in SCREENS]
    places = [reason for entry in scope.entries for reason in entry.tickets]
    assert sorted(places) == sorted(all_reasons().keys() - {OTHER})
    assert "Refunds beyond 30 days" in {entry.title for entry in scope.support}
    assert parse_scope(render_scope(scope)) == scope


def test_the_page_says_screens_workflows_and_counts(signed: ScopeFiles) -> None:
    page = signed.page.read_text()
    assert (
        "4 tickets from September 1, 2026 to September 30, 2026: 50% of them ask for what a screen does."
        in page
    )
    assert "| 2 | 50% | Change card or payment method 2 |" in page
    assert "| Refunds beyond 30 days | Write with the invoice number" in page
    assert "Signed by Ana Ruiz on" in page
    assert len(page.splitlines()) < 60, "one page"


def test_what_people_changed_survives_another_draft(files: ScopeFiles, audit: Path) -> None:
    change(files.toml, 'title = "Refunds beyond 30 days"', 'title = "Money back #1"')
    change(files.toml, "refund = 1", "refund = 1, unexpected_charge = 0")
    change(files.toml, "unexpected_charge = 0, invoice_download", "invoice_download")
    files.toml.write_text(
        files.toml.read_text() + '[support.parrots]\ntitle = "Parrots"\ntext = "Ask."\ntickets = {}\n'
    )
    (audit / "tickets.csv").write_text(TICKETS + "6,a.csv,,unexpected_charge,0.9,charge,invoices,en\n")
    assert write_draft(files, read_audit(audit))
    support = {entry.key: entry for entry in parse_scope(files.toml.read_text()).support}
    assert support["refund"].title == "Money back #1"
    assert support["refund"].tickets == {"refund": 1, "unexpected_charge": 1}
    assert support["parrots"].text == "Ask."
    assert not write_draft(files, read_audit(audit)), "the same audit changes nothing"


def test_a_draft_refuses_to_lose_what_it_cannot_keep(files: ScopeFiles, audit: Path) -> None:
    change(files.toml, "unclear = 1", "unclear = 1  # who looks?")
    (audit / "tickets.csv").write_text(TICKETS + "6,a.csv,,refund,0.9,refund,support,en\n")
    before = files.toml.read_text()
    with pytest.raises(ScopeError, match="line 7: a new draft would lose this comment"):
        write_draft(files, read_audit(audit))
    change(files.toml, "  # who looks?", "")
    change(files.page, "# Scope", "# Our scope")
    with pytest.raises(ScopeError, match=r"docs/scope\.md was changed by hand"):
        write_draft(files, read_audit(audit))
    assert files.toml.read_text() == before.replace("  # who looks?", "")


def test_the_same_audit_keeps_the_signature_and_another_one_takes_it(signed: ScopeFiles, audit: Path) -> None:
    assert not write_draft(signed, read_audit(audit))
    assert check_scope(signed, ENDPOINTS) == []
    (audit / "tickets.csv").write_text(TICKETS + "6,a.csv,,refund,0.9,refund,support,en\n")
    assert write_draft(signed, read_audit(audit))
    assert check_scope(signed, ENDPOINTS) == ["scope.toml is not signed. Run flask scope sign --by NAME."]


@pytest.mark.parametrize(
    ("change_it", "said"),
    [
        (
            lambda files: change(files.toml, "Refunds beyond 30", "Refunds beyond 10"),
            "was changed since Ana Ruiz",
        ),
        (
            lambda files: change(files.toml, "# Customers read", "# Everybody reads"),
            "was changed since Ana Ruiz",
        ),
        (lambda files: change(files.toml, "[signed]", "[signed]\n# x"), "nothing but the signature"),
        (lambda files: files.toml.write_text(files.toml.read_text() + "[more]\n"), "more is not known"),
        (lambda files: change(files.page, "What customers", "What some customers"), "is not what the signed"),
        (lambda files: files.page.unlink(), "is not what the signed"),
        (lambda files: files.toml.unlink(), "there is none"),
        (lambda files: change(files.toml, "tickets = 4", "tickets = four"), "cannot be read"),
        (lambda files: change(files.toml, "refund = 1", "parrot = 1"), "parrot: there is no such reason"),
        (lambda files: change(files.toml, 'by = "Ana Ruiz"', 'by = "Mallory"'), "was changed since Mallory"),
        (lambda files: change(files.toml, "\nat = 2", "\nat = 1"), "was changed since Ana Ruiz"),
        (lambda files: change(files.toml, "by = ", 'by = "Mallory" # '), "nothing but the signature"),
    ],
)
def test_a_change_after_signing_fails(
    signed: ScopeFiles, change_it: Callable[[ScopeFiles], object], said: str
) -> None:
    change_it(signed)
    assert said in "\n".join(check_scope(signed, ENDPOINTS))


@pytest.mark.parametrize(
    ("endpoints", "said"),
    [
        (ENDPOINTS | {"parrots.feed"}, "parrots.feed: this route belongs to no signed screen"),
        (ENDPOINTS | {"account.parrot"}, "account.parrot: this route belongs to no signed screen"),
        (ENDPOINTS - {"usage.overview"}, "screens.usage: this screen is signed and has no route."),
    ],
)
def test_routes_and_signed_screens_are_the_same(
    signed: ScopeFiles, endpoints: Collection[str], said: str
) -> None:
    assert [line for line in check_scope(signed, endpoints) if line.startswith(said)]


def test_a_route_of_a_screen_that_is_not_signed_fails(signed: ScopeFiles) -> None:
    text = signed.toml.read_text()
    start, end = text.index("[screens.activity]"), text.index("[screens.help]")
    signed.toml.write_text(text[:start] + text[end:])
    write_signature(signed, "Ana Ruiz")
    assert check_scope(signed, ENDPOINTS) == [
        "activity.list_entries: this route belongs to the screen activity, which is not signed."
    ]


def test_signing_again_replaces_the_signature(signed: ScopeFiles) -> None:
    change(signed.toml, "Refunds beyond 30", "Refunds beyond 10")
    write_signature(signed, 'Ben "B" Li')
    assert check_scope(signed, ENDPOINTS) == []
    assert signed.toml.read_text().count("[signed]") == 1
    assert "Refunds beyond 10" in signed.page.read_text()


def test_every_screen_has_a_route_of_its_own() -> None:
    assert set(ROUTES.values()) == {screen.name for screen in SCREENS}


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_the_commands(app: Flask, tmp_path: Path, audit: Path, engine_name: str) -> None:
    def call(*arguments: str | Path) -> Result:
        runner = app.test_cli_runner()
        return runner.invoke(args=["scope", *map(str, arguments), "--folder", str(tmp_path)])

    assert "there is none" in call("check").stderr
    drafted = call("draft", "--audit", audit)
    assert drafted.stdout.startswith("4 tickets: 2 for 10 screens, 1 stay with support, 1 unclear.")
    assert call("check").exit_code == 1
    assert "cannot be empty" in call("sign", "--by", " ").stderr
    assert call("sign", "--by", "Ana Ruiz").stdout.startswith("Signed by Ana Ruiz on ")
    assert call("check").exit_code == 0
    (audit / "tickets.csv").write_text("ticket_id,reason\n1,parrot\n")
    refused = call("draft", "--audit", audit)
    assert (refused.exit_code, "row 2: there is no reason “parrot”" in refused.stderr) == (1, True)
    (audit / "tickets.csv").unlink()
    assert "Run flask tickets audit" in call("draft", "--audit", audit).stderr
