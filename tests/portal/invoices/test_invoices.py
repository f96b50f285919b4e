"""Stripe's invoices and our own stand in one list; ours have their document."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from portal.errors import InvalidInputError, NotFoundError, PortalError
from portal.extensions import db
from portal.invoices import queries
from portal.invoices.document import document_of, invoice_pdf
from portal.invoices.models import InvoiceSource, InvoiceStatus
from portal.kit.clock import utcnow
from portal.kit.money import Money
from portal.kit.paging import encode_cursor
from tests.blueprints.things import ISSUED, make_invoice
from tests.factories import World


def test_both_sources_are_in_one_list_newest_first(world: World) -> None:
    for days, number, stripe_id in [(0, "A", None), (2, "S", "in_1"), (1, "B", None)]:
        make_invoice(
            world.acme.organization_id, number, stripe_id=stripe_id, issued_at=ISSUED + timedelta(days=days)
        )
    make_invoice(world.globex.organization_id, "theirs")
    rows = queries.invoices_page(world.acme.organization_id).rows
    assert [(row.number, row.source) for row in rows] == [
        ("S", InvoiceSource.STRIPE),
        ("B", InvoiceSource.OFFLINE),
        ("A", InvoiceSource.OFFLINE),
    ]


@pytest.mark.parametrize("count", [queries.PAGE_SIZE, queries.PAGE_SIZE + 1, 2 * queries.PAGE_SIZE + 3])
def test_pages_show_every_invoice_once_even_of_one_moment(world: World, count: int) -> None:
    for number in range(count):
        make_invoice(
            world.acme.organization_id, f"A-{number}", issued_at=ISSUED + timedelta(days=number // 5)
        )
    shown: list[Any] = []
    after = None
    while (page := queries.invoices_page(world.acme.organization_id, after)).rows:
        shown += page.rows
        if (after := page.next_cursor) is None:
            break
    assert len({row.id for row in shown}) == len(shown) == count
    assert [row.issued_at for row in shown] == sorted((row.issued_at for row in shown), reverse=True)


@pytest.mark.parametrize(
    "moment",
    [
        "yesterday",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_cursor_with_no_good_moment_is_refused(world: World, moment: str) -> None:
    make_invoice(world.acme.organization_id, "A")
    with pytest.raises(PortalError) as refusal:
        queries.invoices_page(world.acme.organization_id, encode_cursor([moment, "bill_1"]))
    assert isinstance(refusal.value, InvalidInputError | NotFoundError)


def test_another_tenants_invoice_is_not_found(world: World) -> None:
    invoice = make_invoice(world.globex.organization_id, "A")
    with pytest.raises(NotFoundError):
        queries.get_invoice(world.acme.organization_id, invoice.id)


def test_what_is_due_is_summed_per_currency(world: World) -> None:
    organization_id, now = world.acme.organization_id, utcnow()
    make_invoice(organization_id, "1", currency="eur", total=100, due_at=now - timedelta(days=1))
    make_invoice(organization_id, "2", currency="eur", total=50, due_at=now + timedelta(days=1))
    make_invoice(organization_id, "3", currency="jpy", total=700)
    make_invoice(organization_id, "4", currency="usd", total=900, status=InvoiceStatus.PAID)
    make_invoice(
        organization_id,
        "5",
        currency="usd",
        total=900,
        status=InvoiceStatus.VOID,
        due_at=now - timedelta(days=9),
    )
    assert queries.amounts_due(organization_id) == [Money(150, "eur"), Money(700, "jpy")]
    assert queries.overdue_amounts(organization_id) == [Money(100, "eur")]


@pytest.mark.parametrize(
    ("source", "stripe_id"), [(InvoiceSource.STRIPE, None), (InvoiceSource.OFFLINE, "in_1")]
)
def test_the_database_ties_the_source_to_the_id(
    world: World, source: InvoiceSource, stripe_id: str | None
) -> None:
    invoice = make_invoice(world.acme.organization_id, "A")
    invoice.source, invoice.stripe_id = source, stripe_id
    with pytest.raises(IntegrityError):
        db.session.flush()


def test_a_number_is_given_once_per_source(world: World) -> None:
    make_invoice(world.acme.organization_id, "A")
    make_invoice(world.acme.organization_id, "A", stripe_id="in_1")
    make_invoice(world.globex.organization_id, "A")
    with pytest.raises(IntegrityError):
        make_invoice(world.acme.organization_id, "A")


def test_an_offline_invoice_has_its_document(world: World) -> None:
    invoice = make_invoice(world.acme.organization_id, "A-1", due_at=ISSUED + timedelta(days=30))
    found = queries.get_invoice(world.acme.organization_id, invoice.id)
    document = document_of(found)
    assert (document.number, document.total, document.amount_due) == (
        "A-1",
        Money(11_900, "eur"),
        Money(11_900, "eur"),
    )
    assert document.seller["name"] == "Skylark Ltd"
    written = invoice_pdf(found)
    assert written.startswith(b"%PDF-")
    assert written == invoice_pdf(found)
