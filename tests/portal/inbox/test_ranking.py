"""How reasons are ranked: counts, shares, medians and money, and which tickets count at all."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.inbox.languages import Languages
from portal.inbox.plan import AuditPlan
from portal.inbox.ranking import Ranking
from portal.inbox.reasons import all_reasons
from portal.inbox.ticket import Kind, Ticket
from portal.inbox.verdicts import Verdict
from portal.kit.money import Money
from tests.portal.inbox.audits import START, SubjectTagger, make_ticket, rows, run

DEV_SET = Path(__file__).parents[4] / "shared" / "tickets"
CONTRACT = [
    "rank", "reason", "title", "screen", "absorbable", "tickets", "share", "cumulative_share",
    "median_first_reply_hours", "median_resolution_hours", "unsolved", "agent_minutes", "cost", "languages",
    "example_ids",
]  # fmt: skip


def verdict(reason: str, confidence: float = 0.9, *, is_unclear: bool = False) -> Verdict:
    return Verdict(reason, confidence, "says so", is_unclear, "1", "hash")


def test_the_ranking_is_what_the_contract_says(tagger: SubjectTagger, tmp_path: Path) -> None:
    tickets = [make_ticket(number, "refund please") for number in range(3)]
    tickets += [make_ticket(10 + number, "team_invite please", agent_minutes=None) for number in range(4)]
    tickets += [
        make_ticket(20, "other thanks"),
        make_ticket(21, "refund? maybe"),
        make_ticket(22, "other? hm"),
    ]
    tickets[0] = replace(tickets[0], solved_at=START + timedelta(hours=1), language="de", agent_minutes=7.5)
    tickets[1] = replace(tickets[1], solved_at=None, status="open", first_reply_at=None)
    run(tmp_path / "out", tickets, AuditPlan(minute_cost=Money(75, "usd")))
    found = rows(tmp_path / "out" / "audit.csv")
    assert list(found[0]) == CONTRACT
    assert [(row["reason"], row["tickets"], row["share"], row["cumulative_share"]) for row in found] == [
        ("team_invite", "4", "0.4444", "0.4444"),
        ("refund", "3", "0.3333", "0.7778"),
        ("unclear", "2", "0.2222", "1.0000"),
    ]
    team, refund, unclear = found
    assert (team["absorbable"], refund["absorbable"], unclear["absorbable"]) == ("yes", "no", "")
    assert (unclear["title"], unclear["screen"]) == ("Unclear, please look", "")
    assert (team["agent_minutes"], team["cost"]) == ("", "")
    assert (refund["agent_minutes"], refund["cost"], refund["unsolved"]) == ("19.5", "14.63", "1")
    assert (refund["median_first_reply_hours"], refund["median_resolution_hours"]) == ("1.00", "2.50")
    assert (refund["languages"], refund["example_ids"]) == ("en 67%; de 33%", "1000; 1001; 1002")


def test_fifteen_rows_are_written_and_all_are_in_the_summary(tagger: SubjectTagger, tmp_path: Path) -> None:
    keys = list(all_reasons())
    tickets = [
        make_ticket(number, f"{key} x") for place, key in enumerate(keys) for number in [place] * (30 - place)
    ]
    tickets = [replace(ticket, id=str(number)) for number, ticket in enumerate(tickets)]
    summary = run(tmp_path / "out", tickets)
    assert [row["reason"] for row in rows(tmp_path / "out" / "audit.csv")] == keys[:15]
    assert [row["reason"] for row in summary["ranked"]] == keys[:-1]  # `other` is no request
    assert summary["top15_share"] == round(sum(range(16, 31)) / sum(range(9, 31)), 4)


def test_the_surest_tickets_are_the_examples() -> None:
    ranking = Ranking()
    for number, confidence in enumerate((0.5, 0.7, 0.9, 0.7, 0.6)):
        ranking.add(make_ticket(number, "refund"), verdict("refund", confidence))
    assert ranking.rows()[0]["example_ids"] == ["1002", "1001", "1003"]


def test_what_is_no_request_and_what_is_outside_the_dates_is_in_no_share(
    tagger: SubjectTagger, tmp_path: Path
) -> None:
    kinds = [Kind.MERGED, Kind.SPAM, Kind.AUTOMATIC]
    tickets = [make_ticket(number, "refund x", kind=kind) for number, kind in enumerate(kinds)]
    tickets += [
        make_ticket(5, "refund x"),
        make_ticket(40, "refund x"),
        make_ticket(6, "refund x", created_at=None),
    ]
    plan = AuditPlan(since=START, until=START + timedelta(days=40))
    summary = run(tmp_path / "out", tickets, plan)
    assert summary["requests"] == 1
    counts = {
        name: summary["tickets"][name] for name in ("counted", "outside_dates", "without_date", "merged")
    }
    assert counts == {"counted": 4, "outside_dates": 1, "without_date": 1, "merged": 1}
    why = {
        row["ticket_id"]: (row["reason"], row["why"].partition(":")[0])
        for row in rows(tmp_path / "out/tickets.csv")
    }
    assert why["1000"] == ("other", "merged")
    assert why["1001"] == ("other", "spam")
    assert why["1002"] == ("other", "automatic")


def test_a_locale_is_suggested_only_when_several_people_write_in_it() -> None:
    languages = Languages()
    for number in range(80):
        languages.add(make_ticket(number, "x"))
    for _ in range(30):  # much, but one customer
        languages.add(make_ticket(0, "x", language="fr"))
    for number in range(6):  # several people, and over 5 %
        languages.add(make_ticket(number, "x", language="de"))
    for number in range(5):  # several people, but under it
        languages.add(make_ticket(number, "x", language="es"))
    assert languages.suggested() == ["en"]
    languages.add(make_ticket(6, "x", language="de"))
    assert languages.suggested() == ["en", "de"]


def test_figures_agree_with_those_of_the_dev_set() -> None:
    """Its gold labels in the tagger's place give the ranking that was computed beside it."""
    if not DEV_SET.is_dir():
        return
    expected = json.loads((DEV_SET / "expected_ranking.json").read_text())
    with (DEV_SET / "gold_dev.csv").open(encoding="utf-8", newline="") as file:
        gold = {row["ticket_id"]: row["reason"] for row in csv.DictReader(file)}
    ranking = Ranking()
    with (DEV_SET / "generic.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            ranking.add(_dev_ticket(row), verdict(gold[row["id"]]))
    found = {row["reason"]: row for row in ranking.rows()}
    assert set(found) == {row["reason"] for row in expected["ranked"]}
    for row in expected["ranked"]:
        mine = found[row["reason"]]
        assert (mine["tickets"], mine["share"], mine["unsolved"]) == (
            row["tickets"],
            row["share"],
            row["unsolved"],
        )
        assert mine["median_resolution_hours"] == row["median_resolution_hours"]
        assert mine["agent_minutes"] == row["minutes_worked"]


def _dev_ticket(row: dict[str, str]) -> Ticket:
    def time(name: str) -> datetime | None:
        return datetime.fromisoformat(row[name]).astimezone(UTC) if row[name] else None

    values: dict[str, Any] = {name: time(name) for name in ("created_at", "first_reply_at", "solved_at")}
    minutes = float(row["minutes_worked"]) if row["minutes_worked"] else None
    return make_ticket(0, "x", id=row["id"], status=row["status"], agent_minutes=minutes, **values)
