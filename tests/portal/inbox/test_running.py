"""Audits that staff ask for: done by a worker, stored without personal data, and never over what a person settled."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, text, update

from jobs.run_ticket_audits import run_ticket_audits
from jobs.work import Work
from portal.actor import Actor, ActorKind
from portal.audit.models import AuditEntry
from portal.errors import ForbiddenError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.identity.models import Organization, User
from portal.inbox.models import AuditStatus, FileRole, InboxTicket, TicketAudit, TicketAuditFile
from portal.inbox.outputs import OUTPUT_FILES
from portal.inbox.plan import AuditPlan
from portal.inbox.readers import read_tickets
from portal.inbox.running import MOST_TRIES, TICKETS_BETWEEN_SIGNS, claim_audit, run_audit
from portal.inbox.service import LARGEST_BYTES, SentFile, ask_audit, pin_reason, unpin_reason
from portal.inbox.storing import requester_key
from portal.inbox.ticket import Ticket
from portal.kit.clock import utcnow
from portal.kit.money import Money
from portal.permissions import Role, StaffRole
from tests.factories import World, add_member
from tests.portal.inbox.audits import SubjectTagger, make_ticket

LEAD = Actor(ActorKind.STAFF, "usr_lead", "Lead", staff_role=StaffRole.LEAD)
SUPPORT = replace(LEAD, staff_role=StaffRole.SUPPORT)
HEADER = (
    "id,created_at,first_reply_at,solved_at,status,requester_name,requester_email,minutes_worked,subject,body"
)


def export(*tickets: tuple[str, str, str]) -> SentFile:
    """A CSV of (id, address, subject)."""
    lines = [
        f"{ticket_id},2026-10-0{number}T09:00:00Z,,2026-10-0{number}T13:00:00Z,solved,Anna Beer,{email},6,{subject},"
        f"Please help me with this one soon. My number is 0171 5551234. Ticket {ticket_id}"
        for number, (ticket_id, email, subject) in enumerate(tickets, 1)
    ]
    return SentFile("tickets.csv", "\n".join([HEADER, *lines]).encode())


def ask(*files: SentFile, plan: AuditPlan | None = None) -> str:
    audit_id: str = ask_audit(LEAD, files, plan or AuditPlan()).id
    db.session.commit()
    return audit_id


def work() -> int:
    return run_ticket_audits(Work("worker"))


def audit(audit_id: str) -> TicketAudit:
    return db.session.get_one(TicketAudit, audit_id, populate_existing=True)


def ticket(external_id: str) -> InboxTicket:
    statement = select(InboxTicket).where(InboxTicket.external_id == external_id)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def file_names(audit_id: str, role: FileRole) -> set[str]:
    mine = TicketAuditFile.audit_id == audit_id, TicketAuditFile.role == role
    return set(db.session.scalars(select(TicketAuditFile.name).where(*mine)))


def test_an_uploaded_export_is_audited_stored_and_deleted(world: World, tagger: SubjectTagger) -> None:
    sent = export(("1", "OWNER@acme.example", "refund x"), ("2", "x@nobody.example", "team_invite? x"))
    audit_id = ask(sent, plan=AuditPlan(minute_cost=Money(50, "eur")))
    assert file_names(audit_id, FileRole.INPUT) == {"tickets.csv"}
    assert work() == 1
    done = audit(audit_id)
    assert (done.status, done.tickets, done.progress, done.tagger_version) == ("done", 2, 100, "subject-1-0")
    assert done.summary is not None
    assert done.summary["ranked"][0]["cost_minor"] == 300
    assert file_names(audit_id, FileRole.INPUT) == set()
    assert file_names(audit_id, FileRole.OUTPUT) == set(OUTPUT_FILES)
    kept = ticket("1")
    assert (kept.reason, kept.agent_minutes, kept.last_audit_id) == ("refund", 6, audit_id)
    assert (kept.user_id, kept.organization_id) == (world.acme.users[Role.OWNER], world.acme.organization_id)
    assert kept.requester_key == requester_key("owner@ACME.example")
    unclear = ticket("2")
    assert (unclear.is_unclear, unclear.user_id, unclear.organization_id) == (True, None, None)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "inbox:audit:asked")).one()
    assert (entry.chain, entry.organization_id, entry.after) == (
        "usr_lead",
        None,
        {"files": "tickets.csv", "tagger": "default"},
    )


def test_nothing_stored_tells_who_wrote(world: World, tagger: SubjectTagger) -> None:
    ask(export(("1", "anna.beer@firma.example", "refund x")))
    work()
    for table in ("inbox_tickets", "ticket_audits", "ticket_audit_files"):
        found = repr(db.session.execute(text(f"SELECT * FROM {table}")).all())
        plain_hash = hashlib.sha256(b"anna.beer@firma.example").hexdigest()
        assert [bad for bad in ("firma", "Beer", "0171", plain_hash) if bad in found] == []


def test_somebody_of_two_organizations_is_counted_for_neither(world: World, tagger: SubjectTagger) -> None:
    other = db.session.get_one(Organization, world.globex.organization_id)
    user = db.session.get_one(User, world.acme.users[Role.MEMBER])
    add_member(other, user, Role.VIEWER)
    db.session.commit()
    ask(export(("1", "member@acme.example", "refund x")))
    work()
    assert (ticket("1").user_id, ticket("1").organization_id) == (world.acme.users[Role.MEMBER], None)


def test_a_later_audit_keeps_tags_and_what_a_person_settled_teaches(
    world: World, tagger: SubjectTagger
) -> None:
    sent = export(("1", "a@b.example", "refund? x"), ("2", "a@b.example", "refund x"))
    ask(sent)
    work()
    with pytest.raises(ForbiddenError):
        pin_reason(SUPPORT, ticket("1").id, "api_keys")
    with pytest.raises(InvalidInputError):
        pin_reason(LEAD, ticket("1").id, "unclear")
    with pytest.raises(NotFoundError):
        pin_reason(LEAD, "itk_unknown", "refund")
    pin_reason(LEAD, ticket("1").id, "api_keys")
    db.session.commit()
    tagger.instead = {"refund": "how_to", "refund?": "how_to"}
    second = ask(sent)
    work()
    settled, kept = ticket("1"), ticket("2")
    assert (settled.reason, settled.is_unclear, settled.pinned_by) == ("api_keys", False, "Lead")
    assert (kept.reason, kept.last_audit_id) == ("refund", second)
    assert [example.reason for example in tagger.taught] == ["api_keys"]
    assert "0171" not in tagger.taught[0].text.body
    summary = audit(second).summary
    assert summary is not None
    assert [entry["ticket_id"] for entry in summary["changes"]["tickets"]] == ["2"]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "inbox:reason:pinned")).one()
    assert (entry.chain, entry.after) == ("usr_lead", {"reason": "api_keys", "unclear": False})


def test_another_ticket_under_a_settled_id_replaces_the_row(world: World, tagger: SubjectTagger) -> None:
    ask(export(("1", "a@b.example", "refund x"), ("2", "a@b.example", "refund x")))
    work()
    for external_id in ("1", "2"):
        pin_reason(LEAD, ticket(external_id).id, "api_keys")
    db.session.commit()
    later = ask(export(("7", "c@d.example", "how_to q"), ("1", "c@d.example", "how_to y")))
    work()
    other, kept = ticket("1"), ticket("2")
    assert (other.reason, other.pinned_at, other.subject) == ("how_to", None, "how_to y")
    assert (kept.reason, kept.pinned_by) == ("api_keys", "Lead")
    summary = audit(later).summary
    assert summary is not None
    assert summary["changes"]["replaced"] == 1


def test_a_reason_left_to_the_tagger_is_tagged_anew(world: World, tagger: SubjectTagger) -> None:
    sent = export(("1", "a@b.example", "refund x"))
    ask(sent)
    work()
    pin_reason(LEAD, ticket("1").id, "api_keys")
    with pytest.raises(ForbiddenError):
        unpin_reason(SUPPORT, ticket("1").id)
    unpin_reason(LEAD, ticket("1").id)
    db.session.commit()
    assert (ticket("1").is_unclear, ticket("1").pinned_by) == (True, None)
    ask(sent)
    work()
    assert (ticket("1").reason, ticket("1").is_unclear, tagger.taught) == ("refund", False, [])
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "inbox:reason:unpinned")).one()
    assert (entry.chain, entry.after) == ("usr_lead", {"reason": None, "unclear": True})


def test_a_file_that_is_no_export_fails_with_a_reason_and_stores_nothing(
    world: World, tagger: SubjectTagger
) -> None:
    audit_id = ask(SentFile("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4))
    assert work() == 1
    failed = audit(audit_id)
    assert failed.status is AuditStatus.FAILED
    assert str(failed.error).startswith("No ticket could be read")
    assert file_names(audit_id, FileRole.INPUT) == set()
    assert db.session.scalars(select(InboxTicket.id)).all() == []


def test_whatever_reading_raises_fails_at_once_and_holds_up_no_other(
    world: World, tagger: SubjectTagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = iter(
        [
            csv.Error("line contains NUL"),
            ValueError("anna@firma.example"),
            OSError(28, "No space left on device"),
        ]
    )

    def broken(*given: Any) -> Iterator[Ticket]:
        if error := next(raised, None):
            raise error
        yield from read_tickets(*given)

    monkeypatch.setattr("portal.inbox.running.read_tickets", broken)
    asked = [ask(export(("1", "a@b.example", "refund x"))) for _ in range(4)]
    assert work() == 4
    assert [audit(each).status for each in asked] == [AuditStatus.FAILED] * 3 + [AuditStatus.DONE]
    assert [audit(each).error for each in asked[:3]] == [
        f"The files could not be read: {why}."
        for why in ("line contains NUL", "ValueError", "No space left on device")
    ]


def test_a_sign_is_given_between_tickets_that_no_byte_announces(
    world: World, tagger: SubjectTagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = [make_ticket(number, "refund x") for number in range(2 * TICKETS_BETWEEN_SIGNS)]
    taken = count()
    monkeypatch.setattr(
        "portal.inbox.running.read_tickets", lambda *_: (each for each in tickets if next(taken) >= 0)
    )
    audit_id = ask(export(("1", "a@b.example", "refund x")))
    claim_audit("first")
    assert run_audit(audit_id, "first", lambda: False) is False
    assert next(taken) == TICKETS_BETWEEN_SIGNS


def test_a_worker_that_ends_hands_the_audit_back_and_the_next_one_does_it(
    world: World, tagger: SubjectTagger
) -> None:
    audit_id = ask(export(("1", "a@b.example", "refund x")))
    claimed = claim_audit("first")
    assert (claimed, claim_audit("second")) == (audit_id, None)
    assert run_audit(audit_id, "first", lambda: False) is False
    assert (audit(audit_id).status, audit(audit_id).attempts) == (AuditStatus.RUNNING, 0)
    assert db.session.scalars(select(InboxTicket.id)).all() == []
    db.session.rollback()
    assert work() == 1
    assert audit(audit_id).status is AuditStatus.DONE


def test_an_audit_that_was_taken_over_is_not_written_twice(world: World, tagger: SubjectTagger) -> None:
    audit_id = ask(export(("1", "a@b.example", "refund x")))
    assert claim_audit("first") == audit_id
    stolen = update(TicketAudit).values(claimed_by="second")

    def go_on() -> bool:
        db.session.execute(stolen)
        db.session.commit()
        return True

    assert run_audit(audit_id, "first", go_on) is False
    assert audit(audit_id).status is AuditStatus.RUNNING
    assert db.session.scalars(select(InboxTicket.id)).all() == []


def test_an_audit_that_kills_its_workers_is_given_up(world: World, tagger: SubjectTagger) -> None:
    audit_id = ask(export(("1", "a@b.example", "refund x")))
    for number in range(MOST_TRIES):
        assert claim_audit(f"worker-{number}") == audit_id
        past = utcnow() - timedelta(seconds=1)
        db.session.execute(update(TicketAudit).values(claimed_until=past))
        db.session.commit()
    assert claim_audit("last") is None
    assert (audit(audit_id).status, file_names(audit_id, FileRole.INPUT)) == (AuditStatus.FAILED, set())


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_what_is_asked_is_checked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.gateways.sentence_vectors.MODEL", "not_installed_here")
    small = export(("1", "a@b.example", "refund x"))
    with pytest.raises(ForbiddenError):
        ask_audit(SUPPORT, [small], AuditPlan())
    refused: list[tuple[list[SentFile], AuditPlan, str]] = [
        ([], AuditPlan(), "files"),
        ([SentFile("a.csv", b"")], AuditPlan(), "files"),
        ([SentFile("a.csv", b"x" * (LARGEST_BYTES + 1))], AuditPlan(), "files"),
        ([small], AuditPlan(since=utcnow(), until=utcnow() - timedelta(days=1)), "until"),
        ([small], AuditPlan(tagger="e5"), "tagger"),
        ([small], AuditPlan(minute_cost=Money(-1, "usd")), "minute_cost"),
    ]
    for files, plan, field in refused:
        with pytest.raises(InvalidInputError) as error:
            ask_audit(LEAD, files, plan)
        assert error.value.field == field
    named = ask_audit(LEAD, [SentFile("../../etc/x.csv", b"a"), SentFile("x.csv", b"b")], AuditPlan())
    assert named.file_names == "x.csv, 2-x.csv"
    tomorrow = AuditPlan(until=utcnow() + timedelta(days=1))
    ends = ask_audit(LEAD, [small], tomorrow).until
    assert ends is not None
    assert ends <= utcnow()
