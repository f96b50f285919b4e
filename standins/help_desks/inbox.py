"""One made-up inbox that all four help desks tell in their own way."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

AGENT_ID, AGENT, AGENT_EMAIL = 9001, "Robin Vale", "robin@help.example"
FIRST_ID = 501
ASKED = (
    ("Seat for a new colleague", "A colleague starts on Monday.\n\nHow do I give her a seat?"),
    ("Invoice of last month", "Our accountant needs the invoice of last month as a PDF."),
    ("Card has expired", "The card on file has expired & a new one is here.\n\nWhere do I enter it?"),
    ("Neuer Ansprechpartner", "Guten Tag,\n\nbitte tragen Sie mich als Inhaber ein."),
    ("Key leaked", "One of our API keys was in a public repository. Please revoke <all> of them."),
)
NAMES = ("Ada Lindqvist", "Bo Ferrand", "Cem Yildiz", "Dora Novak")
REPLY = "Hello,\n\nthat is done now."


@dataclass
class Case:
    """A ticket. Times are UTC and whole seconds; what has not happened is None."""

    id: int
    subject: str
    body: str
    name: str
    email: str
    created_at: datetime
    updated_at: datetime
    replied_at: datetime | None
    solved_at: datetime | None
    minutes: int
    is_spam: bool = False
    is_merged: bool = False

    @property
    def requester_id(self) -> int:
        return 70_000 + NAMES.index(self.name)


def make_inbox(count: int, newest: datetime) -> list[Case]:
    """`count` cases, six hours apart, the last created at `newest`; every seventh is open and unanswered.

    The answered ones of each ten are closed by one bulk update, in the same second.
    """
    return [_case(number, newest - timedelta(hours=6 * (count - 1 - number))) for number in range(count)]


def _case(number: int, created_at: datetime) -> Case:
    subject, body = ASKED[number % len(ASKED)]
    name = NAMES[number % len(NAMES)]
    is_open = number % 7 == 3
    solved_at = None if is_open else created_at + timedelta(hours=6 * (9 - number % 10) + 5)
    return Case(
        id=FIRST_ID + number,
        subject=subject,
        body=body,
        name=name,
        email=f"{name.split()[0].lower()}@customer.example",
        created_at=created_at,
        updated_at=solved_at or created_at,
        replied_at=None if is_open else created_at + timedelta(minutes=30 + number),
        solved_at=solved_at,
        minutes=0 if is_open else 4 + number % 20,
        is_spam=number == 1,
    )


def iso(at: datetime | None) -> str | None:
    """As all but Intercom write times."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def unix(at: datetime | None) -> int | None:
    """As Intercom writes times."""
    return int(at.timestamp()) if at else None


def html(text: str) -> str:
    """Paragraphs, as the help desks keep them."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"<p>{each}</p>" for each in escaped.split("\n\n"))
