"""Staff find an organization by whatever a customer or Stripe names, and read why it was found."""

import pytest
from sqlalchemy import event

from portal.api_keys.models import ApiKey
from portal.billing.models import Subscription
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.support.search import MOST, find_organizations, shown_search
from tests.blueprints.things import Things
from tests.factories import World, make_organization


def hits(text: str) -> dict[str, list[str]]:
    """Names of the organizations found, each with its reasons."""
    found = find_organizations(text)
    return {row.name: found.reasons[row.id] for row in found.rows}


def subscribe(organization_id: str, stripe_id: str) -> None:
    now = utcnow()
    db.session.add(
        Subscription(
            stripe_id=stripe_id,
            organization_id=organization_id,
            status="active",
            plan_name="Pro",
            currency="usd",
            interval="month",
            interval_count=1,
            cancel_at_period_end=False,
            created_at=now,
            synced_at=now,
        )
    )
    db.session.flush()


def test_each_kind_of_name_finds_its_organization_and_says_why(
    world: World, acme: Things, globex: Things
) -> None:
    subscribe(acme.organization_id, "sub_acme")
    key = db.session.get_one(ApiKey, acme.key_id)
    key.prefix = "ptl_3fBxYz12"
    db.session.flush()
    wanted = {
        "acm": "Name Acme",
        "ACME": "Name Acme",
        "billing@acme.example": "Billing email billing@acme.example",
        "owner@acme.example": "Member owner@acme.example",
        "target person": "Member target@acme.example",
        "guest@acme.example": "Invited guest@acme.example",
        "cus_acme": "Stripe customer cus_acme",
        "sub_acme": "Subscription sub_acme",
        "in_acme.example": "Stripe invoice in_acme.example",
        acme.event_id: f"Stripe event {acme.event_id}",
        "ptl_3fBxYz12": "Key ptl_3fBxYz12…",
        "ptl_3fBx": "Key ptl_3fBxYz12…",
        acme.organization_id: f"Organization id {acme.organization_id}",
        "  cus_acme  ": "Stripe customer cus_acme",
    }
    for text, reason in wanted.items():
        found = hits(text)
        assert reason in found["Acme"], text
        if "target" not in text:
            assert list(found) == ["Acme"], text


def test_an_invoice_number_finds_every_organization_that_has_it(
    world: World, acme: Things, globex: Things
) -> None:
    assert hits("A-1") == {"Acme": ["Invoice A-1"], "Globex": ["Invoice A-1"]}
    assert hits("a-1") == hits("A-1")
    assert hits("A-") == {}


def test_exact_ids_find_nothing_by_a_part(world: World, acme: Things) -> None:
    for text in ("cus_acm", "cus_", "org_", "in_acme", "sub_", "evt_"):
        assert hits(text) == {}, text


def test_an_organization_is_listed_once_with_all_its_reasons(world: World) -> None:
    found = find_organizations("acme.example")
    (row,) = found.rows
    assert found.reasons[row.id][0] == "Billing email billing@acme.example"
    assert len(found.reasons[row.id]) == 6


@pytest.mark.parametrize(
    "text",
    [
        "%",
        "_",
        "\\",
        "'",
        "' OR 1=1 --",
        "%%%%",
        "a" * 100,
        "ﷺ" * 100,
        "\u202e",
        "😀" * 25,
        "{}",
        "{0.x}",
        "ptl_%",
    ],
)
def test_hostile_text_finds_nothing_and_is_no_fault(world: World, acme: Things, text: str) -> None:
    assert hits(text) == {}


def test_names_with_braces_are_shown_as_they_are(world: World) -> None:
    make_organization("{0.__class__} Ltd")
    assert hits("__class__} ltd") == {"{0.__class__} Ltd": ["Name {0.__class__} Ltd"]}


def test_a_whole_key_is_looked_for_by_its_start_and_not_kept(world: World, acme: Things) -> None:
    secret = "ptl_3fBxYz12" + "A" * 30
    db.session.get_one(ApiKey, acme.key_id).prefix = "ptl_3fBxYz12"
    db.session.flush()
    assert shown_search(secret) == "ptl_3fBxYz12"
    assert hits(secret) == {"Acme": ["Key ptl_3fBxYz12…"]}


def test_results_are_bounded_and_say_so(world: World) -> None:
    db.session.add_all(
        Organization(name=f"Many {number:03}", billing_email=f"a{number}@many.example")
        for number in range(200)
    )
    db.session.flush()
    found = find_organizations("many")
    assert (len(found.rows), found.is_cut) == (MOST, True)
    assert [row.name for row in found.rows] == [f"Many {number:03}" for number in range(MOST)]
    assert find_organizations("many 19").is_cut is False


def test_a_search_asks_few_questions(world: World, acme: Things) -> None:
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _u, statement, *_: asked.append(statement))
    for text, most in (("cus_acme", 2), ("acme", 6), ("ac", 4)):
        asked.clear()
        find_organizations(text)
        questions = [statement for statement in asked if statement.startswith("SELECT")]
        assert 0 < len(questions) <= most, text
        assert all("LIMIT" in question or " IN " in question for question in questions)
