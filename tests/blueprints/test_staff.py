"""What support sees and what leads do: the search, the page of one organization, and its forms."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import html5lib
import pytest
from flask import Flask
from sqlalchemy import event, func, select, update

from portal.actor import ActorKind
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.help_desk.models import HelpDesk, TicketSeen
from portal.identity.models import Organization, User, UserSession
from portal.invoices.models import Invoice, InvoiceStatus
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage, OutboxStatus
from portal.permissions import Role, StaffRole
from portal.stripe_mirror.models import EventStatus, StripeEvent
from portal.support.models import Recovery, RecoveryStatus
from tests.blueprints.things import REASON, Things, address, form, make_dead_letter, make_event, make_invoice
from tests.blueprints.web import Browser, routes
from tests.conftest import ENGINES
from tests.factories import World, add_member, make_user

Browse = Callable[[str | None], Browser]
HTMX = {"HX_Request": "true"}
SECTIONS = ("people", "plan", "invoices", "keys", "usage", "webhooks", "notifications", "tickets", "timeline")
ACTIONS = {
    "invitations/{invitation_id}/resend": "admin.resend_invitation",
    "people/{member_id}/sign-out": "admin.sign_person_out",
    "invoices/{invoice_id}/paid": "admin.record_payment",
    "events/{event_id}/replay": "admin.replay_stripe_event",
    "messages/{message_id}/resend": "admin.resend_message",
    "people/{member_id}/recovery": "admin.ask_recovery",
    "recoveries/{recovery_id}/approve": "admin.approve_recovery",
    "recoveries/{recovery_id}/cancel": "admin.cancel_recovery",
}


def page_of(things: Things) -> str:
    return f"/admin/organizations/{things.organization_id}"


def action_path(things: Things, action: str) -> str:
    ids = {name: getattr(things, name) for name in re.findall(r"{(\w+)}", action)}
    return f"{page_of(things)}/{action.format(**ids)}"


def data(things: Things, action: str) -> dict[str, str]:
    return form(ACTIONS[action], things)


@pytest.fixture(params=ACTIONS)
def action(request: pytest.FixtureRequest) -> str:
    """The address of each action in turn, below an organization's page."""
    return str(request.param)


@pytest.mark.parametrize("engine_name", ENGINES)
def test_one_page_shows_everything_of_an_organization(
    app: Flask, world: World, acme: Things, browse: Browse, engine_name: str
) -> None:
    with app.app_context():
        now = utcnow()
        db.session.add(
            TicketSeen(
                source=HelpDesk.ZENDESK,
                ticket_id="4711",
                organization_id=acme.organization_id,
                user_id=world.acme.users[Role.OWNER],
                first_seen_at=now,
                last_seen_at=now,
                times_shown=3,
            )
        )
        db.session.commit()
    text = browse("support@portal.example").send("GET", page_of(acme)).text
    assert [name for name in SECTIONS if f'id="{name}"' not in text] == []
    assert [name for name in SECTIONS if f'href="#{name}"' not in text] == []
    for shown in (
        *("owner@acme.example", "target@acme.example", "guest@acme.example", "Invited"),
        *("cus_acme", "billing@acme.example", "A-1", "S-1", "Nightly export", "ptl_"),
        *(acme.event_id, "customer.updated", "Given up", "gone@acme.example"),
        *("4711", "Zendesk", "3 times"),
        *("invited guest@acme.example", "created the API key Nightly export"),
        "Something happened in acme.example",
    ):
        assert shown in text, shown
    assert "globex" not in text.lower()


def test_the_page_holds_no_secret(app: Flask, acme: Things, browse: Browse) -> None:
    from portal.api_keys.models import ApiKey
    from portal.identity.models import SecondFactor
    from portal.team.models import Invitation

    text = browse("lead@portal.example").send("GET", page_of(acme)).text
    with app.app_context():
        secrets = [
            *db.session.scalars(select(ApiKey.secret_hash)),
            *db.session.scalars(select(Invitation.token_hash)),
            *db.session.scalars(select(Recovery.token_hash)),
            *[f">{secret}<" for secret in db.session.scalars(select(SecondFactor.secret))],
            *(acme.token, acme.cancel_token, acme.unsubscribe_token),
        ]
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize("engine_name", ENGINES)
def test_the_page_asks_few_questions_whatever_the_size(
    app: Flask, world: World, acme: Things, browse: Browse, engine_name: str
) -> None:
    with app.app_context():
        organization = db.session.get_one(Organization, acme.organization_id)
        for number in range(60):
            add_member(organization, make_user(f"many{number}@acme.example"), Role.MEMBER)
            make_event(organization, EventStatus.HANDLED)
            make_invoice(organization.id, f"M-{number}")
        db.session.commit()
        engine = db.engine
    support, asked = browse("support@portal.example"), []
    note = lambda _c, _u, statement, *_: asked.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    answer = support.send("GET", page_of(acme))
    event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 200
    assert len(asked) <= 20, "\n".join(asked)
    assert len(answer.text) < 250_000


def test_each_list_goes_on_by_itself_without_script(app: Flask, acme: Things, browse: Browse) -> None:
    with app.app_context():
        organization = db.session.get_one(Organization, acme.organization_id)
        for number in range(45):
            add_member(organization, make_user(f"many{number:02}@acme.example"), Role.MEMBER)
            make_event(organization, EventStatus.HANDLED)
        db.session.commit()
    support = browse("support@portal.example")
    for name, pattern, total in (
        ("people", r"[\w.]+@acme\.example</span>", 51),
        ("webhooks", r">(evt_\w+)<", 46),
    ):
        path, seen = page_of(acme), list[str]()
        for _ in range(8):
            text = support.send("GET", path).text
            section = re.search(rf'<section class="card" id="{name}">.*?</section>', text, re.DOTALL)
            assert section is not None
            seen += re.findall(pattern, section[0])
            following = re.search(r'rel="next" href="([^"#]+)#', section[0])
            if following is None:
                break
            path = following[1].replace("&amp;", "&")
        assert len(set(seen)) >= total, name
        assert len(seen) == len(set(seen)), name


@pytest.mark.parametrize("name", ["people", "invoices", "webhooks", "mails", "notices", "timeline"])
def test_a_made_up_place_in_a_list_is_refused(acme: Things, browse: Browse, name: str) -> None:
    support = browse("support@portal.example")
    for value in ("x", "W10", "WyJ4Il0", "bnVsbA", "é"):
        assert support.send("GET", f"{page_of(acme)}?{name}={value}").status_code == 422, value


def test_a_search_says_why_and_never_opens_by_itself(acme: Things, globex: Things, browse: Browse) -> None:
    support = browse("support@portal.example")
    for headers in ({}, HTMX):
        answer = support.send("GET", f"/admin/organizations?q={acme.event_id}", **headers)
        assert answer.status_code == 200
        assert f"Stripe event {acme.event_id}" in answer.text
        assert "Globex" not in answer.text
    both = support.send("GET", "/admin/organizations?q=A-1").text
    assert both.count("Invoice A-1") == 2


def test_a_pasted_key_is_not_shown_again(browse: Browse, acme: Things) -> None:
    secret = "ptl_3fBxYz12" + "A" * 30
    text = browse("support@portal.example").send("GET", f"/admin/organizations?q={secret}").text
    assert secret not in text
    assert 'value="ptl_3fBxYz12"' in text


def test_support_reads_and_sees_no_button(acme: Things, browse: Browse, action: str) -> None:
    support = browse("support@portal.example")
    assert action_path(acme, action) not in support.send("GET", page_of(acme)).text
    for method in ("GET", "POST"):
        answer = support.send(method, action_path(acme, action), data(acme, action))
        assert answer.status_code == 403
        assert "staff role lead" in answer.text


def test_a_lead_sees_the_button_and_the_question(acme: Things, browse: Browse, action: str) -> None:
    lead = browse("lead@portal.example")
    path = action_path(acme, action)
    assert f'href="{path}"' in lead.send("GET", page_of(acme)).text
    page = lead.send("GET", path)
    assert page.status_code == 200
    assert "<h1>" in page.text
    dialog = lead.send("GET", path, **HTMX).text
    html5lib.HTMLParser(strict=True).parseFragment(dialog)
    assert "<html" not in dialog
    assert f'action="{path}"' in dialog


@pytest.mark.parametrize("htmx", [False, True], ids=["form", "htmx"])
@pytest.mark.parametrize("engine_name", ENGINES)
def test_an_action_is_done_with_its_reason_and_the_customer_reads_it(
    app: Flask, acme: Things, browse: Browse, action: str, htmx: bool, engine_name: str
) -> None:
    lead = browse("lead@portal.example")
    answer = lead.send("POST", action_path(acme, action), data(acme, action), **(HTMX if htmx else {}))
    assert answer.status_code == (200 if htmx else 303), answer.text
    target = answer.headers["HX-Redirect" if htmx else "Location"]
    assert target.startswith(f"{page_of(acme)}#")
    assert (
        f'id="{target.partition("#")[2]}"' in lead.send("GET", page_of(acme)).text or "recoveries" in target
    )
    with app.app_context():
        row = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert (row.organization_id, row.reason, row.actor_kind.value) == (
            acme.organization_id,
            REASON,
            "staff",
        )
    activity = browse("owner@acme.example").send("GET", "/account/activity").text
    assert REASON in activity
    assert "Lead" in activity


@pytest.mark.parametrize("htmx", [False, True], ids=["form", "htmx"])
def test_without_a_reason_the_form_comes_back_with_what_was_typed(
    app: Flask, acme: Things, browse: Browse, action: str, htmx: bool
) -> None:
    lead = browse("lead@portal.example")
    filled = {**data(acme, action), "reason": "why?"}
    answer = lead.send("POST", action_path(acme, action), filled, **(HTMX if htmx else {}))
    assert answer.status_code == 422
    assert "why?</textarea>" in answer.text
    assert "at least 5 characters" in answer.text
    assert 'aria-invalid="true"' in answer.text
    for name, value in filled.items():
        if name != "reason":
            assert f'value="{value}"' in answer.text, name


def test_another_organizations_thing_is_a_missing_one(
    acme: Things, globex: Things, browse: Browse, action: str
) -> None:
    lead = browse("lead@portal.example")
    mixed = action_path(globex, action).replace(globex.organization_id, acme.organization_id)
    for method in ("GET", "POST"):
        assert lead.send(method, mixed, data(globex, action)).status_code == 404


def test_refusals_of_a_rule_stand_on_the_form(app: Flask, acme: Things, browse: Browse) -> None:
    lead = browse("lead@portal.example")
    path = f"{page_of(acme)}/invoices/{acme.stripe_invoice_id}/paid"
    answer = lead.send("POST", path, form("admin.record_payment", acme))
    assert (answer.status_code, "Stripe keeps this invoice" in answer.text) == (422, True)
    wrong = {**form("admin.record_payment", acme), "amount": "12,x", "paid_on": "tomorrow"}
    answer = lead.send("POST", action_path(acme, "invoices/{invoice_id}/paid"), wrong)
    assert answer.status_code == 422
    for shown in (
        "Write a point, not a comma, such as 1200.00.",
        "Write a day such as 2026-03-31.",
        "12,x",
        "tomorrow",
    ):
        assert shown in answer.text
    with app.app_context():
        assert {row.status for row in db.session.scalars(select(Invoice))} == {InvoiceStatus.OPEN}


def test_what_was_done_shows_on_the_page(app: Flask, acme: Things, browse: Browse) -> None:
    lead = browse("lead@portal.example")
    for action in ("invoices/{invoice_id}/paid", "events/{event_id}/replay", "messages/{message_id}/resend"):
        assert lead.send("POST", action_path(acme, action), data(acme, action)).status_code == 303
    with app.app_context():
        assert db.session.get_one(StripeEvent, acme.event_id).status is EventStatus.PENDING
        assert db.session.get_one(OutboxMessage, int(acme.message_id)).status is OutboxStatus.PENDING
    text = lead.send("GET", page_of(acme)).text
    assert "recorded the payment of invoice A-1" in text
    assert f"/invoices/{acme.invoice_id}/paid" not in text


def test_the_lead_who_asked_is_not_offered_to_approve(app: Flask, acme: Things, browse: Browse) -> None:
    with app.app_context():
        make_user(
            "second@portal.example",
            "Second Lead",
            StaffRole.LEAD,
        )
        db.session.execute(update(Recovery).values(closed_at=utcnow(), status=RecoveryStatus.CANCELLED))
        db.session.commit()
    lead, other = browse("lead@portal.example"), browse("second@portal.example")
    asked = lead.send("POST", f"{page_of(acme)}/people/{acme.member_id}/recovery", {"reason": REASON})
    assert asked.status_code == 303
    with app.app_context():
        recovery_id = db.session.scalars(select(Recovery.id).where(Recovery.closed_at.is_(None))).one()
    approve = f"{page_of(acme)}/recoveries/{recovery_id}/approve"
    assert approve not in lead.send("GET", page_of(acme)).text
    refused = lead.send("POST", approve, {"reason": REASON})
    assert (refused.status_code, "Another lead has to approve" in refused.text) == (422, True)
    assert approve in other.send("GET", page_of(acme)).text
    assert REASON in other.send("GET", approve).text
    assert other.send("POST", approve, {"reason": "I called them back"}).status_code == 303
    assert (
        "in 24 hours" in other.send("GET", page_of(acme)).text
        or "in 1 day" in other.send("GET", page_of(acme)).text
    )


def test_people_are_shown_with_when_they_were_last_seen_and_their_second_factor(
    app: Flask, acme: Things, browse: Browse
) -> None:
    browse("owner@acme.example")
    with app.app_context():
        db.session.execute(update(UserSession).values(last_seen_at=utcnow() - timedelta(days=3)))
        db.session.commit()
    text = browse("support@portal.example").send("GET", page_of(acme)).text
    rows = {
        row[0]: row[1]
        for row in re.findall(r"(\w+)@acme\.example</span></span></span></td>(.*?)</tr>", text, re.DOTALL)
    }
    assert "3 days ago" in rows["owner"]
    assert ("Never" in rows["target"], ">On<" in rows["target"]) == (True, True)
    assert ">Off<" in rows["owner"]


def test_what_staff_do_for_others_never_stands_in_the_log_of_their_own_organization(
    app: Flask, world: World, acme: Things, browse: Browse
) -> None:
    lead = browse("lead@portal.example")
    with app.app_context():
        globex = db.session.get_one(Organization, world.globex.organization_id)
        person = db.session.scalars(select(User).where(User.email == "lead@portal.example")).one()
        add_member(globex, person, Role.OWNER)
        db.session.execute(update(UserSession).values(organization_id=globex.id))
        others = replace(acme, message_id=make_dead_letter(None, "person@nowhere.example"))
        db.session.commit()
        last = db.session.scalar(select(func.max(AuditEntry.id))) or 0
    sent = [(rule, method, acme) for rule, method in routes(app, changing=True)]
    sent += [
        (rule, method, others) for rule, method, _ in sent if rule.endpoint == "admin.resend_dead_letter"
    ]
    for rule, method, things in sent:
        if rule.endpoint.startswith("admin."):
            lead.send(method, address(rule, things), form(rule.endpoint, things))
            lead.send("POST", "/admin/view/end")
    lead.send("GET", "/admin/audit-log/export.csv")
    with app.app_context():
        rows = db.session.scalars(select(AuditEntry).where(AuditEntry.id > last)).all()
        assert len({row.action for row in rows}) > 8
        assert {row.actor_kind for row in rows} == {ActorKind.STAFF}
        assert {row.organization_id for row in rows} == {acme.organization_id, None}
