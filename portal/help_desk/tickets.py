"""The ticket that a help desk asks about, read from what it has signed. Names and shapes are those of its maker."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.errors import InvalidInputError
from portal.help_desk.models import HelpDesk

TICKET_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
UNSAVED = "draft"
MOST_ADDRESSES = 10
LONGEST_ADDRESS = 254
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that somebody has opened: its requester's mail addresses, the likeliest first, and who opened it."""

    source: HelpDesk
    id: str
    addresses: tuple[str, ...]
    agent: str | None = None


def zendesk_ticket(claims: Mapping[str, Any]) -> Ticket:
    """From the claims that our app in Zendesk puts into its token. Raises `InvalidInputError`."""
    addresses = _texts(claims.get("requester_email"))
    return Ticket(
        HelpDesk.ZENDESK,
        _ticket_id(claims.get("ticket_id")),
        tuple(addresses),
        _name(claims.get("agent_name")),
    )


def intercom_ticket(body: bytes) -> Ticket:
    """From a Canvas Kit request: `contact` (in older ones `customer`), `conversation`, and `admin`, who looks at it.

    Raises `InvalidInputError`, also where no teammate looks: in the Messenger a customer would see the answer.
    """
    given = _object(body)
    contact = _part(given, "contact") or _part(given, "customer")
    admin = _part(given, "admin")
    if not admin:
        raise InvalidInputError("This is for teammates only.")
    return Ticket(
        HelpDesk.INTERCOM,
        _ticket_id(_part(given, "conversation").get("id")),
        tuple(_texts(contact.get("email"))),
        _name(admin.get("name")),
    )


def helpscout_ticket(body: bytes) -> Ticket:
    """From a dynamic app's request; a conversation that is not saved has `ticket: false`.

    Raises `InvalidInputError`.
    """
    given = _object(body)
    customer, user, ticket = _part(given, "customer"), _part(given, "user"), _part(given, "ticket")
    number = ticket.get("number") or ticket.get("id") or UNSAVED
    others = customer.get("emails")
    found = _texts(customer.get("email"), *(others if isinstance(others, list) else ()))
    name = " ".join(_texts(user.get("fname"), user.get("lname")))
    return Ticket(HelpDesk.HELPSCOUT, _ticket_id(number), tuple(dict.fromkeys(found)), _name(name))


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise InvalidInputError("The body is not a JSON object.")
    return given


def _part(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name)
    return found if isinstance(found, dict) else {}


def _ticket_id(value: Any) -> str:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not TICKET_ID.fullmatch(text):
        raise InvalidInputError("The ticket's id is missing.")
    return text


def _texts(*values: Any) -> list[str]:
    return list(_iterate_texts(values))[:MOST_ADDRESSES]


def _iterate_texts(values: tuple[Any, ...]) -> Iterator[str]:
    for value in values:
        text = value.strip() if isinstance(value, str) else ""
        if text.isprintable() and 0 < len(text) <= LONGEST_ADDRESS:  # no database takes every character
            yield text


def _name(value: Any) -> str | None:
    """One line of it, as far as a log shows."""
    text = "".join(char if char.isprintable() else " " for char in value) if isinstance(value, str) else ""
    return " ".join(text.split())[:LONGEST_NAME] or None
