"""Verbs about what stands on invoices and where they go."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from portal.audit.models import AuditEntry
from portal.company import service as details
from portal.company.addresses import to_fill
from portal.company.models import BillingDetails, TaxIdStatus
from portal.company.queries import company_details
from portal.company.service import MOST_RECIPIENTS, change_company, change_delivery
from portal.company.tax_ids import add_tax_id
from portal.errors import ForbiddenError, InvalidInputError
from portal.extensions import db
from portal.gateways.stripe_objects import AddressSnapshot
from portal.identity.models import Organization
from portal.notifications.audience import everybody_told, happening
from portal.notifications.events import Event
from portal.notifications.models import Channel, OutboxMessage
from portal.permissions import Role
from tests.factories import Tenant, World

BERLIN = AddressSnapshot("Hauptstr. 1", "", "Berlin", "", "10115", "DE")


def outbox() -> list[tuple[str, str]]:
    rows = db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id))
    return sorted((row.channel.value, row.topic) for row in rows)


def entries() -> list[AuditEntry]:
    return list(db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.position)))


def organization(tenant: Tenant) -> Organization:
    return db.session.get_one(Organization, tenant.organization_id)


def test_a_change_goes_to_the_row_the_log_stripe_and_what_is_told(world: World) -> None:
    change_company(world.acme.actor(Role.BILLING), " Acme GmbH ", BERLIN)
    db.session.commit()
    found = company_details(organization(world.acme))
    assert (found.name, found.address) == ("Acme GmbH", BERLIN)
    assert found.address_lines == ["Hauptstr. 1", "10115 BERLIN", "Germany"]
    (entry,) = entries()
    assert entry.after == {
        "name": "Acme GmbH",
        "line1": "Hauptstr. 1",
        "city": "Berlin",
        "postal_code": "10115",
        "country": "DE",
    }
    assert outbox() == [("event", "billing-details-changed"), ("stripe", "customer-details")]


def test_delivery_tells_the_old_and_the_new_address(world: World) -> None:
    change_delivery(world.acme.actor(), "New@Acme.example", "PO 4711", ["cfo@acme.example"])
    db.session.commit()
    found = company_details(organization(world.acme))
    assert (found.billing_email, found.purchase_order) == ("new@acme.example", "PO 4711")
    assert found.recipients == ("cfo@acme.example",)
    told = [("event", "billing-details-changed"), ("event", "billing-email-changed")]
    assert outbox() == [*told, ("stripe", "customer-details")]


def test_nothing_changed_is_nothing_written(world: World) -> None:
    change_company(world.acme.actor(), "Acme", None)
    change_delivery(world.acme.actor(), "billing@acme.example", "", [])
    db.session.commit()
    assert (outbox(), entries()) == ([], [])


def test_who_has_no_customer_at_stripe_tells_it_nothing(world: World) -> None:
    change_company(world.globex.actor(), "Globex GmbH", BERLIN)
    db.session.commit()
    assert outbox() == [(Channel.EVENT, "billing-details-changed")]


def test_recipients_are_ours_alone(world: World) -> None:
    change_delivery(world.acme.actor(), "billing@acme.example", "", ["b@acme.example", "A@acme.example"])
    change_delivery(world.acme.actor(), "billing@acme.example", "", ["c@acme.example", "a@acme.example"])
    db.session.commit()
    assert company_details(organization(world.acme)).recipients == ("a@acme.example", "c@acme.example")
    assert ("stripe", "customer-details") not in outbox()


def test_recipients_get_what_the_billing_address_gets_each_once(world: World) -> None:
    recipients = ["cfo@acme.example", "billing@acme.example", "owner@acme.example"]
    change_delivery(world.acme.actor(), "billing@acme.example", "", recipients)
    db.session.commit()
    payload: dict[str, Any] = {"about": [], "addresses": [], "actor_id": None}
    told = everybody_told(happening(Event.INVOICE_ISSUED, payload, world.acme.organization_id))
    everybody = [person.email for person in told]
    assert set(recipients) <= set(everybody)
    assert len(set(everybody)) == len(everybody)


def test_a_new_name_leaves_alone_what_stripe_has_of_the_address(world: World) -> None:
    tokyo = AddressSnapshot("1-1 Chiyoda", "", "Chiyoda-ku", "東京都", "1000001", "JP")
    db.session.add(BillingDetails(organization_id=world.acme.organization_id, **asdict(tokyo)))
    change_company(world.acme.actor(), "Acme KK", to_fill(tokyo))
    db.session.commit()
    found = company_details(organization(world.acme))
    assert (found.name, found.address) == ("Acme KK", tokyo)
    assert entries()[0].after == {"name": "Acme KK"}
    change_company(world.acme.actor(), "Acme KK", replace(to_fill(tokyo), line1="2-2 Marunouchi"))
    mended = replace(tokyo, line1="2-2 Marunouchi", state="Tokyo", postal_code="100-0001")
    assert company_details(organization(world.acme)).address == mended


@pytest.mark.parametrize(
    ("email", "order", "recipients", "field"),
    [
        ("nobody", "", [], "billing_email"),
        ("a@b.example", "x" * 141, [], "purchase_order"),
        ("a@b.example", "", ["nobody"], "recipients"),
        ("a@b.example", "", [f"{n}@b.example" for n in range(MOST_RECIPIENTS + 1)], "recipients"),
    ],
)
def test_a_refused_detail_of_delivery_is_named(
    world: World, email: str, order: str, recipients: list[str], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        change_delivery(world.acme.actor(), email, order, recipients)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("name", "address", "field"),
    [
        ("", None, "name"),
        ("x" * 121, None, "name"),
        ("Acme", replace(BERLIN, postal_code="1011"), "postal_code"),
        ("Acme", replace(BERLIN, city=" "), "city"),
        ("Acme", replace(BERLIN, country="ZZ"), "country"),
        ("Acme", AddressSnapshot("1 Main St", "", "Springfield", "Nowhere", "62701", "US"), "state"),
    ],
)
def test_a_refused_detail_of_the_company_is_named(
    world: World, name: str, address: AddressSnapshot | None, field: str
) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        change_company(world.acme.actor(), name, address)
    assert refusal.value.field == field


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_who_may_not_manage_billing_changes_nothing(world: World, role: Role) -> None:
    with pytest.raises(ForbiddenError):
        change_company(world.acme.actor(role), "Mine", None)
    with pytest.raises(ForbiddenError):
        change_delivery(world.acme.actor(role), "mine@acme.example", "", [])


def test_another_country_has_numbers_looked_up_again(world: World) -> None:
    actor = world.acme.actor()
    change_company(actor, "Acme", BERLIN)
    number = add_tax_id(actor, "DE", "eu_vat", "DE136695976")
    number.status, number.next_attempt_at = TaxIdStatus.VALID, None
    change_company(actor, "Acme", replace(BERLIN, line1="Hauptstr. 2"))
    assert number.next_attempt_at is None  # moving within the country changes nothing
    vienna = AddressSnapshot("Ring 1", "", "Wien", "", "1010", "AT")
    change_company(actor, "Acme", vienna)
    db.session.refresh(number)
    assert (number.status.value, number.next_attempt_at is None) == ("pending", False)
    assert company_details(organization(world.acme)).is_from_elsewhere(number)


def test_details_are_checked_before_the_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details, "lock_organization", lambda *_args: pytest.fail("locked"))
    with pytest.raises(InvalidInputError):
        change_company(world.acme.actor(), "", None)
