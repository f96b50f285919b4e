"""An audit from run to run: what is written, what is kept, what teaches, and what never gets out."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from portal.errors import InvalidInputError
from portal.inbox.audit import NothingReadError
from portal.inbox.corrections import read_corrections
from portal.inbox.earlier import FileTags
from portal.inbox.outputs import OUTPUT_FILES
from portal.inbox.plan import AuditPlan
from portal.inbox.report import ReportWords
from portal.inbox.ticket import Kind
from tests.portal.inbox.audits import SubjectTagger, make_ticket, rows, run

COLUMNS = ["ticket_id", "source_file", "created_at", "reason", "confidence", "why", "screen", "language"]
SECRETS = ("anna.beer@firma.example", "Anna Beer", "4711 0815 2233")


def corrections(folder: Path, text: str) -> Path:
    path = folder / "corrections.csv"
    path.write_text(text, encoding="utf-8")
    return path


def reasons(folder: Path) -> dict[str, str]:
    return {row["ticket_id"]: row["reason"] for row in rows(folder / "tickets.csv")}


def test_every_ticket_is_written_with_its_best_tag_and_why(tagger: SubjectTagger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(
        out,
        [
            make_ticket(0, "refund now"),
            make_ticket(1, "team_invite? hm"),
            make_ticket(2, "refund", source_file="=b.csv"),
        ],
    )
    found = rows(out / "tickets.csv")
    assert list(found[0]) == COLUMNS
    assert found[0] == {
        "ticket_id": "1000",
        "source_file": "export.csv",
        "created_at": "2026-10-01T09:00:00+00:00",
        "reason": "refund",
        "confidence": "0.9000",
        "why": "says refund now",
        "screen": "support",
        "language": "en",
    }
    assert (found[1]["reason"], found[1]["screen"]) == ("team_invite", "team")
    assert found[1]["why"].startswith("unclear: ")
    assert found[2]["source_file"] == "'=b.csv"
    assert sorted(path.name for path in out.iterdir()) == sorted([*OUTPUT_FILES, "tags.json"])


def test_personal_data_is_in_no_file_unless_asked_for(tagger: SubjectTagger, tmp_path: Path) -> None:
    body = "I am Anna Beer, reach me at anna.beer@firma.example or 4711 0815 2233"
    person = {"requester_name": "Anna Beer", "requester_email": "anna.beer@firma.example"}
    ticket = make_ticket(0, "refund? for Anna Beer anna.beer@firma.example 4711 0815 2233", body, **person)
    path = corrections(tmp_path, "ticket_id,reason\n1000,refund\n")
    run(tmp_path / "out", [ticket, replace(ticket, id="2")], corrections=read_corrections(path))
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir()).decode(errors="replace")
    assert [secret for secret in SECRETS if secret in written] == []
    run(tmp_path / "asked", [ticket], AuditPlan(with_personal_data=True))
    row = rows(tmp_path / "asked" / "tickets.csv")[0]
    assert (row["requester_email"], row["body"]) == ("anna.beer@firma.example", body)


def test_a_rerun_keeps_every_tag_and_lists_what_would_change(tagger: SubjectTagger, tmp_path: Path) -> None:
    tickets = [make_ticket(0, "refund x"), make_ticket(1, "team_invite x"), make_ticket(2, "bug_report? x")]
    run(tmp_path / "out", tickets)
    first = reasons(tmp_path / "out")
    tagger.name, tagger.instead = "subject-2", {"refund": "api_keys", "bug_report?": "how_to"}
    changed = [replace(tickets[0], body="Please help me"), *tickets[1:], make_ticket(9, "refund x")]
    summary = run(tmp_path / "out", changed)
    assert reasons(tmp_path / "out") == {**first, "1009": "api_keys"}  # the new one gets the new tag
    listed = {entry["ticket_id"]: entry for entry in summary["changes"]["tickets"]}
    assert set(listed) == {"1000"}  # unclear stays unclear, whatever the guess
    assert (listed["1000"]["before"], listed["1000"]["now"]) == ("refund", "api_keys")
    assert (listed["1000"]["text_changed"], listed["1000"]["tagged_by"]) == (True, "subject-1-0")
    again = run(tmp_path / "out", changed, AuditPlan(retag=True))
    assert (reasons(tmp_path / "out")["1000"], again["changes"]["count"]) == ("api_keys", 1)


@pytest.mark.parametrize(
    ("taught", "said"), [(0, ""), (1, "1 correction by people"), (2, "2 corrections by people")]
)
def test_the_report_counts_corrections_and_names_languages(taught: int, said: str) -> None:
    rows = [
        {"language": code, "share": share} for code, share in (("de", 0.94), ("en", 0.06), ("und", 0.001))
    ]
    words = ReportWords({"tagger": {"taught": taught}, "languages": rows})
    assert (words.corrections, words.languages) == (said, "German 94%, English 6%, unknown under 1%")


def test_tags_of_tickets_that_are_not_read_this_time_are_kept(tagger: SubjectTagger, tmp_path: Path) -> None:
    run(tmp_path / "out", [make_ticket(0, "refund x"), make_ticket(1, "team_invite x")])
    run(tmp_path / "out", [make_ticket(1, "team_invite x")])
    tags = json.loads((tmp_path / "out" / "tags.json").read_text())["tickets"]
    assert {key: tag["reason"] for key, tag in tags.items()} == {
        "csv:1000": "refund",
        "csv:1001": "team_invite",
    }
    assert tags["csv:1000"]["version"] == "subject-1-0"
    assert len(tags["csv:1000"]["text_hash"]) == 64


def test_a_correction_pins_teaches_and_outlives_a_retag(tagger: SubjectTagger, tmp_path: Path) -> None:
    tickets = [make_ticket(0, "refund? a", "the same words"), make_ticket(1, "refund? b", "the same words")]
    tickets.append(make_ticket(2, "refund c", "others"))
    path = corrections(tmp_path, "ticket_id,reason,note\n1000,api_keys,sure\n77,refund,\n")
    summary = run(tmp_path / "out", tickets, corrections=read_corrections(path))
    assert reasons(tmp_path / "out") == {"1000": "api_keys", "1001": "api_keys", "1002": "refund"}
    assert summary["unclear"]["tickets"] == 0
    assert summary["corrections"] == {"used": 1, "unknown_ids": [{"line": 3, "ticket_id": "77"}]}
    assert (summary["tagger"]["taught"], summary["tagger"]["version"]) == (1, "subject-1-1")
    run(tmp_path / "out", tickets, AuditPlan(retag=True))
    assert reasons(tmp_path / "out")["1000"] == "api_keys"
    assert rows(tmp_path / "out" / "tickets.csv")[0]["why"] == "corrected by a person"
    assert [example.reason for example in tagger.taught] == ["api_keys"]  # without the file too


def test_another_ticket_under_a_known_id_is_tagged_anew_whatever_was_settled(
    tagger: SubjectTagger, tmp_path: Path
) -> None:
    out, path = tmp_path / "out", corrections(tmp_path, "ticket_id,reason\n1001,api_keys\n")
    first = [make_ticket(0, "refund x"), make_ticket(1, "refund y"), make_ticket(2, "refund z", "Own words")]
    run(out, first, corrections=read_corrections(path))
    other = [
        replace(make_ticket(10 + number, "how_to q", "Other words"), id=first[number].id) for number in (0, 1)
    ]
    edited = replace(first[2], subject="how_to edited", body="Longer words")
    summary = run(out, [*other, edited])
    assert reasons(out) == {"1000": "how_to", "1001": "how_to", "1002": "refund"}
    assert (summary["changes"]["replaced"], summary["changes"]["count"]) == (2, 1)
    tags = json.loads((out / "tags.json").read_text())["tickets"]
    assert [tag.get("is_pinned") for tag in tags.values()] == [None, None, None]


def test_what_the_help_desk_merged_is_no_request_whatever_it_was_tagged(
    tagger: SubjectTagger, tmp_path: Path
) -> None:
    run(tmp_path / "out", [make_ticket(0, "refund x")])
    run(tmp_path / "out", [make_ticket(0, "refund x", kind=Kind.MERGED)])
    assert reasons(tmp_path / "out") == {"1000": "other"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "ticket_id,reason\n1,refund\n2,refnud\n,refund\n",
            "line 3: unknown reason 'refnud'; line 4: no ticket_id",
        ),
        ("id,reason\n1,refund\n", "line 1: the column ticket_id is missing"),
        ("ticket_id,reason\n1,unclear\n", "line 2: unknown reason 'unclear'"),
    ],
)
def test_mistakes_in_corrections_are_named_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_corrections(corrections(tmp_path, text))
    assert said in refused.value.message


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_corrections_are_read_as_spreadsheets_save_them(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "corrections.csv"
    lines = (("ticket_id", "note", "reason"), ("1", "Rückfrage", "refund"))
    path.write_bytes("\r\n".join(delimiter.join(line) for line in lines).encode("cp1252"))
    assert read_corrections(path).reasons == {"1": "refund"}


def test_damaged_tags_stop_the_run_and_nothing_read_is_a_failure(
    tagger: SubjectTagger, tmp_path: Path
) -> None:
    (tmp_path / "tags.json").write_text('{"tickets":{\n"csv:1":{"reason"\n}}\n')
    with pytest.raises(InvalidInputError, match="damaged"):
        FileTags(tmp_path)
    with pytest.raises(NothingReadError):
        run(tmp_path / "out", [])


def test_a_reason_that_left_the_file_is_unclear_until_somebody_looks(
    tagger: SubjectTagger, tmp_path: Path
) -> None:
    run(tmp_path / "out", [make_ticket(0, "refund x")])
    path = tmp_path / "out" / "tags.json"
    path.write_text(path.read_text().replace('"reason":"refund"', '"reason":"gone"'))
    summary = run(tmp_path / "out", [make_ticket(0, "refund x")])
    assert [row["reason"] for row in summary["ranked"]] == ["unclear"]
    assert "gone is no longer in the list" in rows(tmp_path / "out" / "tickets.csv")[0]["why"]
