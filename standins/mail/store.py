"""The caught mails: one .eml file each, exactly as it came, beside a .json file with its envelope."""

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cached_property
from pathlib import Path
from typing import Any

from standins.catching.folder import Folder, caught_at


@dataclass(frozen=True)
class Mail:
    """One caught mail. `recipients` and `envelope_from` are what SMTP said, whatever the headers say."""

    id: str
    raw: bytes
    envelope_from: str
    recipients: tuple[str, ...]

    @cached_property
    def message(self) -> EmailMessage:
        return BytesParser(policy=policy.default).parsebytes(self.raw)

    @property
    def received_at(self) -> datetime:
        """UTC."""
        return caught_at(self.id)

    @property
    def subject(self) -> str:
        return str(self.message.get("Subject", ""))

    @property
    def text(self) -> str | None:
        """The plain text part, None when there is none."""
        return self._body("plain")

    @property
    def html(self) -> str | None:
        """The HTML part, None when there is none."""
        return self._body("html")

    @property
    def attachments(self) -> list[str]:
        """The names of the attached files."""
        return [part.get_filename() or part.get_content_type() for part in self.message.iter_attachments()]

    def _body(self, kind: str) -> str | None:
        part = self.message.get_body(preferencelist=(kind,))
        if part is None:
            return None
        payload = part.get_payload(decode=True)
        return (
            payload.decode(part.get_content_charset("utf-8"), "replace")
            if isinstance(payload, bytes)
            else None
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "message_id": str(self.message.get("Message-ID", "")),
            "from": self.envelope_from,
            "to": list(self.recipients),
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "attachments": self.attachments,
            "headers": [[name, str(value)] for name, value in self.message.items()],
            "received_at": self.received_at.isoformat(),
        }


class Store:
    """The folder of mails. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder, "eml")

    def add(self, raw: bytes, envelope_from: str, recipients: list[str]) -> None:
        """Keeps a mail."""
        self._folder.add(raw, {"from": envelope_from, "to": recipients})

    def newest_first(self) -> list[Mail]:
        return [mail for mail_id in self._folder.ids() if (mail := self.get(mail_id)) is not None]

    def get(self, mail_id: str) -> Mail | None:
        """None for an unknown mail, and for anything that is not an id."""
        found = self._folder.read(mail_id)
        if found is None:
            return None
        raw, envelope = found
        return Mail(mail_id, raw, envelope["from"], tuple(envelope["to"]))

    def clear(self) -> int:
        """Forgets every mail; how many there were."""
        return self._folder.clear()
