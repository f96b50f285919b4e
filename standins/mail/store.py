"""The caught mails: one .eml file each, exactly as it came, beside a .json file with its envelope."""

import json
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

MAIL_ID = re.compile(r"\d{20}-[0-9a-f]{8}")


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
        """UTC; the id starts with the nanoseconds since 1970."""
        return datetime.fromtimestamp(int(self.id[:20]) / 1_000_000_000, UTC)

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
        self._folder = folder
        self._lock = Lock()
        self._cache: dict[str, Mail] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, raw: bytes, envelope_from: str, recipients: list[str]) -> Mail:
        """Keeps a mail; it is on disk under its name only when it is whole."""
        mail = Mail(f"{time.time_ns():020d}-{secrets.token_hex(4)}", raw, envelope_from, tuple(recipients))
        envelope = {"from": mail.envelope_from, "to": list(mail.recipients)}
        self._path(mail.id, "json").write_text(json.dumps(envelope))
        unfinished = self._path(mail.id, "new")
        unfinished.write_bytes(raw)
        unfinished.rename(self._path(mail.id, "eml"))
        return mail

    def newest_first(self) -> list[Mail]:
        names = sorted((path.stem for path in self._folder.glob("*.eml")), reverse=True)
        return [mail for name in names if (mail := self.get(name)) is not None]

    def get(self, mail_id: str) -> Mail | None:
        """None for an unknown mail, and for anything that is not an id."""
        if not MAIL_ID.fullmatch(mail_id):
            return None
        with self._lock:
            if mail_id not in self._cache and self._path(mail_id, "eml").exists():
                self._cache[mail_id] = self._read(mail_id)
            return self._cache.get(mail_id)

    def clear(self) -> int:
        """Forgets every mail; how many there were."""
        with self._lock:
            self._cache.clear()
            found = [path.stem for path in self._folder.glob("*.eml")]
            for mail_id in found:
                self._path(mail_id, "eml").unlink()
                self._path(mail_id, "json").unlink(missing_ok=True)
            return len(found)

    def _read(self, mail_id: str) -> Mail:
        envelope = json.loads(self._path(mail_id, "json").read_text())
        return Mail(mail_id, self._path(mail_id, "eml").read_bytes(), envelope["from"], tuple(envelope["to"]))

    def _path(self, mail_id: str, kind: str) -> Path:
        return self._folder / f"{mail_id}.{kind}"
