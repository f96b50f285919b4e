"""Billing verbs that start in our screens."""

import pytest

from portal.audit.models import AuditEntry
from portal.billing import service
from portal.billing.models import StripeConfiguration
from portal.billing.overview import billing_overview
from portal.billing.queries import portal_configuration_id
from portal.billing.service import NoStripeCustomerError, change_details, open_card_page
from portal.billing.sync import sync_customer
from portal.errors import ForbiddenError, InvalidInputError
from portal.extensions import db
from portal.gateways.stripe_api import StripeUnavailableError
from portal.identity.models import Organization
from portal.notifications.models import Channel, OutboxMessage
from portal.permissions import Role
from tests.factories import World
from tests.fakes import CARD, FakeStripe


def outbox() -> list[tuple[str, str]]:
    rows = db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id))
    return sorted((row.channel.value, row.topic) for row in rows)


def test_new_details_go_to_the_row_the_log_stripe_and_what_is_told(world: World) -> None:
    change_details(world.acme.actor(Role.BILLING), " Acme  GmbH", "New@Acme.example")
    db.session.commit()
    organization = db.session.get_one(Organization, world.acme.organization_id)
    entry = db.session.scalars(db.select(AuditEntry)).one()
    assert (organization.name, organization.billing_email) == ("Acme  GmbH", "new@acme.example")
    assert entry.before == {"name": "Acme", "billing_email": "billing@acme.example"}
    assert entry.after == {"name": "Acme  GmbH", "billing_email": "new@acme.example"}
    assert outbox() == [
        ("event", "billing-details-changed"),
        ("event", "billing-email-changed"),
        ("stripe", "customer-details"),
    ]


def test_the_log_names_only_what_differs(world: World) -> None:
    change_details(world.acme.actor(), "Acme GmbH", "billing@acme.example")
    entry = db.session.scalars(db.select(AuditEntry)).one()
    assert (entry.before, entry.after) == ({"name": "Acme"}, {"name": "Acme GmbH"})


def test_nothing_changed_is_nothing_written(world: World) -> None:
    change_details(world.acme.actor(), "Acme", "billing@acme.example")
    assert outbox() == []
    assert db.session.scalars(db.select(AuditEntry)).all() == []


def test_without_a_customer_stripe_is_told_nothing(world: World) -> None:
    change_details(world.globex.actor(), "Globex GmbH", "billing@globex.example")
    assert outbox() == [(Channel.EVENT, "billing-details-changed")]


@pytest.mark.parametrize(
    ("name", "email", "field"),
    [("", "a@b.example", "name"), ("x" * 121, "a@b.example", "name"), ("Acme", "nobody", "billing_email")],
)
def test_a_refused_detail_is_named(world: World, name: str, email: str, field: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        change_details(world.acme.actor(), name, email)
    assert refusal.value.field == field


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_who_may_not_manage_billing_does_not(world: World, role: Role, stripe: FakeStripe) -> None:
    with pytest.raises(ForbiddenError):
        change_details(world.acme.actor(role), "Mine", "mine@acme.example")
    with pytest.raises(ForbiddenError):
        open_card_page(world.acme.actor(role))
    assert stripe.reads == []


def test_the_card_page_leads_back_to_the_public_address(world: World, stripe: FakeStripe) -> None:
    assert open_card_page(world.acme.actor()).startswith("https://billing.stripe.com/")
    assert stripe.opened == ["http://localhost/account/billing"]
    assert db.session.scalars(db.select(AuditEntry.action)).one() == "billing:card-page:opened"


def test_a_contract_has_no_card_page(world: World) -> None:
    with pytest.raises(NoStripeCustomerError):
        open_card_page(world.globex.actor())


def test_a_dead_stripe_leaves_no_trace_of_a_card_page(world: World, stripe: FakeStripe) -> None:
    stripe.is_down = True
    with pytest.raises(StripeUnavailableError):
        open_card_page(world.acme.actor())
    assert db.session.scalars(db.select(AuditEntry)).all() == []


def test_the_address_of_the_card_page_is_kept_nowhere(world: World) -> None:
    url = open_card_page(world.acme.actor())
    assert url not in str([vars(entry) for entry in db.session.scalars(db.select(AuditEntry))])


def test_the_newest_configuration_of_this_mode_is_used(world: World) -> None:
    assert portal_configuration_id() is None
    for stripe_id, livemode in [("bpc_old", False), ("bpc_new", False), ("bpc_live", True)]:
        db.session.add(StripeConfiguration(stripe_id=stripe_id, livemode=livemode))
        db.session.flush()
    assert portal_configuration_id() == "bpc_new"


def test_the_overview_shows_stripes_truth_and_writes_nothing(world: World, stripe: FakeStripe) -> None:
    organization = db.session.get_one(Organization, world.acme.organization_id)
    found = billing_overview(organization)
    assert (found.is_live, found.card) == (True, CARD)
    assert found.price is not None
    assert found.price.minor == 15_900
    assert not db.session.dirty
    assert not db.session.new


def test_without_stripe_the_overview_shows_what_was_known(world: World, stripe: FakeStripe) -> None:
    sync_customer("cus_acme")
    stripe.is_down = True
    found = billing_overview(db.session.get_one(Organization, world.acme.organization_id))
    assert (found.has_stripe, found.is_live, found.card) == (True, False, CARD)
    assert found.subscription is not None
    assert found.subscription.plan_name == "Pro"
    assert found.known_at is not None


def test_details_are_checked_before_the_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "organization_by_id", lambda *_args, **_named: pytest.fail("locked"))
    with pytest.raises(InvalidInputError):
        change_details(world.acme.actor(), "", "")
