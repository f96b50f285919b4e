"""The requester's own name and address are in nothing that is kept or shown."""

import pytest

from portal.inbox.ticket import Ticket
from portal.inbox.verdicts import redacted_text, without_person


def ticket(name: str, email: str = "", body: str = "") -> Ticket:
    return Ticket(
        id="1", source="csv", source_file="x.csv", created_at=None, first_reply_at=None, solved_at=None,
        status="", channel="", requester_name=name, requester_email=email, assignee="", agent_minutes=None,
        subject="", body=body,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "email", "text", "left"),
    [
        ("Anna Müller", "", "Hier Frau Müller, ANNA, nochmal müller", "Hier Frau [name], [name], nochmal [name]"),
        ("Müller, Anna", "", "Rechnung Anna Müller", "Rechnung [name] [name]"),
        ("Ann", "", "The Annual plan, asks Ann", "The Annual plan, asks [name]"),
        ("Bill Ng", "", "My bill is wrong. Bill", "My bill is wrong. [name]"),
        ("", "peter.lustig@kunde.example", "Login peter.lustig geht nicht", "Login [name] geht nicht"),
    ],
)  # fmt: skip
def test_each_part_of_the_name_goes_and_words_that_hold_it_stay(
    name: str, email: str, text: str, left: str
) -> None:
    assert without_person(text, ticket(name, email)) == left


def test_passwords_and_tax_numbers_go_too() -> None:
    _, body = redacted_text(ticket("", body="Passwort: Sommer2024! UID DE123456789, ATU12345678"))
    assert body == "Passwort: [key] UID [number], [number]"
