"""From a help desk's API to tickets: the same inbox reads the same whichever product keeps it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.config import ROOT
from portal.gateways.help_desks import VENDORS
from portal.inbox.readers import ReadOptions, ReadReport, tickets_from_objects
from portal.inbox.ticket import Kind, Ticket
from standins.help_desks.world import TOKEN
from tests.conftest import SECRET_KEY
from tests.portal.gateways.help_desks import IDS, NEWEST, PAGE_SIZE, TICKETS, fetch
from tests.support.help_desk_apis import HelpDeskStandin


def read(standin: HelpDeskStandin) -> dict[str, Ticket]:
    report = ReadReport()
    found = tickets_from_objects(standin.vendor, fetch(standin), ReadOptions(), report)
    return {ticket.id: ticket for ticket in found}


def facts(ticket: Ticket) -> tuple[Any, ...]:
    """What does not depend on who tells it."""
    text = (ticket.subject, ticket.body, ticket.language, ticket.kind)
    times = (ticket.created_at, ticket.first_reply_at, ticket.solved_at, ticket.is_solved)
    return (*text, *times, ticket.requester_name, ticket.requester_email)


def test_the_same_ticket_reads_the_same_from_all_four() -> None:
    told = {}
    for vendor in VENDORS:
        with HelpDeskStandin(vendor, tickets=TICKETS, page_size=PAGE_SIZE, newest=NEWEST) as standin:
            told[vendor] = read(standin)
    assert {int(ident) for ident in told["zendesk"]} == {*IDS}
    for vendor in VENDORS:
        assert {ident: facts(each) for ident, each in told[vendor].items()} == {
            ident: facts(each) for ident, each in told["zendesk"].items()
        }
    minutes = {vendor: [each.agent_minutes or 0 for each in told[vendor].values()] for vendor in VENDORS}
    assert sorted(minutes["zendesk"]) == sorted(minutes["freshdesk"])
    assert sum(minutes["zendesk"]) > 0


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk"])
def test_a_merged_ticket_is_known_as_such(vendor: Any) -> None:
    with HelpDeskStandin(vendor, tickets=TICKETS, page_size=PAGE_SIZE, newest=NEWEST) as standin:
        case = standin.world.case(IDS[4])
        assert case is not None
        case.replied_at, case.is_merged = None, True
        assert {ident for ident, each in read(standin).items() if each.kind is Kind.MERGED} == {str(case.id)}


def test_a_token_that_expires_ends_the_audit_in_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with HelpDeskStandin("zendesk", tickets=TICKETS, page_size=PAGE_SIZE, newest=NEWEST) as standin:
        standin.world.good_for = 5
        environment = {
            **os.environ,
            "SECRET_KEY": SECRET_KEY,
            "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite",
            **{name.upper(): value for name, value in standin.settings.items()},
        }
        command = [sys.executable, "-m", "flask", "tickets", "audit", "--from", "zendesk", "--out", str(out)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        assert len(standin.asked()) == 6
    assert done.returncode == 1
    assert (
        done.stderr.splitlines()[-1] == "Error: Zendesk refused ZENDESK_API_TOKEN: wrong, expired or revoked."
    )
    assert TOKEN not in done.stdout + done.stderr
    assert not out.exists()
