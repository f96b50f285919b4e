"""A help desk is answered after it has proved to be one, with its requester's organizations and nobody else's."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import jwt
import pytest
from flask import Flask
from sqlalchemy import event, text
from werkzeug.test import TestResponse

from blueprints._limits import limiter
from portal.actor import ActorKind
from portal.api_keys.service import create_key
from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.audit.service import Change, record
from portal.config import ROOT
from portal.database import Base
from portal.extensions import db
from portal.help_desk.models import HelpDesk
from portal.help_desk.queries import tickets_of
from portal.identity.models import Organization, SecondFactor, User
from portal.kit.clock import utcnow
from portal.permissions import Role
from tests.blueprints.test_transactions import Broken, lasting
from tests.blueprints.things import Things, make_invoice
from tests.blueprints.web import Browser
from tests.conftest import ENGINES
from tests.factories import World, add_member, make_organization, make_user
from tests.support.help_desk import (
    INTERCOM_SECRET,
    PATHS,
    ZENDESK_SECRET,
    Request,
    helpscout_body,
    helpscout_request,
    intercom_body,
    intercom_request,
    request_of,
    zendesk_claims,
    zendesk_request,
)

SOURCES = tuple(PATHS)
OWNER = "owner@acme.example"
XHTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = '<img src=x onerror="alert(1)"> **[free](https://evil.example)** <https://evil.example|x> {{ 7*7 }}'
pytestmark = pytest.mark.usefixtures("fresh_counts")


@pytest.fixture
def fresh_counts(app: Flask) -> Iterator[None]:
    with app.app_context():
        limiter.reset()
    yield
    with app.app_context():
        limiter.reset()


def send(app: Flask, request: Request, **more: str) -> TestResponse:
    path, body, headers = request
    return app.test_client(use_cookies=False).post(path, data=body, headers={**headers, **more})


def ask(app: Flask, source: str, email: str | None, ticket: str = "4711") -> TestResponse:
    answer = send(app, request_of(source, email, ticket))
    assert answer.status_code == 200, answer.text
    return answer


def words(source: str, answer: TestResponse) -> str:
    """What an agent reads."""
    given = answer.get_json()
    if source == "intercom":
        return "\n".join(_texts(given["canvas"]["content"]["components"]))
    return " ".join("".join(fragment(given["html"]).itertext()).split())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in {"text", "field", "value", "title", "subtitle", "label"} and isinstance(inner, str):
                yield inner.replace("\N{WORD JOINER}", "")
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def fragment(html: str) -> Element:
    parsed: Element = html5lib.HTMLParser(strict=True).parseFragment(html)
    return parsed


# --- Who asks ---


def forged(source: str) -> dict[str, Request]:
    """Everything that is nearly right, by what is wrong with it."""
    path, body, headers = request_of(source, OWNER)
    name = next(iter(headers))
    wrong = {
        "zendesk": zendesk_request(OWNER, secret="x" * 40),
        "intercom": intercom_request(intercom_body(OWNER), secret="x" * 40),
        "helpscout": helpscout_request(helpscout_body(OWNER), secret="x" * 40),
    }[source]
    found: dict[str, Request] = {
        "no header": (path, body, {}),
        "empty": (path, body, {name: ""}),
        "not ASCII": (path, body, {name: headers[name] + "\xff"}),
        "a letter more": (path, body, {name: headers[name] + "A"}),
        "wrong secret": wrong,
        "no secret": {
            "zendesk": lambda: zendesk_request(OWNER, secret=""),
            "intercom": lambda: intercom_request(intercom_body(OWNER), secret=""),
            "helpscout": lambda: helpscout_request(helpscout_body(OWNER), secret=""),
        }[source](),
    }
    if source != "zendesk":
        found["another body"] = (path, body.replace(b"acme", b"emca"), headers)
        found["a byte more"] = (path, body + b" ", headers)
    for other in set(SOURCES) - {source}:
        _, other_body, other_headers = request_of(other, OWNER)
        found[f"as {other} signs"] = (path, other_body, other_headers)
        found[f"{other}'s signature here"] = (path, other_body, {name: next(iter(other_headers.values()))})
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_not_signed_by_that_help_desk_is_refused_before_anything_is_looked_up(
    app: Flask, acme: Things, source: str
) -> None:
    statements: list[str] = []
    with app.app_context():
        engine = db.engine
    for wrong, request in forged(source).items():
        event.listen(engine, "before_cursor_execute", note := lambda *given: statements.append(given[2]))
        answer = send(app, request)
        event.remove(engine, "before_cursor_execute", note)
        assert answer.status_code == 401, wrong
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), wrong
        assert answer.get_json()["error"]["message"] == "This is not signed by the help desk.", wrong
        assert "acme" not in answer.text.lower(), wrong
    assert statements == []


@pytest.mark.parametrize("secret", [None, ""])
@pytest.mark.parametrize("source", SOURCES)
def test_a_product_that_is_not_connected_is_not_there(
    app: Flask, acme: Things, source: str, secret: str | None
) -> None:
    from pydantic import SecretStr

    services = app.extensions["portal"]
    nothing = SecretStr(secret) if secret is not None else None
    names = ("zendesk_shared_secret", "intercom_client_secret", "helpscout_secret")
    services.settings = services.settings.model_copy(update=dict.fromkeys(names, nothing))
    for request in (request_of(source, OWNER), forged(source)["no secret"]):
        answer = send(app, request)
        assert answer.status_code == 404
        assert "acme" not in answer.text.lower()


def token(claims: dict[str, Any], algorithm: str = "HS256", scheme: str = "Bearer") -> Request:
    given = jwt.encode(claims, ZENDESK_SECRET if algorithm != "none" else None, algorithm=algorithm)
    return PATHS["zendesk"], b"", {"Authorization": f"{scheme} {given}"}


def zendesk_forgeries() -> dict[str, Request]:
    now = int(time.time())
    claims = zendesk_claims(OWNER)
    return {
        "made for ever by a huge number": token({**claims, "exp": float("inf")}),
        "expired": token({**claims, "exp": now - 60}),
        "no end": token({name: value for name, value in claims.items() if name != "exp"}),
        "lives an hour": token({**claims, "exp": now + 3600}),
        "lives for ever": token({**claims, "exp": 10**18}),
        "made long ago": token({**claims, "iat": now - 600}),
        "made in the future": token({**claims, "iat": now + 600}),
        "not yet valid": token({**claims, "nbf": now + 600}),
        "no name": token({name: value for name, value in claims.items() if name != "jti"}),
        "empty name": token({**claims, "jti": ""}),
        "long name": token({**claims, "jti": "x" * 10_000}),
        "for somebody else": token({**claims, "aud": "https://other.example"}),
        "unsigned": token(claims, "none"),
        "another algorithm": token(claims, "HS512"),
        "another scheme": token(claims, scheme="Basic"),
        "end in words": token({**claims, "exp": "tomorrow"}),
    }


def test_zendesks_token_is_short_lived_and_complete(app: Flask, acme: Things) -> None:
    found = {name: send(app, request).status_code for name, request in zendesk_forgeries().items()}
    assert found == dict.fromkeys(found, 401)


def test_zendesks_token_needs_no_iat_but_clocks_may_differ_a_little(app: Flask, acme: Things) -> None:
    now = int(time.time())
    for claims in (
        zendesk_claims(OWNER, iat=None),
        zendesk_claims(OWNER, iat=now + 20, exp=now + 315),
        zendesk_claims(OWNER, iat=now - 90, exp=now - 20),
    ):
        assert send(app, token(claims)).status_code == 200


@pytest.mark.parametrize("engine_name", ENGINES)
def test_zendesks_token_opens_one_answer(app: Flask, acme: Things, engine_name: str) -> None:
    request = zendesk_request(OWNER)
    assert send(app, request).status_code == 200
    again = send(app, request)
    assert again.status_code == 401
    assert "acme" not in again.text.lower()
    assert send(app, zendesk_request(OWNER)).status_code == 200
    with app.app_context():
        assert [row.times_shown for row in tickets_of(acme.organization_id)] == [2]


def test_a_browser_on_another_site_cannot_pass_a_signed_request_on(app: Flask, acme: Things) -> None:
    answer = send(app, request_of("intercom", OWNER), Origin="https://evil.example")
    assert answer.status_code == 403


# --- The form of the answer ---

TAGS = {"ul", "li", "span", "h4", "a", "p", "div"}
CLASSES = {
    *("c-sb-list", "c-sb-list--two-line", "c-sb-list-item", "c-sb-list-item__label"),
    *("c-sb-list-item__text", "muted", "red", "divider"),
}


def check_helpscout(given: dict[str, Any]) -> None:
    """`{"html": ...}` of elements and classes that Help Scout's style guide has; it strips all others."""
    assert given.keys() == {"html"}
    for node in list(fragment(given["html"]).iter())[1:]:
        assert node.tag.removeprefix(XHTML) in TAGS
        assert set(node.get("class", "").split()) <= CLASSES
        assert node.attrib.keys() <= {"class", "href"}


TEXT = {"type": str, "text": str, "style": {"header", "paragraph", "muted", "error"}}
COMPONENTS: dict[str, dict[str, Any]] = {
    "text": TEXT,
    "divider": {"type": str},
    "data-table": {"type": str, "items": {"type": {"field-value"}, "field": str, "value": str}},
    "list": {"type": str, "items": {"type": {"item"}, "id": str, "title": str, "subtitle": str}},
    "button": {
        "type": str,
        "id": str,
        "label": str,
        "style": {"primary", "secondary", "link"},
        "action": None,
    },
}
ACTIONS: dict[str, dict[str, Any]] = {"url": {"type": str, "url": str}, "submit": {"type": str}}


def check_shape(given: Any, shape: Any) -> None:
    assert isinstance(given, dict)
    assert given.keys() == shape.keys()
    for name, wanted in shape.items():
        if wanted is str:
            assert isinstance(given[name], str)
            assert given[name]
        elif isinstance(wanted, set):
            assert given[name] in wanted
        elif isinstance(wanted, dict):
            assert given[name]
            for item in given[name]:
                check_shape(item, wanted)


def check_intercom(given: dict[str, Any]) -> None:
    """Canvas Kit's response: canvas, content, components, each with its published fields; at most 64 KB."""
    assert given.keys() == {"canvas"}
    assert given["canvas"].keys() == {"content"}
    components = given["canvas"]["content"]["components"]
    for component in components:
        check_shape(component, COMPONENTS[component["type"]])
        if "action" in component:
            check_shape(component["action"], ACTIONS[component["action"]["type"]])
    ids = re.findall(r'"id": "([^"]+)"', json.dumps(components))
    assert len(ids) == len(set(ids))
    assert len(json.dumps(given).encode()) < 64_000


def check_zendesk(given: dict[str, Any]) -> None:
    """Ours: read by integrations/zendesk, and by whoever writes an app of their own."""
    assert given.keys() == {"requester", "organizations", "advice", "search_url", "note", "html"}
    for fact in given["requester"]:
        check_shape(fact, {"label": str, "value": str})
    for part in given["organizations"]:
        assert part.keys() == {"name", "url", "facts", "invoices", "timeline"}
        for line in [*part["invoices"], *part["timeline"]]:
            assert line.keys() == {"text", "detail", "is_bad"}
    for node in list(fragment(given["html"]).iter())[1:]:
        assert node.tag.removeprefix(XHTML) in TAGS | {"dl", "dt", "dd", "section", "h2", "h3"}
        assert node.attrib.keys() <= {"class", "href", "target", "rel"}


CHECKS = {"helpscout": check_helpscout, "intercom": check_intercom, "zendesk": check_zendesk}


def fill(app: Flask, world: World) -> None:
    """Invoices of every age, and more history than is shown."""
    now = utcnow()
    with app.app_context():
        for number, days in (("L-12", -12), ("L-1", -1), ("D-3", 3)):
            make_invoice(world.acme.organization_id, number, due_at=now + timedelta(days=days))
        for number in range(25):
            change = Change("api_key", f"key_{number}", f"Key {number}")
            record(world.acme.actor(), Action.API_KEY_CREATED, change)
        db.session.commit()


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("source", SOURCES)
def test_the_answer_shows_the_requester_and_the_organization(
    app: Flask, world: World, acme: Things, source: str, engine_name: str
) -> None:
    fill(app, world)
    answer = ask(app, source, " Owner@Acme.example ")
    CHECKS[source](answer.get_json())
    seen = words(source, answer)
    for wanted in (
        *("Owner of Acme", OWNER, "Second factor", "Off", "Acme", "Role", "Owner", "Plan"),
        *("A-1", "€119.00", "no due day", "12 days late", "1 day late", "due in 3 days"),
        *("Open in total", "Owner created the API key Key 24", "Only the support team sees this."),
    ):
        assert wanted in seen, wanted
    lines = re.findall(r"created the API key Key (\d+)", seen)
    assert lines == [str(number) for number in range(24, 4, -1)]
    assert f"http://localhost/admin/organizations/{acme.organization_id}" in answer.text
    assert "globex" not in answer.text.lower()


@pytest.mark.parametrize("source", SOURCES)
def test_the_longest_overdue_invoice_comes_first_and_settled_ones_are_left_out(
    app: Flask, world: World, acme: Things, source: str
) -> None:
    fill(app, world)
    with app.app_context():
        db.session.execute(text("UPDATE invoices SET status = 'paid' WHERE number = 'L-1'"))
        db.session.commit()
    seen = words(source, ask(app, source, OWNER))
    assert seen.index("L-12") < seen.index("D-3") < seen.index("A-1")
    assert "L-1\n" not in seen
    assert "1 day late" not in seen


@pytest.mark.parametrize("source", SOURCES)
def test_whoever_belongs_to_several_organizations_is_shown_with_each(
    app: Flask, world: World, acme: Things, globex: Things, source: str
) -> None:
    with app.app_context():
        user = make_user("both@freelance.example", "Bo Both")
        for organization_id, role in (
            (acme.organization_id, Role.VIEWER),
            (globex.organization_id, Role.BILLING),
        ):
            add_member(db.session.get_one(Organization, organization_id), user, role)
        db.session.commit()
    answer = ask(app, source, "both@freelance.example")
    CHECKS[source](answer.get_json())
    for organization_id in (acme.organization_id, globex.organization_id):
        assert f"/admin/organizations/{organization_id}" in answer.text
        with app.app_context():
            assert [row.user_email for row in tickets_of(organization_id)] == ["both@freelance.example"]
            assert len(opened(organization_id)) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_more_than_five_organizations_are_counted(app: Flask, world: World, source: str) -> None:
    with app.app_context():
        user = make_user("many@freelance.example", "Many Places")
        for number in range(8):
            add_member(make_organization(f"Client {number}"), user, Role.MEMBER)
        db.session.commit()
    answer = ask(app, source, "many@freelance.example")
    CHECKS[source](answer.get_json())
    seen = words(source, answer)
    assert re.findall(r"Client \d", seen) == [f"Client {number}" for number in range(5)]
    assert "Belongs to 3 more." in seen
    assert "/admin/organizations?q=many%40freelance.example" in answer.text


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("email", [None, "", "nobody@nowhere.example", "x" * 300, "a\x00b@acme.example"])
def test_an_unknown_requester_is_named_as_one_and_leaves_no_trace(
    app: Flask, acme: Things, source: str, email: str | None
) -> None:
    before = lasting(app)
    answer = ask(app, source, email)
    CHECKS[source](answer.get_json())
    seen = words(source, answer)
    is_known = email == "nobody@nowhere.example"
    wanted = "No account has this address." if is_known else "The ticket has no email address"
    assert wanted in seen
    assert "they sign in with" in seen
    assert "/admin/organizations?q=" in answer.text
    assert "acme" not in seen.lower()
    assert lasting(app) == before


@pytest.mark.parametrize("source", SOURCES)
def test_people_without_an_organization_and_disabled_ones(app: Flask, world: World, source: str) -> None:
    with app.app_context():
        make_user("alone@nowhere.example", "Al One").disabled_at = utcnow()
        db.session.commit()
    seen = words(source, ask(app, source, "alone@nowhere.example"))
    assert "Belongs to no organization." in seen
    assert "Disabled since" in seen
    assert "Support" in words(source, ask(app, source, world.support_email))


def test_help_scout_tries_all_addresses_and_takes_unsaved_conversations(app: Flask, acme: Things) -> None:
    body = helpscout_body("private@home.example", emails=("other@home.example", "Viewer@acme.example"))
    body["ticket"] = False
    answer = send(app, helpscout_request(body))
    assert "Viewer of Acme" in words("helpscout", answer)
    with app.app_context():
        assert [row.ticket_id for row in tickets_of(acme.organization_id)] == ["draft"]


def test_intercoms_older_name_and_its_button_are_understood(app: Flask, acme: Things) -> None:
    body = intercom_body(OWNER)
    body["customer"] = body.pop("contact")
    first = send(app, intercom_request(body))
    _, raw, headers = intercom_request({**body, "component_id": "refresh", "input_values": {}})
    second = send(app, ("/v1/help-desk/intercom/submit", raw, headers))
    check_intercom(second.get_json())
    assert "Owner of Acme" in words("intercom", first)
    assert "showed the support team this organization beside ticket 4711" in words("intercom", second)


@pytest.mark.parametrize("admin", [None, {}, "Dana"])
def test_intercoms_messenger_which_customers_see_is_not_answered(
    app: Flask, acme: Things, admin: Any
) -> None:
    body = {**intercom_body(OWNER), "admin": admin}
    answer = send(app, intercom_request(body))
    assert answer.status_code == 422
    assert "acme" not in answer.text.lower()


@pytest.mark.parametrize("source", ["intercom", "helpscout"])
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"conversation": 5}'])
def test_a_signed_body_that_makes_no_sense_is_said_to(
    app: Flask, world: World, source: str, body: bytes
) -> None:
    make = intercom_request if source == "intercom" else helpscout_request
    answer = send(app, make(body))
    if source == "helpscout" and body.startswith(b"{") and len(body) > 1:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 422
        assert answer.get_json()["error"]["message"]


@pytest.mark.parametrize("ticket", ["", "a b", "x" * 65, "<b>", None, 1.5, True, {}, "\u0661"])
def test_a_ticket_without_a_proper_id_is_refused(app: Flask, acme: Things, ticket: Any) -> None:
    body = intercom_body(OWNER)
    body["conversation"]["id"] = ticket
    assert send(app, intercom_request(body)).status_code == 422
    assert send(app, zendesk_request(OWNER, ticket_id=ticket)).status_code == 422


@pytest.mark.parametrize("source", SOURCES)
def test_bodies_are_bounded(app: Flask, world: World, source: str) -> None:
    path, _, headers = request_of(source, OWNER)
    answer = send(app, (path, b"x" * 1_100_000, headers))
    assert (answer.status_code, answer.is_json) == (413, True)


def test_asking_is_limited(app: Flask, world: World) -> None:
    request = request_of("helpscout", "nobody@nowhere.example")
    statuses = [send(app, request).status_code for _ in range(301)]
    assert statuses == [200] * 300 + [429]


# --- What people have written ---


@pytest.mark.parametrize("source", SOURCES)
def test_what_people_have_written_comes_out_as_text(app: Flask, world: World, source: str) -> None:
    with app.app_context():
        db.session.get_one(User, world.acme.users[Role.OWNER]).name = HOSTILE
        db.session.get_one(Organization, world.acme.organization_id).name = HOSTILE
        make_invoice(world.acme.organization_id, "<b>N</b>")
        record(world.acme.actor(), Action.API_KEY_CREATED, Change("api_key", "key_1", HOSTILE))
        db.session.commit()
    answer = ask(app, source, OWNER)
    CHECKS[source](answer.get_json())
    seen = words(source, answer)
    assert seen.count(HOSTILE) >= 3
    assert "<b>N</b>" in seen
    check_hostile(source, answer.get_json())


def check_hostile(source: str, given: dict[str, Any]) -> None:
    if source != "intercom":
        nodes = list(fragment(given["html"]).iter())[1:]
        assert not {node.tag.removeprefix(XHTML) for node in nodes} & {"img", "b", "script"}
        hrefs = [node.get("href") for node in nodes if node.get("href")]
        assert hrefs
        assert all(str(href).startswith("http://localhost/admin/") for href in hrefs)
        return
    for component in given["canvas"]["content"]["components"]:
        written = json.dumps({**component, "action": None}, ensure_ascii=False)
        assert not re.search(r"\]\(|://|<[a-z]", written)
        if component["type"] == "text":
            assert "evil" not in written


@pytest.mark.parametrize("source", SOURCES)
def test_a_hostile_address_in_the_ticket_comes_out_as_text(app: Flask, world: World, source: str) -> None:
    answer = ask(app, source, HOSTILE)
    CHECKS[source](answer.get_json())
    assert HOSTILE in words(source, answer)
    check_hostile(source, answer.get_json())


@pytest.mark.parametrize("source", SOURCES)
def test_no_secret_is_in_the_answer(app: Flask, world: World, acme: Things, source: str) -> None:
    with app.app_context():
        _, secret = create_key(world.acme.actor(), "Another")
        db.session.add(SecondFactor(user_id=world.acme.users[Role.OWNER], secret="a sealed secret"))
        db.session.commit()
        secrets = [
            str(value)
            for table in Base.metadata.sorted_tables
            for column in table.columns
            if column.name == "secret" or column.name.endswith("_hash")
            for value in db.session.scalars(db.select(column).where(column.is_not(None)))
        ]
    answer = ask(app, source, OWNER)
    assert len(secrets) > 8
    for hidden in (secret, acme.token, INTERCOM_SECRET, ZENDESK_SECRET, *secrets):
        assert hidden not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


# --- What is noted ---


def opened(organization_id: str) -> list[AuditEntry]:
    statement = db.select(AuditEntry).where(
        AuditEntry.organization_id == organization_id, AuditEntry.action == Action.TICKET_OPENED.value
    )
    return list(db.session.scalars(statement.order_by(AuditEntry.id)))


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("source", SOURCES)
def test_a_ticket_is_noted_once_and_counted_each_time(
    app: Flask, acme: Things, globex: Things, source: str, engine_name: str
) -> None:
    for email in (OWNER, OWNER, "member@acme.example"):
        ask(app, source, email)
    ask(app, source, OWNER, "4712")
    with app.app_context():
        rows = tickets_of(acme.organization_id)
        assert [(row.ticket_id, row.times_shown, row.user_name) for row in rows] == [
            ("4712", 1, "Owner of Acme"),
            ("4711", 3, "Member of Acme"),
        ]
        assert {row.source for row in rows} == {HelpDesk(source)}
        assert rows[1].first_seen_at < rows[1].last_seen_at
        entries = opened(acme.organization_id)
        assert [(entry.entity_id, entry.actor_kind, entry.actor_name) for entry in entries] == [
            ("4711", ActorKind.SYSTEM, HelpDesk(source).label),
            ("4712", ActorKind.SYSTEM, HelpDesk(source).label),
        ]
        assert entries[0].after == {"requester": OWNER, "agent": "Dana Reyes"}
        assert entries[0].chain == acme.organization_id
        assert tickets_of(globex.organization_id) == []
        assert opened(globex.organization_id) == []


def test_the_same_number_in_two_help_desks_is_two_tickets(app: Flask, acme: Things) -> None:
    for source in SOURCES:
        ask(app, source, OWNER)
    with app.app_context():
        assert {row.source.value for row in tickets_of(acme.organization_id)} == set(SOURCES)
        assert len(tickets_of(acme.organization_id, limit=2)) == 2


@pytest.mark.parametrize("engine_name", ENGINES)
def test_two_at_once_are_one_piece_of_news(app: Flask, acme: Things, engine_name: str) -> None:
    requests = [request_of("intercom", OWNER) for _ in range(6)]
    start = threading.Barrier(len(requests))
    statuses: list[int] = []

    def run(request: Request) -> None:
        start.wait()
        statuses.append(send(app, request).status_code)

    threads = [threading.Thread(target=run, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * len(requests)
    with app.app_context():
        assert [row.times_shown for row in tickets_of(acme.organization_id)] == [len(requests)]
        assert len(opened(acme.organization_id)) == 1


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("what", ["portal_audit", "commit"])
@pytest.mark.parametrize("source", SOURCES)
def test_nothing_is_shown_that_could_not_be_noted(
    app: Flask, acme: Things, source: str, what: str, engine_name: str
) -> None:
    before, request = lasting(app), request_of(source, OWNER)
    with Broken(app, what) as fault:
        answer = send(app, request)
    assert fault.hits == 1
    assert answer.status_code == 500
    assert "acme" not in answer.text.lower()
    assert lasting(app) == before


def test_the_customer_sees_that_the_organization_was_shown(
    app: Flask, acme: Things, browse: Callable[[str | None], Browser]
) -> None:
    ask(app, "zendesk", "member@acme.example")
    page = browse(OWNER).send("GET", "/account/activity").text
    assert "Zendesk" in page
    assert "showed the support team this organization beside ticket 4711" in page


def test_the_app_for_zendesk_is_complete() -> None:
    """What Zendesk checks when the package is uploaded, and that the secret is a secure setting."""
    app = ROOT / "integrations" / "zendesk"
    manifest = json.loads((app / "manifest.json").read_text())
    words = json.loads((app / "translations" / f"{manifest['defaultLocale']}.json").read_text())["app"]
    page = (app / manifest["location"]["support"]["ticket_sidebar"]["url"]).read_text()
    for name in re.findall(r'(?:src|href)="([^":]+)"', page):
        assert (app / "assets" / name).is_file(), name
    settings = {setting["name"]: setting for setting in manifest["parameters"]}
    assert settings.keys() == words["parameters"].keys() == {"portal_url", "shared_secret"}
    assert settings["shared_secret"]["secure"] is True
    assert manifest["domainWhitelist"]
