"""Plans, invoices and people in the words that the support team reads."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.actor import Origin
from portal.billing.models import Subscription
from portal.contracts.models import Contract
from portal.extensions import db
from portal.help_desk.models import HelpDesk
from portal.help_desk.service import MOST_INVOICES, open_ticket
from portal.help_desk.sidebar import Sidebar, sidebar_of
from portal.help_desk.tickets import Ticket
from portal.identity.models import SecondFactor
from portal.kit.clock import utcnow
from portal.permissions import Role
from tests.blueprints.things import make_invoice
from tests.factories import World

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWNER = "owner@acme.example"


def sidebar(email: str = OWNER) -> Sidebar:
    return sidebar_of(open_ticket(Ticket(HelpDesk.ZENDESK, "1", (email,)), Origin()), NOW)


def facts(email: str = OWNER) -> list[tuple[str, str]]:
    return [(fact.label, fact.value) for fact in sidebar(email).organizations[0].facts]


def subscribe(world: World, **more: object) -> None:
    values = {
        "stripe_id": "sub_1",
        "organization_id": world.acme.organization_id,
        "status": "past_due",
        "plan_name": "Pro",
        "seats": 5,
        "amount_minor": 15_900,
        "currency": "usd",
        "interval": "month",
        "interval_count": 1,
        "period_ends_at": datetime(2027, 1, 1, tzinfo=UTC),
        "cancel_at_period_end": False,
        "created_at": NOW,
        "synced_at": NOW,
    }
    db.session.add(Subscription(**{**values, **more}))
    db.session.flush()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, [("Plan", "Pro, past due"), ("Price", "$159.00 a month"), ("Renews", "Jan 1, 2027")]),
        (
            {"status": "active", "interval_count": 3, "cancel_at_period_end": True},
            [("Plan", "Pro, active"), ("Price", "$159.00 every 3 months"), ("Ends", "Jan 1, 2027")],
        ),
        (
            {"amount_minor": None, "period_ends_at": None},
            [("Plan", "Pro, past due"), ("Price", "By usage")],
        ),
        ({"status": "canceled"}, [("Plan", "None")]),
    ],
)
def test_a_subscription_in_words(world: World, more: dict[str, object], words: list[tuple[str, str]]) -> None:
    subscribe(world, **more)
    assert facts() == [("Role", "Owner"), *words]


def test_a_contract_in_words(world: World) -> None:
    db.session.add(
        Contract(
            organization_id=world.globex.organization_id,
            plan_name="Enterprise",
            terms="Net 30, and a discount that is nobody's business here",
            seats=100,
            amount_minor=4_800_000,
            currency="eur",
            starts_on=date(2026, 3, 1),
            renews_on=date(2027, 3, 1),
            manager_name="Ines Duarte",
            manager_email="ines@skylark.example",
        )
    )
    db.session.flush()
    assert facts("member@globex.example") == [
        ("Role", "Member"),
        ("Plan", "Enterprise, by contract"),
        ("Price", "€48,000.00 a year"),
        ("Renews", "Mar 1, 2027"),
        ("Account manager", "Ines Duarte"),
    ]


@pytest.mark.parametrize(
    ("due_at", "words", "is_bad"),
    [
        (NOW - timedelta(days=30), "€119.00, 30 days late", True),
        (datetime(2026, 11, 22, 23, 59, tzinfo=UTC), "€119.00, 1 day late", True),
        (datetime(2026, 11, 23, 11, tzinfo=UTC), "€119.00, due today", True),
        (datetime(2026, 11, 23, 13, tzinfo=UTC), "€119.00, due today", False),
        (datetime(2026, 11, 24, 0, tzinfo=UTC), "€119.00, due in 1 day", False),
        (NOW + timedelta(days=14), "€119.00, due in 14 days", False),
        (None, "€119.00, no due day", False),
    ],
)
def test_days_late_are_counted_in_utc(
    world: World, due_at: datetime | None, words: str, is_bad: bool
) -> None:
    make_invoice(world.acme.organization_id, "A-7", due_at=due_at)
    (line,) = sidebar().organizations[0].invoices
    assert (line.text, line.detail, line.is_bad) == ("A-7", words, is_bad)


def test_only_the_most_urgent_invoices_are_listed_but_all_are_summed(world: World) -> None:
    for number in range(MOST_INVOICES + 5):
        make_invoice(world.acme.organization_id, f"A-{number:02}", due_at=NOW - timedelta(days=number))
    make_invoice(world.acme.organization_id, "U-1", currency="usd", total=500)
    make_invoice(world.globex.organization_id, "G-1")
    lines = [line.text for line in sidebar().organizations[0].invoices]
    assert lines == [f"A-{number:02}" for number in reversed(range(5, MOST_INVOICES + 5))]
    assert ("Open in total", "€1,785.00 and $5.00") in facts()


def test_the_first_address_with_an_account_is_the_requester(world: World) -> None:
    addresses = ("nobody@home.example", "viewer@acme.example", "owner@globex.example")
    context = open_ticket(Ticket(HelpDesk.HELPSCOUT, "1", addresses), Origin())
    assert context.user is not None
    assert context.user.email == "viewer@acme.example"
    assert [part.organization.id for part in context.organizations] == [world.acme.organization_id]


def test_the_second_factor_is_said_to_be_on_or_off(world: World) -> None:
    for is_on in (False, True):
        if is_on:
            db.session.add(SecondFactor(user_id=world.acme.users[Role.OWNER], secret="sealed"))
            db.session.flush()
        named = {fact.label: fact.value for fact in sidebar().requester}
        assert named["Second factor"] == ("On" if is_on else "Off")


def test_a_ticket_opened_again_shows_that_it_was(world: World) -> None:
    assert sidebar().organizations[0].timeline == []
    db.session.commit()
    (line,) = sidebar().organizations[0].timeline
    assert line.text == "Zendesk showed the support team this organization beside ticket 1"
    assert str(utcnow().year) in line.detail
