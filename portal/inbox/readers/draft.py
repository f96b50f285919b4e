"""A ticket on its way from an export's own form to `Ticket`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from portal.inbox.automatic import is_automatic
from portal.inbox.language import detect_language
from portal.inbox.stripping import strip_body, strip_subject
from portal.inbox.ticket import Kind, Ticket

_STATUSES = {
    "resolved": "solved", "active": "open", "on-hold": "hold", "onhold": "hold", "snoozed": "pending",
    "waiting": "pending", "2": "open", "3": "pending", "4": "solved", "5": "closed",
}  # fmt: skip


REPEATED = 30
"""A subject with as many characters of the body's beginning was made from it by the help desk."""


def _repeats(subject: str, body: str) -> bool:
    """Whether a subject is the beginning of the body, as chats and forms without a subject get one."""
    words, begin = " ".join(subject.rstrip(".… ").split()), " ".join(body[:1_000].split())
    return (
        bool(words) and begin.startswith(words) and (len(words) >= REPEATED or begin.rstrip(".… ") == words)
    )


@dataclass(slots=True)
class Draft:
    """What a reader found in one ticket, unstripped. `line` is where it stands in its file."""

    id: str
    line: int = 0
    created_at: datetime | None = None
    first_reply_at: datetime | None = None
    solved_at: datetime | None = None
    status: str = ""
    channel: str = ""
    requester_name: str = ""
    requester_email: str = ""
    assignee: str = ""
    agent_minutes: float | None = None
    subject: str = ""
    body: str = ""
    language: str = ""
    is_html: bool = False
    kind: Kind = Kind.REQUEST
    headers: Mapping[str, str] = field(default_factory=dict)

    def finish(self, source: str, file: str) -> Ticket:
        """The ticket, stripped, with its kind, its language, and an id where it had none."""
        self._clean()
        subject = strip_subject(self.subject)
        name = self.requester_name.strip()
        body = strip_body(self.body, is_html=self.is_html, names=(name, name.split(" ")[0]))
        if _repeats(subject, body):
            subject = ""
        kind = self.kind
        if kind is Kind.REQUEST and is_automatic(subject, body, self.headers):
            kind = Kind.AUTOMATIC
        status = self.status.strip().casefold()
        return Ticket(
            id=self.id or self._made_id(source, subject, body),
            source=source,
            source_file=file,
            created_at=self.created_at,
            first_reply_at=self.first_reply_at,
            solved_at=self.solved_at,
            status=_STATUSES.get(status, status),
            channel=self.channel.strip().casefold(),
            requester_name=name,
            requester_email=self.requester_email.strip().casefold(),
            assignee=self.assignee.strip(),
            agent_minutes=self.agent_minutes,
            subject=subject,
            body=body,
            kind=kind,
            language=self.language or detect_language(f"{subject}\n{body}"),
        )

    def _clean(self) -> None:
        """Halves of letters, which JSON may hold, and zeros can neither be written to a file nor to the database."""
        for name in self.__slots__:
            value = getattr(self, name)
            if type(value) is str:
                setattr(self, name, value.encode(errors="replace").decode().replace("\0", ""))

    def _made_id(self, source: str, subject: str, body: str) -> str:
        """From who wrote what and when: the same from any file and in any row."""
        at = self.created_at.isoformat() if self.created_at else ""
        person = self.requester_email.strip().casefold() or self.requester_name.strip()
        return f"{'mail' if source == 'mbox' else 'row'}-{short_hash(person, at, subject, body)}"


def short_hash(*parts: str) -> str:
    """12 hex digits of the texts."""
    return blake2b("\0".join(parts).encode(errors="replace"), digest_size=6).hexdigest()
