"""When a help desk does not answer as it should: waited for, tried again, or given up in one clear line."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.gateways.help_desks import (
    VENDORS,
    Credentials,
    HelpDeskRefusedError,
    HelpDeskUnavailableError,
    Vendor,
    _http,
)
from portal.logs import configure_logging
from tests.portal.gateways.help_desks import IDS, NEWEST, PAGE_SIZE, TICKETS, Waits, fetch, ids
from tests.support.help_desk_apis import HelpDeskStandin
from tests.support.processes import Process, free_port

BACK_OFF = list(_http.BACK_OFF_SECONDS)


@pytest.fixture(params=VENDORS)
def standin(request: pytest.FixtureRequest) -> Iterator[HelpDeskStandin]:
    with HelpDeskStandin(request.param, tickets=TICKETS, page_size=PAGE_SIZE, newest=NEWEST) as serving:
        yield serving


def failure(standin: HelpDeskStandin, waits: Waits | None = None) -> str:
    """What reading it ends with."""
    with pytest.raises((HelpDeskUnavailableError, HelpDeskRefusedError)) as problem:
        list(fetch(standin, pause=waits))
    message = problem.value.message
    assert "\n" not in message
    assert standin.credentials.key not in message
    return message


@pytest.mark.parametrize(
    ("mode", "seconds"), [("429", 37.0), ("429-date", 37.0), ("429-silent", 0.0), ("503", 12.0)]
)
def test_it_waits_as_long_as_it_is_told_and_goes_on(
    standin: HelpDeskStandin, mode: str, seconds: float
) -> None:
    waits = Waits()
    walk = fetch(standin, pause=waits)
    found = [next(walk)]
    standin.faults(mode, count=2, seconds=seconds)
    assert ids(found + list(walk)) == IDS
    wanted = seconds or _http.UNSAID_WAIT_SECONDS
    assert len(waits.seconds) == 2
    assert all(wanted - 2 < waited <= wanted + 1 for waited in waits.seconds)


def test_a_wait_without_bound_is_not_waited_for(standin: HelpDeskStandin) -> None:
    waits = Waits()
    standin.faults("429", seconds=2 * 3_600)
    assert "takes no more requests for now: try again in 120 min" in failure(standin, waits)
    standin.faults("429-date", seconds=30 * 86_400)
    assert "takes no more requests for now" in failure(standin, waits)
    assert waits.seconds == []
    standin.faults("429", seconds=1)
    failure(standin, waits)
    assert len(waits.seconds) == _http.MOST_WAITS


@pytest.mark.parametrize("mode", ["500", "html", "cut", "reset", "hang"])
def test_what_stumbles_is_asked_again_a_few_times(
    standin: HelpDeskStandin, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "hang":
        monkeypatch.setattr(_http, "ANSWER_SECONDS", 1.0)
    waits = Waits()
    walk = fetch(standin, pause=waits)
    found = [next(walk)]
    standin.faults(mode, count=2, seconds=3)
    assert ids(found + list(walk)) == IDS
    assert waits.seconds == BACK_OFF[:2]


def test_what_keeps_stumbling_has_failed(standin: HelpDeskStandin) -> None:
    waits = Waits()
    standin.faults("500")
    assert failure(standin, waits).endswith(" failed: status 500.")
    assert waits.seconds == BACK_OFF


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_closed_port_has_failed(vendor: Vendor) -> None:
    with HelpDeskStandin(vendor) as standin:
        standin.url = f"http://127.0.0.1:{free_port()}"
        assert failure(standin).endswith(" failed: ConnectionError.")


def test_a_token_that_expires_in_the_middle_ends_it_in_one_line(standin: HelpDeskStandin) -> None:
    waits = Waits()
    walk = fetch(standin, pause=waits)
    next(walk)
    standin.faults("401")
    with pytest.raises(HelpDeskRefusedError, match=r"refused \w+.*: wrong, expired or revoked\.$"):
        list(walk)
    assert waits.seconds == []


def test_help_scout_gives_a_new_token_once_for_one_that_expired() -> None:
    with HelpDeskStandin("helpscout", tickets=TICKETS, page_size=PAGE_SIZE, newest=NEWEST) as standin:
        walk = fetch(standin)
        found = [next(walk)]
        standin.faults("expire", count=1)
        assert ids(found + list(walk)) == IDS
        assert [each["has_token"] for each in standin.asked("/v2/oauth2/token")] == [False, False]
        standin.faults("expire")  # also what has just been given
        assert failure(standin).endswith("HELPSCOUT_APP_SECRET: wrong, expired or revoked.")
        wrong = Credentials(standin.url, "not-the-secret", standin.credentials.name)
        with pytest.raises(HelpDeskRefusedError):
            next(fetch(standin, credentials=wrong))


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("403", " read tickets: "),
        ("404", "is the account's name right"),
        ("redirect", "answered with status 302"),
    ],
)
def test_what_trying_again_does_not_help_is_said_at_once(
    standin: HelpDeskStandin, mode: str, said: str
) -> None:
    waits = Waits()
    standin.faults(mode)
    assert said in failure(standin, waits)
    assert waits.seconds == []
    assert len(standin.asked()) == 1  # a redirect is not followed: the token goes to no other host


def test_a_list_without_end_is_left(standin: HelpDeskStandin) -> None:
    standin.faults("circle")
    assert "gave an answer that cannot be read: " in failure(standin)


def test_a_token_is_sent_over_https_only_except_on_this_machine(standin: HelpDeskStandin) -> None:
    for base in ("http://help.skylark.example", "ftp://127.0.0.2", "http://127.0.0.1.skylark.example"):
        credentials = Credentials(base, standin.credentials.key, standin.credentials.name)
        with pytest.raises(HelpDeskRefusedError, match="over https only"):
            next(fetch(standin, credentials=credentials))


def test_no_secret_is_in_any_log_or_text(standin: HelpDeskStandin, caplog: pytest.LogCaptureFixture) -> None:
    configure_logging("DEBUG")
    caplog.set_level(logging.DEBUG)
    list(fetch(standin))
    standin.faults("500")
    failure(standin)
    configure_logging("INFO")
    assert standin.credentials.key not in caplog.text + repr(standin.credentials)


def test_the_stand_in_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    options = ["--tickets", str(TICKETS), "--newest", NEWEST.isoformat()]
    with (
        Process.python("-m", "standins.help_desks", "intercom", *options, log=tmp_path / "log") as process,
        HelpDeskStandin("intercom") as standin,
    ):
        standin.url = process.wait_for_line(r"intercom stand-in: on (\S+)")[1]
        assert ids(list(fetch(standin))) == IDS
