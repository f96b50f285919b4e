"""The demo's inbox: what is kept with the code is what the generator writes, and every reason comes in it."""

from datetime import timedelta

from demo.inbox.__main__ import FILE, UNTIL
from demo.inbox.generator import DAYS, demo_tickets, inbox_csv
from portal.inbox.reasons import all_reasons


def test_the_file_is_what_the_generator_writes() -> None:
    tickets = demo_tickets(UNTIL)
    assert FILE.read_bytes() == inbox_csv(tickets)
    assert 300 <= len(tickets) <= 400
    assert {ticket.reason for ticket in tickets} == set(all_reasons())
    assert all(UNTIL - timedelta(days=DAYS) <= ticket.created_at <= UNTIL for ticket in tickets)
    assert all(ticket.requester.email.endswith(".example") for ticket in tickets)


def test_leaving_some_out_changes_none_of_the_others() -> None:
    whole = demo_tickets(UNTIL)
    fewer = demo_tickets(UNTIL, arrives=lambda reason, requester, at: reason != "refund")
    assert fewer == [ticket for ticket in whole if ticket.reason != "refund"]
