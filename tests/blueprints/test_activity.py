"""The log on its screens: filters that are kept, files that are put down, and no tenant sees another's."""

import csv
import io
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import event

from portal.actor import stripe_actor
from portal.audit.actions import Action
from portal.audit.groups import action_choices
from portal.audit.queries import EXPORT_BATCH, PAGE_SIZE
from portal.audit.service import Change, record
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.permissions import Role
from tests.blueprints.log_pages import GLOBEX, OWNER, STAFF, find, items, see
from tests.blueprints.web import Browser
from tests.conftest import ENGINES
from tests.factories import World

Browse = Callable[[str | None], Browser]


def test_everything_is_there_newest_first(logged: World, browse: Browse) -> None:
    found = find(browse(OWNER))
    assert len(found) == 7
    assert found[0].startswith("Owner changed the role of Ben Role: before: Member → after: Admin")
    assert found[-1].startswith("Owner created the API key =1+1")


def test_who_is_no_person_of_the_team_is_marked_and_staff_say_why(logged: World, browse: Browse) -> None:
    found = find(browse(OWNER))
    assert found[1].startswith("Portal Automatic opened the organization")
    assert found[2].startswith("Nightly API key revoked the API key Old key")
    assert found[3].startswith("Sam Support Staff sent the invitation of guest@acme.example again")
    assert found[3].endswith("Reason: They asked on the phone")
    assert found[4].startswith("Stripe issued invoice A-1")


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"person": "stripe"}, [2]),
        ({"person": "staff"}, [3]),
        ({"person": "key"}, [4]),
        ({"person": "system"}, [5]),
        ({"person": "usr_staff"}, [3]),
        ({"action": "api-key"}, [0, 4]),
        ({"action": "api-key:secret:created"}, [0]),
        ({"action": "billing"}, []),
        ({"from_": "2026-03-06"}, [5, 6]),
        ({"to": "2026-03-01"}, [0]),
        ({"from_": "2026-03-02", "to": "2026-03-03"}, [1, 2]),
        ({"from_": "2026-03-03", "to": "2026-03-03", "person": "stripe", "action": "invoice"}, [2]),
        ({"from_": "2026-03-03", "person": "stripe", "action": "api-key"}, []),
        ({"person": "", "action": "", "from_": "", "to": ""}, range(7)),
    ],
)
def test_filters_choose_and_files_hold_the_same(
    logged: World, browse: Browse, query: dict[str, str], rows: list[int], engine_name: str
) -> None:
    browser = browse(OWNER)
    whole = find(browser)[::-1]
    assert find(browser, **query)[::-1] == [whole[row] for row in rows]
    lines = see(browser, "/account/activity/export.jsonl", **query).splitlines()
    assert [json.loads(line)["entity_id"] for line in lines if "audit-log" not in line][::-1] == [
        f"t{row}" for row in rows
    ]


def test_a_person_of_the_team_is_chosen_by_name(logged: World, browse: Browse) -> None:
    browser = browse(OWNER)
    page = see(browser)
    assert f'<option value="{logged.acme.users[Role.ADMIN]}">Admin of Acme</option>' in page
    assert len(find(browser, person=logged.acme.users[Role.ADMIN])) == 1
    assert f"person={logged.acme.users[Role.OWNER]}" in page, "names in the list lead to the person's entries"


def test_somebody_who_left_is_still_chosen(logged: World, browse: Browse) -> None:
    page = see(browse(OWNER), person="usr_staff")
    assert '<option selected value="usr_staff">Sam Support</option>' in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"person": "usr_nobody"}, "Choose somebody from the list."),
        ({"person": "user"}, "Choose somebody from the list."),
        ({"action": "api-key:secret"}, "Choose an action from the list."),
        ({"action": "%25"}, "Choose an action from the list."),
        ({"from_": "31.3.2026"}, "Write a day such as 2026-03-31."),
        ({"to": "2026-02-30"}, "Write a day such as 2026-03-31."),
        ({"to": "9999-12-31"}, "Write a day such as 2026-03-31."),
        ({"from_": "0001-01-01"}, "Write a day such as 2026-03-31."),
        ({"from_": "2026-03-05", "to": "2026-03-04"}, "The last day is before the first."),
    ],
)
def test_a_wrong_filter_says_what_is_wrong_and_keeps_the_rest(
    logged: World, browse: Browse, query: dict[str, str], said: str
) -> None:
    given = {"person": "stripe", "action": "invoice", "from_": "2026-03-01", "to": "2026-03-31", **query}
    page = see(browse(OWNER), status=422, **given)
    assert said in page
    assert items(page) == []
    wrong = {name.rstrip("_") for name in query}
    for name in {"from", "to"} - wrong:
        assert re.search(rf'name="{name}"[^>]*value="2026-03-', page)
    for name, label in {"person": "Stripe", "action": "Invoice"}.items():
        assert name in wrong or re.search(rf"<option selected[^>]*>{label}", page)
    answer = browse(OWNER).send(
        "GET", "/account/activity/export.csv?" + "&".join(f"{n.rstrip('_')}={v}" for n, v in query.items())
    )
    assert answer.status_code == 422
    assert said in answer.text


def test_what_was_written_wrongly_can_be_corrected(logged: World, browse: Browse) -> None:
    page = see(browse(OWNER), status=422, from_="31.3.2026")
    field = re.search(r'<input[^>]*name="from"[^>]*>', page)
    assert field
    assert 'type="text"' in field[0]
    assert 'value="31.3.2026"' in field[0]


def test_filters_are_kept_from_page_to_page(app: Flask, logged: World, browse: Browse) -> None:
    fill(app, logged, 2 * PAGE_SIZE)
    browser, seen, query = browse(OWNER), [], {"action": "invoice", "from_": "2026-03-01"}
    for number in range(4):
        page = see(browser, **query)
        seen += items(page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        if link is None:
            break
        given = parse_qs(urlsplit(link[1].replace("&amp;", "&")).query)
        assert (given["action"], given["from"]) == (["invoice"], ["2026-03-01"])
        query = {name: values[0] for name, values in given.items()}
        assert number < 3
    assert len(seen) == len(set(seen)) == 2 * PAGE_SIZE + 1
    assert 'rel="prev" href="/account/activity?action=invoice&amp;from=2026-03-01"' in page


def fill(app: Flask, world: World, count: int) -> None:
    with app.app_context():
        for number in range(count):
            change = Change("invoice", f"i{number}", f"N-{number}")
            record(stripe_actor(world.acme.organization_id), Action.INVOICE_ISSUED, change)
        db.session.commit()


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_long_file_is_whole_and_read_in_batches(
    app: Flask, logged: World, browse: Browse, engine_name: str
) -> None:
    fill(app, logged, 2 * EXPORT_BATCH)
    browser, asked = browse(OWNER), []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append("FROM portal_audit" in statement and "LIMIT" in statement)

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    answer = browser.send("GET", "/account/activity/export.jsonl")
    ids = [json.loads(line)["entity_id"] for line in answer.data.splitlines()]
    assert len(ids) == len(set(ids)) == 2 * EXPORT_BATCH + 7 + 1
    assert sum(asked) == 3


def test_a_csv_file_opens_safely_in_a_spreadsheet(logged: World, browse: Browse) -> None:
    answer = browse(OWNER).send("GET", "/account/activity/export.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f"activity {utcnow():%Y-%m}" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert rows[-1]["entity_name"] == "'=1+1"
    assert rows[-1]["words"] == "created the API key =1+1"
    assert rows[-1]["created_at"] == "2026-03-01T12:00:00+00:00"
    assert json.loads(rows[-1]["after"]) == {"role": "admin"}
    assert re.fullmatch("[0-9a-f]{64}", rows[-1]["hash"])


@pytest.mark.parametrize("engine_name", ENGINES)
def test_taking_a_file_out_is_put_down(app: Flask, logged: World, browse: Browse, engine_name: str) -> None:
    browser = browse(OWNER)
    see(browser, "/account/activity/export.csv", action="invoice")
    browser.send("HEAD", "/account/activity/export.csv")
    assert find(browser)[0].startswith(
        "Owner of Acme downloaded the activity as CSV Chosen: after: action: invoice"
    )
    assert len(find(browser)) == 8
    assert find(browse(GLOBEX)) == find(browse(GLOBEX), action="api-key"), "not in another organization's log"


def test_no_file_without_the_row_that_tells_of_it(app: Flask, logged: World, browse: Browse) -> None:
    refusal = "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TRIGGER full BEFORE INSERT ON portal_audit {refusal}")
    answer = browse(OWNER).send("GET", "/account/activity/export.csv")
    assert answer.status_code == 500
    assert "created the API key" not in answer.text


@pytest.mark.parametrize("ending", ["", "/export.csv", "/export.jsonl"])
def test_another_organizations_log_is_not_there(logged: World, browse: Browse, ending: str) -> None:
    path = f"/account/activity{ending}"
    text = see(browse(OWNER), path)
    assert "Globex" not in text
    assert logged.globex.users[Role.OWNER] not in text
    theirs = see(browse(OWNER), path, status=422, person=logged.globex.users[Role.OWNER])
    unknown = see(browse(OWNER), path, status=422, person="usr_unknown")
    assert "Choose somebody from the list." in theirs
    assert ("Choose somebody from the list." in unknown, "Globex" in theirs) == (True, False)


def test_htmx_gets_the_filter_and_the_list(logged: World, browse: Browse) -> None:
    for query, status in (("action=invoice", 200), ("from=x", 422)):
        answer = browse(OWNER).send("GET", f"/account/activity?{query}", HX_Request="true")
        assert answer.status_code == status
        assert answer.text.lstrip().startswith('<div class="stack" id="log">')
        assert "<html" not in answer.text


def test_every_action_can_be_chosen(logged: World, browse: Browse) -> None:
    values = [value for _, choices in action_choices() for value, _ in choices]
    assert {action.value for action in Action} <= set(values)
    page = see(browse(OWNER))
    assert all(f'value="{value}"' in page for value in values)
    assert "{entity}" not in page


def test_customers_do_not_learn_where_staff_were(logged: World, browse: Browse) -> None:
    staff = browse(STAFF)
    where = "192.0.2.9"
    for path in ("/account/activity", "/account/activity/export.csv", "/account/activity/export.jsonl"):
        text = see(browse(OWNER), path)
        assert "Sam Support" in text, path
        assert where not in text, path
    for path in ("/admin/audit-log", "/admin/audit-log/export.csv", "/admin/audit-log/export.jsonl"):
        assert where in see(staff, path), path
