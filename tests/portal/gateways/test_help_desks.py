"""Tickets from the help desks' APIs over real HTTP: each of the period once, asked for as the references say."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from portal.errors import UnavailableError
from portal.gateways.help_desks import (
    VENDORS,
    Credentials,
    HelpDeskRefusedError,
    credentials_of,
    fetch_tickets,
)
from portal.gateways.help_desks.intercom import VERSION
from standins.help_desks.inbox import REPLY
from tests.conftest import make_settings
from tests.portal.gateways.help_desks import IDS, NEWEST, PAGE_SIZE, SINCE, TICKETS, UNTIL, fetch, ids
from tests.support.help_desk_apis import SETTINGS, HelpDeskStandin


@pytest.fixture(params=VENDORS)
def standin(request: pytest.FixtureRequest) -> Iterator[HelpDeskStandin]:
    with HelpDeskStandin(request.param, tickets=TICKETS, page_size=PAGE_SIZE, newest=NEWEST) as serving:
        yield serving


def test_every_ticket_of_the_period_comes_once_whatever_happens_meanwhile(standin: HelpDeskStandin) -> None:
    assert ids(list(fetch(standin))) == IDS
    walk = fetch(standin)
    found = [next(walk)]
    standin.world.touch(int(found[0]["id"]))  # it was read, and moves to where the walk has not been
    standin.world.touch(IDS[-1])
    assert ids(found + list(walk)) == IDS


def test_progress_is_told_with_every_ticket(standin: HelpDeskStandin) -> None:
    told: list[tuple[int, int | None]] = []
    walk = fetch_tickets(
        standin.vendor, standin.credentials, SINCE, UNTIL, lambda count, total: told.append((count, total))
    )
    assert len(list(walk)) == len(told)
    assert [count for count, _ in told] == list(range(1, len(IDS) + 1))
    knows_total = standin.vendor in ("intercom", "helpscout")
    assert all((total is not None and abs(total - len(IDS)) <= 1) == knows_total for _, total in told)


def test_an_empty_period_has_no_tickets(standin: HelpDeskStandin) -> None:
    assert list(fetch(standin, since=NEWEST + timedelta(hours=1), until=NEWEST + timedelta(hours=2))) == []


def test_what_is_deleted_between_list_and_ticket_does_not_stop_it(standin: HelpDeskStandin) -> None:
    walk = fetch(standin)
    found = [next(walk)]
    for ident in {*IDS} - {*ids(found)}:
        standin.world.delete(ident)
    assert len(found + list(walk)) <= PAGE_SIZE


def check_zendesk(standin: HelpDeskStandin, found: dict[int, dict[str, Any]]) -> None:
    answered = found[IDS[0]]
    assert answered["requester"]["email"].endswith("@customer.example")
    assert answered["assignee"]["id"] == answered["assignee_id"]
    assert answered["metric_set"]["ticket_id"] == answered["id"]
    assert [each["body"] for each in answered["comments"]] == [answered["description"], REPLY]
    first, second = standin.asked("/api/v2/incremental/tickets/cursor.json")[:2]
    always = {"per_page": "250", "include": "users,metric_sets", "exclude_deleted": "true"}
    assert first["args"] == {"start_time": str(int(SINCE.timestamp())), **always}
    assert second["args"] == {"cursor": second["args"]["cursor"], **always}
    asked = {int(each["path"].split("/")[4]) for each in standin.asked("/comments.json")}
    assert asked == {ident for ident, ticket in found.items() if ticket["assignee_id"]} < {*IDS}


def check_intercom(standin: HelpDeskStandin, found: dict[int, dict[str, Any]]) -> None:
    parts = found[IDS[0]]["conversation_parts"]["conversation_parts"]
    assert [part["part_type"] for part in parts] == ["comment", "close"]
    assert {each["version"] for each in standin.asked()} == {VERSION}
    days, pages_a_day, count = 4, 2, 1
    assert len(standin.asked("/conversations/search")) == days * pages_a_day + count


def check_helpscout(standin: HelpDeskStandin, found: dict[int, dict[str, Any]]) -> None:
    assert [thread["type"] for thread in found[IDS[0]]["_embedded"]["threads"]] == ["message", "customer"]
    assert [each["has_token"] for each in standin.asked("/v2/oauth2/token")] == [False]
    asked = standin.asked("/v2/conversations")[0]["args"]
    assert (asked["embed"], asked["status"], asked["sortOrder"]) == ("threads", "all", "asc")


def check_freshdesk(standin: HelpDeskStandin, found: dict[int, dict[str, Any]]) -> None:
    answered = found[IDS[0]]
    assert answered["description"].startswith("<p>")
    assert answered["requester"]["email"].endswith("@customer.example")
    assert answered["stats"]["first_responded_at"]
    assert answered["time_entries"][0]["time_spent"] == "00:13"
    assert answered["conversations"] == standin.asked("/conversations") == []
    assert standin.asked("/api/v2/tickets")[0]["args"]["per_page"] == "100"


CHECKS = {
    "zendesk": check_zendesk,
    "intercom": check_intercom,
    "helpscout": check_helpscout,
    "freshdesk": check_freshdesk,
}


def test_tickets_are_whole_and_asked_for_as_the_reference_says(standin: HelpDeskStandin) -> None:
    found = {int(each["id"]): each for each in fetch(standin)}
    CHECKS[standin.vendor](standin, found)


def test_zendesk_takes_an_oauth_token_too() -> None:
    with HelpDeskStandin("zendesk", tickets=TICKETS, newest=NEWEST) as standin:
        token = Credentials(standin.url, standin.credentials.key)
        assert ids(list(fetch(standin, credentials=token))) == IDS
        nobody = Credentials(standin.url, "wrong", standin.credentials.name)
        with pytest.raises(HelpDeskRefusedError, match=r"^Zendesk refused ZENDESK_API_TOKEN: "):
            next(fetch(standin, credentials=nobody))


def test_freshdesk_without_time_tracking_is_asked_for_it_once() -> None:
    with HelpDeskStandin("freshdesk", tickets=TICKETS, newest=NEWEST) as standin:
        walk = fetch(standin)
        assert next(walk)["time_entries"]
        standin.faults("403", count=1)
        assert {len(ticket["time_entries"]) for ticket in walk} == {0}
        assert len(standin.asked("/time_entries")) == 2


def test_freshdesk_tells_of_a_merge_in_a_note() -> None:
    with HelpDeskStandin("freshdesk", tickets=TICKETS, newest=NEWEST) as standin:
        merged = standin.world.case(IDS[0])
        assert merged is not None
        merged.replied_at, merged.is_merged = None, True
        ticket = next(each for each in fetch(standin) if each["id"] == merged.id)
        assert "merged into ticket" in ticket["conversations"][0]["body_text"]
        assert len(standin.asked("/conversations")) == 1


def test_addresses_and_keys_come_from_the_settings() -> None:
    every = {name: value for settings in SETTINGS.values() for name, value in settings.items()}
    settings = make_settings("sqlite:////tmp/none", **every)
    bases = {vendor: credentials_of(vendor, settings).base for vendor in VENDORS}
    assert bases == {
        "zendesk": "https://skylark.zendesk.com",
        "intercom": "https://api.intercom.io",
        "helpscout": "https://api.helpscout.net",
        "freshdesk": "https://skylark.freshdesk.com",
    }
    own = make_settings(
        "sqlite:////tmp/none", **every | {"freshdesk_domain": "help.skylark.example", "intercom_region": "eu"}
    )
    assert credentials_of("freshdesk", own).base == "https://help.skylark.example"
    assert credentials_of("intercom", own).base == "https://api.eu.intercom.io"
    for name in every.keys() - {"zendesk_email"}:
        lacking = make_settings("sqlite:////tmp/none", **{**every, name: None})
        vendor = next(vendor for vendor in VENDORS if name in SETTINGS[vendor])
        with pytest.raises(UnavailableError, match=f"^{name.upper()} is not set"):
            credentials_of(vendor, lacking)
