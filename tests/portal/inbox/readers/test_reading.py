"""The same inbox gives the same tickets from every export; what cannot be read is named, and hurts nothing else."""

import csv
import gzip
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from portal.inbox.readers import ReadOptions, ReadReport, read_tickets, tickets_from_objects
from portal.inbox.ticket import Kind, Ticket
from tests.portal.inbox.readers import exports

FORMS = exports.everything()
SHARED = Path(__file__).parents[5] / "shared" / "tickets"
SHARED_FILES = (
    "zendesk_tickets.json",
    "intercom_conversations.json",
    "helpscout_conversations.json",
    "freshdesk_tickets.csv",
    "support.mbox",
)


def read(
    folder: Path, content: bytes | str, name: str = "file", **options: object
) -> tuple[list[Ticket], ReadReport]:
    path, report = folder / name, ReadReport()
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_tickets([path], ReadOptions(**options), report)), report  # type: ignore[arg-type]


def said(ticket: Ticket) -> tuple[object, ...]:
    """What every export knows of a ticket."""
    return (
        ticket.id,
        ticket.subject,
        ticket.body,
        ticket.created_at,
        ticket.first_reply_at,
        ticket.requester_email,
        ticket.kind,
        ticket.language,
    )


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_same_inbox_reads_the_same_from_every_export(
    source: str, pack: type[bytes], tmp_path: Path
) -> None:
    found, report = read(tmp_path, pack(FORMS[source]))
    assert [(each.id, each.subject, each.body) for each in found] == [row[:3] for row in exports.TICKETS]
    assert {each.created_at for each in found} == {datetime.fromisoformat(exports.CREATED)}
    assert {each.first_reply_at for each in found} == {datetime.fromisoformat(exports.REPLIED)}
    assert {
        (each.requester_name, each.requester_email, each.assignee)
        for each in found
        if source != "helpscout" or each.assignee
    } == {("Ida Berg", "ida@northwind.example", "Sam Low")}
    assert [each.language for each in found] == ["en", "de", "en"]
    assert {each.source for each in found} == {source} == {report.files[0].source}
    assert not report.problems


@pytest.mark.parametrize("source", [source for source in FORMS if source != "mbox"])
def test_when_it_was_solved_and_minutes_worked_come_along(source: str, tmp_path: Path) -> None:
    found, _ = read(tmp_path, FORMS[source])
    assert {each.solved_at for each in found} == {datetime.fromisoformat(exports.SOLVED)}
    assert all(each.is_solved for each in found)
    assert {each.agent_minutes for each in found} == (
        {None} if source in ("intercom", "helpscout") else {15.0}
    )


def test_the_dev_set_reads_identically_from_all_six_formats() -> None:
    if not SHARED.is_dir():
        return
    report = ReadReport()
    whole = {each.id: each for each in read_tickets([SHARED / "generic.csv"], ReadOptions(), report)}
    assert len(whole) == 491
    for name in SHARED_FILES:
        for each in read_tickets([SHARED / name], ReadOptions(), report):
            twin = whole[each.id]
            assert said(each)[:-2] == said(twin)[:-2], name
            assert each.language == twin.language
            assert each.solved_at == (None if each.source == "mbox" else twin.solved_at)
            assert each.agent_minutes in (None, twin.agent_minutes)
    assert not report.problems


def test_a_ticket_that_is_in_two_files_counts_once(tmp_path: Path) -> None:
    paths = [tmp_path / source for source in FORMS]
    for path in paths:
        path.write_bytes(FORMS[path.name])
    report, taken = ReadReport(), 0

    def count(more: int) -> None:
        nonlocal taken
        taken += more

    assert len(list(read_tickets(paths, ReadOptions(), report, count))) == 3
    assert [file.tickets for file in report.files] == [3, 0, 0, 0, 0, 0]
    assert report.repeated == 15
    assert taken == sum(path.stat().st_size for path in paths)


def test_objects_read_as_their_file_does() -> None:
    report = ReadReport()
    objects = [
        exports.intercom(number, subject, text + below) for number, subject, text, below in exports.TICKETS
    ]
    found = list(tickets_from_objects("intercom", objects, ReadOptions(), report))
    assert [each.body for each in found] == [row[2] for row in exports.TICKETS]
    assert report.files[0].name == "intercom"


def test_users_beside_the_tickets_are_found_also_when_they_come_later(tmp_path: Path) -> None:
    ticket = exports.zendesk("1", "Hello", "Please send the contract") | {"requester": None, "assignee": None}
    users = [{"id": 4, "name": "Ida Berg", "email": "ida@northwind.example"}, {"id": 9, "name": "Sam Low"}]
    found, _ = read(tmp_path, json.dumps({"tickets": [ticket], "users": users, "end_of_stream": True}))
    assert (found[0].requester_email, found[0].assignee) == ("ida@northwind.example", "Sam Low")


def test_a_ticket_with_lists_of_its_own_is_no_page_of_tickets(tmp_path: Path) -> None:
    notes = [{"id": 7, "private": True, "body_text": "This ticket is closed and merged into ticket 12"}]
    ticket = exports.freshdesk("1", "Hello", "Please send the contract") | {"conversations": notes}
    found, _ = read(tmp_path, json.dumps(ticket, indent=2))
    assert [(each.id, each.kind) for each in found] == [("1", Kind.MERGED)]


@pytest.mark.parametrize(
    ("form", "change", "kind"),
    [
        (exports.zendesk, {"tags": ["closed_by_merge"]}, Kind.MERGED),
        (
            exports.intercom,
            {"conversation_parts": {"conversation_parts": [{"part_type": "merged_secondary_conversation"}]}},
            Kind.MERGED,
        ),
        (exports.helpscout, {"status": "spam"}, Kind.SPAM),
        (exports.freshdesk, {"spam": True}, Kind.SPAM),
        (exports.zendesk, {"subject": "Abwesenheitsnotiz: Urlaub"}, Kind.AUTOMATIC),
        (exports.freshdesk, {"subject": "Undeliverable: your invoice"}, Kind.AUTOMATIC),
    ],
)
def test_what_is_no_request_is_recognised(
    form: Callable[[str, str, str], dict[str, object]], change: dict[str, object], kind: Kind
) -> None:
    ticket = form("1", "Question", "Where is it?") | change
    found = tickets_from_objects(form.__name__, [ticket], ReadOptions(), ReadReport())
    assert [each.kind for each in found] == [kind]


def test_an_automatic_mail_is_known_by_its_header(tmp_path: Path) -> None:
    found, _ = read(
        tmp_path,
        FORMS["mbox"].replace(b"Message-ID: <501.77", b"Auto-Submitted: auto-replied\nMessage-ID: <501.77"),
    )
    assert [each.kind for each in found] == [Kind.AUTOMATIC, Kind.REQUEST, Kind.REQUEST]


def lines(*texts: str) -> list[str]:
    return [json.dumps(exports.zendesk(str(number), "", text)) for number, text in enumerate(texts, 1)]


def test_a_broken_line_costs_itself_only(tmp_path: Path) -> None:
    first, second, third = lines("Send the bill", "Cancel the plan", "Delete my data")
    found, report = read(tmp_path, "\n".join([first, second[:-40], third]))
    assert [each.id for each in found] == ["1", "3"]
    assert [(problem.file, problem.line) for problem in report.problems] == [("file", 2)]


@pytest.mark.parametrize("before", ["[\n", '{"count": 3,\n"tickets": [\n'])
def test_of_a_truncated_file_what_came_before_is_kept(before: str, tmp_path: Path) -> None:
    found, report = read(
        tmp_path, before + ",\n".join(lines("Send the bill", "Cancel the plan", "Delete my data"))[:-40]
    )
    assert [each.body for each in found] == ["Send the bill", "Cancel the plan"]
    assert [problem.line for problem in report.problems] == [before.count("\n") + 3]
    assert "ends in the middle" in report.problems[0].reason


def test_a_damaged_archive_keeps_what_can_be_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress("\n".join(lines(*(f"Question {n} {n * 7919}" for n in range(3000)))).encode())
    found, report = read(tmp_path, packed[: len(packed) // 2])
    assert len(found) > 500
    assert any("gzip is damaged" in problem.reason for problem in report.problems)


def test_packed_files_unpack_up_to_a_bound_all_together(tmp_path: Path) -> None:
    paths, report = [tmp_path / "one", tmp_path / "other"], ReadReport()
    content = "\n".join(lines(*(f"Question {n}" for n in range(8000)))).encode()
    for path in paths:
        path.write_bytes(gzip.compress(content))
    most = len(content) + 2_000_000
    assert 8_000 <= len(list(read_tickets(paths, ReadOptions(most_unpacked=most), report))) < 16_000
    assert [each.file for each in report.problems if "unpacks to more than" in each.reason] == ["other"]
    paths[1].write_bytes(content)
    assert list(read_tickets(paths[1:], ReadOptions(most_unpacked=0), ReadReport()))


def test_half_a_letter_is_replaced(tmp_path: Path) -> None:
    ticket = json.dumps(exports.zendesk("1", "cut \ud83d", "Send the\0 bill \udc00 please"))
    found, _ = read(tmp_path, ticket)
    assert (found[0].subject, found[0].body) == ("cut ?", "Send the bill ? please")


def test_mails_without_a_number_are_known_by_no_address(tmp_path: Path) -> None:
    """And the same from another mailbox, also where they have no id at all."""
    mails = [
        f"From x Wed Apr  1 16:12:49 2026\nFrom: Ida <ida@ex.example>\nTo: help@ex.org\nSubject: Bill {n}\n"
        f"Date: Wed, 01 Apr 2026 1{n}:00:00 +0000\n{own}\nSend the bill\n\n"
        for n, own in enumerate(("", "Message-ID: <ida.berg@mail.ex.example>\n", ""))
    ]
    ids = [each.id for each in read(tmp_path, "".join(mails))[0]]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("mail-[0-9a-f]{12}", each) for each in ids)
    assert [each.id for each in read(tmp_path, "".join(reversed(mails)))[0]] == ids[::-1]


def test_an_enormous_text_is_cut_and_its_neighbours_are_read(tmp_path: Path) -> None:
    texts = ("Send the bill", 'A log: \\" and more ' * 300_000, "Delete my data")
    found, report = read(tmp_path, "[" + ",".join(lines(*texts)) + "]")
    assert [each.id for each in found] == ["1", "2", "3"]
    assert len(found[1].body) <= 20_000
    assert [problem.line for problem in report.problems] == [1]
    rows = (
        'id,subject,body\n1,a,Send the bill\n2,b,"'
        + "a line, of a log\n" * 300_000
        + '"\n3,c,Delete my data\n'
    )
    found, report = read(tmp_path, rows)
    assert [each.id for each in found] == ["1", "2", "3"]
    assert [problem.line for problem in report.problems] == [3]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "Excel"),
        (bytes(range(256)) * 20, "not text"),
        (b'{"a": 1}', "no tickets"),
    ],
)
def test_what_is_no_export_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    found, report = read(tmp_path, content)
    assert found == []
    assert reason in report.problems[-1].reason


def test_problems_beyond_the_first_thousand_are_counted(tmp_path: Path) -> None:
    rows = "\n".join(f"{n},2026-02-31,Question {n}" for n in range(1200))
    found, report = read(tmp_path, f"id,created_at,body\n1,2026-01-01,Send the bill\n{rows}")
    assert len(found) == 1201
    assert (len(report.problems), report.problem_count) == (1000, 1200)
    assert (report.problems[0].line, report.problems[0].field) == (3, "created_at")
    assert "2026-02-31" in report.problems[0].reason


def test_the_shared_set_has_no_ticket_that_the_reader_forgets() -> None:
    if not SHARED.is_dir():
        return
    with (SHARED / "generic.csv").open(encoding="utf-8", newline="") as file:
        raw = {row["id"]: row["body"] for row in csv.DictReader(file)}
    for each in read_tickets([SHARED / "generic.csv"], ReadOptions(), ReadReport()):
        assert bool(each.body) == bool(raw[each.id].strip())


def test_what_came_before_the_break_is_read_however_little_a_ticket_says(tmp_path: Path) -> None:
    found, report = read(tmp_path, '[{"id":1,"subject":"Hello","description":"Two words"},{"id":2,"subj')
    assert [(each.id, each.subject, each.body) for each in found] == [("1", "Hello", "Two words")]
    assert [problem.reason for problem in report.problems] == [
        "the file ends in the middle of this ticket, which was left out"
    ]
