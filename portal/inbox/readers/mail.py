"""One mail: who, when, about what, and the text that a person reads."""

import email.policy
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parseaddr, parsedate_to_datetime

from portal.inbox.readers.encodings import find_encoding
from portal.inbox.readers.values import EARLIEST, LATEST

_IDS = re.compile(r"<([^<>\s]+)>")
_NOTE = re.compile(r"\s*\([^()]*\)\s*$")


@dataclass(frozen=True, slots=True)
class Mail:
    """What the header of a mail says. Times are aware UTC; addresses in lower case."""

    message_id: str
    answers: tuple[str, ...]
    name: str
    address: str
    recipients: tuple[str, ...]
    at: datetime | None
    date: str
    subject: str


def parse(raw: bytes, headers_only: bool = False) -> Message:
    """The mail, whatever its faults: they are the parser's to forgive."""
    return BytesParser(policy=email.policy.compat32).parsebytes(raw, headersonly=headers_only)


def _decoded(value: object) -> str:
    """A header with its encoded words (RFC 2047) resolved."""
    text = str(value or "")
    try:
        return " ".join(str(make_header(decode_header(text))).split())
    except (MessageError, LookupError, UnicodeError, ValueError):
        return " ".join(text.split())


def header_of(message: Message) -> Mail:
    """Reads the header."""
    name, address = parseaddr(_decoded(message.get("From")))
    to = [
        *message.get_all("To", []),
        *message.get_all("Delivered-To", []),
        *message.get_all("X-Original-To", []),
    ]
    recipients = tuple(parseaddr(part)[1].lower() for each in to for part in _decoded(each).split(","))
    references = _IDS.findall(f"{message.get('References', '')} {message.get('In-Reply-To', '')}")
    own = _IDS.findall(str(message.get("Message-ID", "")))
    date = str(message.get("Date", ""))
    return Mail(
        message_id=own[0] if own else "",
        answers=tuple(references),
        name=_NOTE.sub("", name).strip("'\" "),
        address=address.lower(),
        recipients=tuple(each for each in recipients if "@" in each),
        at=_time(date),
        date=date,
        subject=_decoded(message.get("Subject")),
    )


def _time(date: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(date)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if EARLIEST <= found <= LATEST else None


def text_of(message: Message) -> tuple[str, bool]:
    """The text and whether it is HTML: the plain part where there is one, attachments left out."""
    parts = [
        part
        for part in message.walk()
        if not part.is_multipart() and part.get_content_disposition() != "attachment"
    ]
    for kind in ("text/plain", "text/html"):
        texts = [_content(part) for part in parts if part.get_content_type() == kind]
        if any(text.strip() for text in texts):
            return "\n\n".join(text.strip("\n") for text in texts if text.strip()), kind == "text/html"
    return "", False


def _content(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    named = part.get_content_charset() or ""
    for encoding in (named, "utf-8", find_encoding(raw)):
        try:
            return raw.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return raw.decode("cp1252", errors="replace")


def headers_that_tell(message: Message) -> dict[str, str]:
    """Headers in lower case, as `portal.inbox.automatic` looks at them."""
    return {name.lower(): str(value) for name, value in message.items()}
