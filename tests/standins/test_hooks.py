"""The webhook catcher: HTTP on one side, JSON and a browser on the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from standins.hooks.slack import drawn, refusal
from tests.support.browser import assert_no_axe_violations
from tests.support.processes import HookCatcher, Process, http, wait_until


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[HookCatcher]:
    with HookCatcher(tmp_path) as process:
        yield process


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: dict[str, Any], *fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "section", "text": text, **({"fields": list(fields)} if fields else {})}


def button(label: str, url: str) -> dict[str, Any]:
    return {"type": "button", "text": plain(label), "url": url}


def message(*blocks: dict[str, Any], text: str = "Billing email changed") -> dict[str, Any]:
    return {"text": text, "blocks": list(blocks)}


WHOLE = message(
    {"type": "header", "text": plain("Billing email changed")},
    section(plain("Acme: <!channel> <https://evil.example|click>"), plain("before: a@acme.example")),
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn("see <https://status.example|the status>, <@U123>")]},
    {"type": "actions", "elements": [button("Open Acme", "http://127.0.0.1:5000/admin")]},
)


def post(
    catcher: HookCatcher, body: object = WHOLE, path: str = "/hooks/slack", **more: Any
) -> requests.Response:
    return http().post(catcher.url + path, json=body, timeout=more.pop("timeout", 10), **more)


def test_a_message_is_taken_and_kept_as_it_came(catcher: HookCatcher) -> None:
    raw = json.dumps(WHOLE, indent=3).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "msg_1"}
    answer = http().post(catcher.slack_url, data=raw, headers=headers, timeout=10)
    assert (answer.status_code, answer.text) == (200, "ok")
    (hook,) = catcher.taken()
    assert hook["path"] == "/hooks/slack"
    assert hook["body"].encode() == raw
    assert hook["payload"] == WHOLE
    assert ["Idempotency-Key", "msg_1"] in hook["headers"]
    assert hook["received_at"].endswith("+00:00")


def test_any_path_under_hooks_takes_anything(catcher: HookCatcher) -> None:
    http().post(f"{catcher.url}/hooks/team/alerts", data=b"\xff not JSON", timeout=10).raise_for_status()
    (hook,) = catcher.taken()
    assert (hook["path"], hook["payload"]) == ("/hooks/team/alerts", None)
    assert http().post(f"{catcher.url}/elsewhere", timeout=10).status_code == 404


def test_the_order_of_arrival_is_kept(catcher: HookCatcher) -> None:
    for number in range(5):
        post(catcher, message(text=f"number {number}"))
    assert [hook["payload"]["text"] for hook in catcher.taken()] == [f"number {n}" for n in (4, 3, 2, 1, 0)]
    ids = [hook["id"] for hook in catcher.taken()]
    assert ids == sorted(ids, reverse=True)


def test_what_was_caught_survives_a_kill(tmp_path: Path) -> None:
    with HookCatcher(tmp_path) as first:
        post(first)
        before = first.taken()
        first.process.kill_group()
    with HookCatcher(tmp_path) as second:
        assert second.taken() == before


def test_deleting_forgets_everything(catcher: HookCatcher, tmp_path: Path) -> None:
    post(catcher)
    catcher.clear()
    assert catcher.caught() == []
    assert list((tmp_path / "hooks").iterdir()) == []


@pytest.mark.parametrize("status", [400, 403, 404, 410, 500])
def test_a_refusal_is_kept_with_its_status(catcher: HookCatcher, status: int) -> None:
    catcher.faults(str(status), count=1)
    assert post(catcher).status_code == status
    assert [hook["answer"] for hook in catcher.caught()] == [str(status)]
    assert catcher.taken() == []
    assert post(catcher).status_code == 200  # the count is used up


def test_too_many_says_how_long_to_wait(catcher: HookCatcher) -> None:
    catcher.faults("429", count=1, seconds=7)
    answer = post(catcher)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert "Retry-After" not in post(catcher).headers


def test_a_dropped_connection_hides_that_it_was_taken(catcher: HookCatcher) -> None:
    catcher.faults("drop", count=1)
    with pytest.raises(requests.ConnectionError):
        post(catcher)
    assert len(catcher.taken()) == 1


def test_a_hanging_catcher_answers_late_and_takes_nothing(catcher: HookCatcher) -> None:
    catcher.faults("hang", count=1, seconds=60)
    with pytest.raises(requests.ReadTimeout):
        post(catcher, timeout=0.5)
    assert post(catcher, message(text="meanwhile")).status_code == 200
    catcher.faults("hang", count=1, seconds=0.1)
    assert post(catcher).status_code == 500
    assert [hook["payload"]["text"] for hook in catcher.taken()] == ["meanwhile"]


@pytest.mark.parametrize("wish", [{}, {"mode": "451"}, {"mode": "ok", "count": -1}, [], "text"])
def test_a_wrong_switch_is_refused(catcher: HookCatcher, wish: object) -> None:
    assert http().post(f"{catcher.url}/_control/faults", json=wish, timeout=5).status_code == 400


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (None, "invalid_payload"),
        ([], "invalid_payload"),
        ({}, "no_text"),
        (message(*[section(plain("x"))] * 51), "invalid_blocks"),
        (message({"type": "header", "text": mrkdwn("x")}), "invalid_blocks"),
        (message({"type": "header", "text": plain("x" * 151)}), "invalid_blocks"),
        (message(section(plain(""))), "invalid_blocks"),
        (message(section(plain("x" * 3001))), "invalid_blocks"),
        (message(section(plain("x"), *[plain("y")] * 11)), "invalid_blocks"),
        (message(section(plain("x"), plain("y" * 2001))), "invalid_blocks"),
        (message({"type": "section"}), "invalid_blocks"),
        (message({"type": "context", "elements": []}), "invalid_blocks"),
        (message({"type": "actions", "elements": [button("x" * 76, "https://a.example")]}), "invalid_blocks"),
        (message({"type": "poem"}), "invalid_blocks"),
        ({"text": "only words"}, None),
        (WHOLE, None),
    ],
)
def test_what_slack_refuses_is_refused(payload: object, error: str | None) -> None:
    assert refusal(payload) == error


def test_a_message_that_slack_would_refuse_is_not_taken(catcher: HookCatcher) -> None:
    answer = post(catcher, {"text": ""})
    assert (answer.status_code, answer.text) == (400, "no_text")
    assert catcher.taken() == []
    http().get(catcher.url, timeout=5).raise_for_status()  # and the page shows it all the same


def test_plain_text_stays_text_and_mrkdwn_shows_what_would_link_and_mention() -> None:
    hostile = "<!channel> <https://evil.example|x> <b>"
    assert str(drawn(plain(hostile))) == "&lt;!channel&gt; &lt;https://evil.example|x&gt; &lt;b&gt;"
    html = str(drawn(mrkdwn(hostile + " &lt;i&gt; <javascript:alert(1)|y>")))
    assert '<mark title="mentions people">!channel</mark>' in html
    assert '<a href="https://evil.example"' in html
    assert "&lt;b&gt; &lt;i&gt;" in html
    assert 'href="javascript' not in html


def test_a_person_reads_the_message(catcher: HookCatcher, page: Page) -> None:
    page.goto(catcher.url)
    assert page.get_by_text("Nothing yet").is_visible()
    assert_no_axe_violations(page)
    post(catcher)
    catcher.faults("404", count=1)
    post(catcher, message(text="refused"))
    page.get_by_role("link", name="Refresh").click()
    assert_no_axe_violations(page)
    assert page.get_by_role("heading", name="Billing email changed").is_visible()
    assert page.get_by_text("Acme: <!channel> <https://evil.example|click>").is_visible()
    assert page.get_by_text("not taken: 404").is_visible()
    assert page.get_by_role("link", name="Open Acme").get_attribute("href") == "http://127.0.0.1:5000/admin"
    assert page.get_by_role("link", name="the status").is_visible()
    page.get_by_role("link", name="As it came: Billing email changed").click()
    assert_no_axe_violations(page)
    assert page.locator("pre").inner_text().startswith("{")


@pytest.mark.parametrize("path", ["/caught/unknown", "/caught/..%2f..%2fetc%2fpasswd"])
def test_an_unknown_one_is_not_found(catcher: HookCatcher, path: str) -> None:
    assert http().get(catcher.url + path, timeout=5).status_code == 404


def test_a_port_that_is_taken_is_one_clear_line(catcher: HookCatcher, tmp_path: Path) -> None:
    taken = ["--port", catcher.url.rpartition(":")[2], "--state", str(tmp_path / "other")]
    with Process.python("-m", "standins.hooks", *taken, log=tmp_path / "second.log") as second:
        assert second.wait_for_exit() == 1
        assert len(second.output.splitlines()) == 1


def test_term_ends_it_well(catcher: HookCatcher) -> None:
    catcher.process.stop()
    assert catcher.process.exit_code == 0
    wait_until("closed", lambda: is_closed(catcher.url))


def is_closed(url: str) -> bool:
    try:
        http().get(url, timeout=1)
    except OSError:
        return True
    return False
