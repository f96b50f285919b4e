"""One small inbox in the form of each export, in our own words."""

import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

CREATED, REPLIED, SOLVED = "2026-04-03T14:05:10Z", "2026-04-03T15:10:00Z", "2026-04-05T09:00:00Z"
TICKETS = [
    (
        "501",
        "Receipt for May",
        "Where can I get the receipt for May?\n\nOur auditor needs it.",
        "\n\nKind regards\nIda Berg\nNorthwind Ltd | +49 30 555 0199",
    ),
    (
        "502",
        "",
        "Die Anmeldung lässt mich nicht hinein, ich brauche ein neues Kennwort.",
        "\n\nVon meinem iPhone gesendet",
    ),
    ("503", "Add a colleague", "Please add my colleague to the team.", "\n\n--\nIda Berg"),
]
"""Id, subject, what was asked, and what stands below it."""


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def html(text: str) -> str:
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in text.split("\n\n"))


def zendesk(number: str, subject: str, text: str) -> dict[str, Any]:
    reply = {"author_id": 9, "public": True, "body": "Done.", "created_at": REPLIED}
    return {
        "id": int(number),
        "requester_id": 4,
        "assignee_id": 9,
        "via": {"channel": "email"},
        "tags": [],
        "status": "solved",
        "created_at": CREATED,
        "updated_at": SOLVED,
        "subject": subject,
        "description": text,
        "custom_fields": [
            {"id": 11, "value": "premium"},
            {"id": 12, "value": "900"},
            {"id": 13, "value": None},
        ],
        "requester": {"id": 4, "name": "Ida Berg", "email": "Ida@northwind.example"},
        "assignee": {"name": "Sam Low"},
        "metric_set": {"solved_at": SOLVED, "replies": 1},
        "comments": [
            {"author_id": 4, "public": True, "created_at": CREATED},
            {**reply, "public": False, "created_at": CREATED},
            reply,
        ],
    }


def intercom(number: str, subject: str, text: str) -> dict[str, Any]:
    author = {"type": "user", "name": "Ida Berg", "email": "ida@northwind.example"}
    reply = {
        "part_type": "comment",
        "body": "<p>Done.</p>",
        "created_at": seconds(REPLIED),
        "author": {"type": "admin", "id": "9", "name": "Sam Low"},
    }
    return {
        "type": "conversation",
        "id": number,
        "state": "closed",
        "created_at": seconds(CREATED),
        "admin_assignee_id": 9,
        "source": {
            "type": "email",
            "subject": f"<p>{subject}</p>",
            "body": html(text),
            "author": author,
            "delivered_as": "customer_initiated",
        },
        "statistics": {"first_admin_reply_at": None, "last_close_at": seconds(SOLVED)},
        "conversation_parts": {"conversation_parts": [reply]},
    }


def helpscout(number: str, subject: str, text: str) -> dict[str, Any]:
    customer = {"type": "customer", "first": "Ida", "last": "Berg", "email": "ida@northwind.example"}
    threads = [
        {"type": "message", "state": "published", "body": "<p>Anything else?</p>", "createdAt": SOLVED},
        {"type": "message", "state": "published", "body": "<p>Done.</p>", "createdAt": REPLIED},
        {"type": "customer", "body": html(text), "createdAt": CREATED},
    ]
    return {
        "id": int(number),
        "status": "closed",
        "state": "published",
        "type": "email",
        "mailboxId": 1,
        "subject": subject,
        "primaryCustomer": customer,
        "assignee": {"first": "Sam", "last": "Low"},
        "createdAt": CREATED,
        "closedAt": SOLVED,
        "_embedded": {"threads": threads},
    }


def freshdesk(number: str, subject: str, text: str) -> dict[str, Any]:
    return {
        "id": int(number),
        "responder_id": 9,
        "source": 1,
        "status": 5,
        "created_at": CREATED,
        "subject": subject,
        "description": html(text),
        "requester": {"name": "Ida Berg", "email": "ida@northwind.example"},
        "responder": {"name": "Sam Low"},
        "stats": {"first_responded_at": REPLIED, "resolved_at": SOLVED},
        "time_entries": [{"time_spent": "00:10"}, {"time_spent": "00:05"}],
    }


def mails() -> bytes:
    """The mailbox: each request and its answer, the answers first."""
    found = []
    for number, subject, text, below in TICKETS:
        answer = _mail(
            "Sam Low (Help) <help@acme.example>",
            "ida@northwind.example",
            f"Re: {subject}",
            REPLIED,
            "Done.\n\n> quoted",
        )
        answer["Message-ID"], answer["In-Reply-To"] = (
            f"<r{number}@acme.example>",
            f"<{number}.77@northwind.example>",
        )
        request = _mail(
            "Ida Berg <ida@northwind.example>", "help@acme.example", subject, CREATED, text + below
        )
        request["Message-ID"] = f"<{number}.77@northwind.example>"
        found += [answer, request]
    return b"".join(b"From - Fri Apr  3 14:05:10 2026\n" + mail.as_bytes() + b"\n\n" for mail in found)


def _mail(sender: str, to: str, subject: str, at: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = format_datetime(datetime.fromisoformat(at).astimezone(UTC))
    mail.set_content(text, charset="iso-8859-1")
    return mail


def table() -> str:
    """A spreadsheet with German headers, as one is saved in Germany."""
    head = (
        "Ticketnr.;Erstellt am;Erste Antwort;Gelöst am;Status;Kanal;"
        "Kunde;E-Mail;Bearbeiter;Bearbeitungszeit (Min.);Betreff;Nachricht\r\n"
    )
    rows = (
        f"{number};03.04.2026 14:05:10;03.04.2026 15:10;05.04.2026 09:00;Gelöst;E-Mail;"
        f'Ida Berg;ida@northwind.example;Sam Low;15;{subject};"{text}{below}"\r\n'
        for number, subject, text, below in TICKETS
    )
    return head + "".join(rows)


def everything() -> dict[str, bytes]:
    """The same inbox in six forms, by the name of its source; each form has its own way of being a file."""
    made = {
        form.__name__: [form(number, subject, text + below) for number, subject, text, below in TICKETS]
        for form in (zendesk, intercom, helpscout, freshdesk)
    }
    return {
        "zendesk": "\n".join(map(json.dumps, made["zendesk"])).encode(),
        "intercom": json.dumps({"type": "conversation.list", "conversations": made["intercom"]}).encode(),
        "helpscout": json.dumps(
            {"_embedded": {"conversations": made["helpscout"]}, "page": {"size": 3}}, indent=1
        ).encode("utf-16"),
        "freshdesk": json.dumps(made["freshdesk"], indent=2).encode(),
        "mbox": mails(),
        "csv": table().encode("cp1252"),
    }
