"""Keeping tickets in the database: without personal data in clear, and never over what a person has settled."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from portal.context import derive_token
from portal.database import AnyRow, reading_engine
from portal.extensions import db, insert_into
from portal.identity.models import Membership, User
from portal.inbox.models import InboxTicket
from portal.inbox.ticket import Ticket
from portal.inbox.verdicts import Verdict, moment_of, redacted_text, renamed
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id

BATCH = 500
LONGEST_ID = 200
BY_FILE = "Corrections file"
TIMES = ("created_at", "first_reply_at", "solved_at")
OF_THE_TAG = (
    "reason", "confidence", "is_unclear", "tagger_version", "text_hash", "why", "pinned_by", "pinned_at",
)  # fmt: skip
FACTS = (
    *TIMES, "agent_minutes", "language", "requester_key", "user_id", "organization_id", "subject", "excerpt",
    "last_audit_id",
)  # fmt: skip


def requester_key(email: str) -> str | None:
    """What is kept of who wrote: an HMAC of the lower-case address under `SECRET_KEY`. None without an address."""
    address = email.strip().lower()
    return derive_token(f"ticket requester:{address}") if address else None


class TicketStore:
    """Collects tickets in a file at `path` and writes them to the database at the end, all or none.

    Until then the database is not written to: tagging takes minutes. The file holds addresses; `close` deletes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def add(self, tagged: Sequence[tuple[Ticket, Verdict]]) -> None:
        """Some more tickets."""
        for ticket, verdict in tagged:
            self._file.write(json.dumps(_row(ticket, verdict), default=datetime.isoformat) + "\n")

    def write(self, audit_id: str) -> int:
        """Insert and update, as part of the caller's transaction; how many tickets.

        An earlier tag that a person pinned stays, unless this audit brings another correction, or another ticket
        under the same id: then it replaces the row.
        """
        self._file.flush()
        count, now = 0, utcnow()
        with self._path.open(encoding="utf-8") as file:
            while lines := list(islice(file, BATCH)):
                rows = {(row["source"], row["external_id"]): row for row in map(json.loads, lines)}
                _write(list(rows.values()), audit_id, now)
                count += len(rows)
        return count

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _row(ticket: Ticket, verdict: Verdict) -> dict[str, Any]:
    """What is kept of a ticket, and the address that `_write` turns into a key."""
    subject, excerpt = redacted_text(ticket)
    return {
        "source": ticket.source,
        "external_id": ticket.id[:LONGEST_ID],
        "created_at": ticket.created_at,
        "first_reply_at": ticket.first_reply_at,
        "solved_at": ticket.solved_at,
        "agent_minutes": ticket.agent_minutes,
        "reason": verdict.reason,
        "confidence": verdict.confidence,
        "is_unclear": verdict.is_unclear,
        "tagger_version": verdict.version,
        "text_hash": verdict.text_hash,
        "why": verdict.why,
        "is_pinned": verdict.is_pinned,
        "language": ticket.language,
        "email": ticket.requester_email.strip().lower(),
        "subject": subject,
        "excerpt": excerpt,
    }


def _write(rows: Sequence[dict[str, Any]], audit_id: str, now: datetime) -> None:
    people = _people({row["email"] for row in rows if row["email"]})
    values = [_values(row, people.get(row["email"], (None, None)), audit_id, now) for row in rows]
    statement = insert_into(InboxTicket)
    new = statement.excluded
    is_same = or_(new.pinned_at.is_(None), new.reason == InboxTicket.reason)
    is_one_ticket = or_(
        new.text_hash == InboxTicket.text_hash, new.created_at.is_not_distinct_from(InboxTicket.created_at)
    )
    is_settled = and_(InboxTicket.pinned_at.is_not(None), is_same, is_one_ticket)
    changes = {name: new[name] for name in FACTS}
    changes |= {name: case((is_settled, getattr(InboxTicket, name)), else_=new[name]) for name in OF_THE_TAG}
    upsert = statement.on_conflict_do_update(index_elements=["source", "external_id"], set_=changes)
    db.session.connection().execute(upsert, values)


def _values(
    row: Mapping[str, Any], person: tuple[str | None, str | None], audit_id: str, now: datetime
) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in ("email", "is_pinned")}
    times = {name: datetime.fromisoformat(row[name]) if row[name] else None for name in TIMES}
    user_id, organization_id = person
    return (
        kept
        | times
        | {
            "id": new_id("itk"),
            "requester_key": requester_key(row["email"]),
            "user_id": user_id,
            "organization_id": organization_id,
            "pinned_by": BY_FILE if row["is_pinned"] else None,
            "pinned_at": now if row["is_pinned"] else None,
            "last_audit_id": audit_id,
        }
    )


def _people(emails: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Users by address, each with the organization they are in if it is exactly one."""
    one = case((func.count() == 1, func.min(Membership.organization_id)), else_=None)
    of_user = select(Membership.user_id, one.label("organization_id")).group_by(Membership.user_id).subquery()
    statement = (
        select(User.email, User.id, of_user.c.organization_id)
        .outerjoin(of_user, of_user.c.user_id == User.id)
        .where(User.email.in_(emails))
    )
    return {
        email: (user_id, organization_id) for email, user_id, organization_id in db.session.execute(statement)
    }


class StoredTags:
    """Tags of earlier audits in the database, read without taking part in any transaction."""

    def find(self, keys: Iterable[str]) -> Mapping[str, Verdict]:
        """Those of these tickets that were tagged before."""
        wanted: dict[str, list[str]] = {}
        for key in keys:
            source, _, ticket_id = key.partition(":")
            wanted.setdefault(source, []).append(ticket_id[:LONGEST_ID])
        if not wanted:
            return {}
        either = [
            and_(InboxTicket.source == source, InboxTicket.external_id.in_(ids))
            for source, ids in wanted.items()
        ]
        return dict(self._read(or_(*either)))

    def pinned(self) -> Iterable[Verdict]:
        """Every verdict of a person."""
        return [verdict for _, verdict in self._read(InboxTicket.pinned_at.is_not(None))]

    def others(self, written: set[str]) -> Iterable[tuple[str, Verdict]]:
        """None: the database keeps them without being asked."""
        return ()

    def _read(self, which: Any) -> Iterator[tuple[str, Verdict]]:
        columns = [
            InboxTicket.source,
            InboxTicket.external_id,
            *(getattr(InboxTicket, name) for name in OF_THE_TAG),
        ]
        facts = InboxTicket.created_at, InboxTicket.subject, InboxTicket.excerpt
        statement = select(*columns, *facts).where(which)
        with reading_engine(db.engine).connect() as connection:
            rows: Sequence[AnyRow] = connection.execute(statement).all()
        for row in rows:
            yield f"{row.source}:{row.external_id}", renamed(_verdict(row))


def _verdict(row: AnyRow) -> Verdict:
    is_pinned = row.pinned_at is not None
    text = (row.subject, row.excerpt) if is_pinned else None
    return Verdict(
        row.reason,
        row.confidence,
        row.why,
        row.is_unclear,
        row.tagger_version,
        row.text_hash,
        is_pinned,
        text,
        moment_of(row.created_at),
    )
