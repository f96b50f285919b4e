"""A contract's documents: PDF files of a bounded size, added by leads with a reason, and told of."""

from typing import Any

import pytest
from sqlalchemy import inspect, select

from portal.actor import Actor
from portal.audit.models import AuditEntry
from portal.contracts import documents as contract_documents
from portal.contracts.documents import (
    LARGEST_BYTES,
    NoContractError,
    add_document,
    clean_file_name,
    get_document,
    list_documents,
)
from portal.contracts.file import contract_file
from portal.contracts.models import ContractDocument
from portal.contracts.service import ContractPlanError, refuse_contract
from portal.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.identity.models import Organization
from portal.notifications.models import Channel, OutboxMessage
from portal.permissions import Role
from tests.factories import PDF_BYTES, World, make_contract, make_document
from tests.portal.support.conftest import actor

REASON = "The order form that they have signed"


@pytest.fixture
def lead(world: World) -> Actor:
    """A lead at Globex, which has a contract."""
    make_contract(world.globex.organization_id)
    return actor(world.lead_email, world.globex.organization_id)


def rows(table: type[Any], **values: str) -> list[Any]:
    return list(db.session.scalars(select(table).filter_by(**values)))


def test_an_added_document_is_kept_logged_and_told_of(world: World, lead: Actor) -> None:
    made = add_document(lead, "Order form.pdf", PDF_BYTES, REASON)
    db.session.commit()
    (shown,) = list_documents(world.globex.organization_id)
    assert (shown.name, shown.size, shown.added_by) == ("Order form.pdf", len(PDF_BYTES), lead.name)
    assert get_document(world.globex.organization_id, made.id).content == PDF_BYTES
    (logged,) = rows(AuditEntry, action="contract:document:added")
    assert (logged.organization_id, logged.reason) == (world.globex.organization_id, REASON)
    assert logged.after == {"bytes": made.size, "sha256": made.sha256}
    (told,) = rows(OutboxMessage, channel=Channel.EVENT)
    assert (told.topic, told.payload["document"], told.payload["kind"]) == (
        "contract-documents-changed",
        "Order form.pdf",
        "added",
    )


def test_support_and_customers_add_nothing(world: World, lead: Actor) -> None:
    owner = world.globex.actor(Role.OWNER)
    for who in (owner, actor(world.support_email, world.globex.organization_id)):
        with pytest.raises(ForbiddenError):
            add_document(who, "Order form.pdf", PDF_BYTES, REASON)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF",
        b"%PDF-x.y",
        b"\n%PDF-1.7",
        b"PK\x03\x04",
        b"<html>%PDF-1.7",
        PDF_BYTES.ljust(LARGEST_BYTES + 1),
    ],
    ids=["empty", "cut", "no version", "not first", "archive", "page", "large"],
)
def test_only_a_pdf_of_at_most_5_mb_is_taken(lead: Actor, content: bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        add_document(lead, "Order form.pdf", content, REASON)
    assert refused.value.field == "document"
    assert rows(ContractDocument) == rows(AuditEntry) == []


def test_the_largest_document_is_taken(lead: Actor) -> None:
    assert add_document(lead, "Large.pdf", PDF_BYTES.ljust(LARGEST_BYTES), REASON).size == LARGEST_BYTES


def test_the_same_file_is_kept_once_for_each_organization(world: World, lead: Actor) -> None:
    add_document(lead, "Order form.pdf", PDF_BYTES, REASON)
    with pytest.raises(ConflictError, match="is there already as “Order form"):
        add_document(lead, "Again.pdf", PDF_BYTES, REASON)
    make_contract(world.acme.organization_id)
    add_document(lead.within(world.acme.organization_id), "Order form.pdf", PDF_BYTES, REASON)


def test_an_organization_without_a_contract_has_no_documents(world: World, lead: Actor) -> None:
    with pytest.raises(NoContractError):
        add_document(lead.within(world.acme.organization_id), "Order form.pdf", PDF_BYTES, REASON)
    assert contract_file(world.acme.organization_id) is None


def test_there_is_an_end_to_documents(lead: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_documents, "MOST_DOCUMENTS", 1)
    add_document(lead, "One.pdf", PDF_BYTES, REASON)
    with pytest.raises(ConflictError, match="at most 1"):
        add_document(lead, "Two.pdf", PDF_BYTES + b"2", REASON)


def test_lists_leave_the_content_where_it_is(world: World) -> None:
    document_id = make_document(world.globex.organization_id, "Order form.pdf")
    db.session.expire_all()
    found = get_document(world.globex.organization_id, document_id)
    assert "content" in inspect(found).unloaded
    with pytest.raises(NotFoundError):
        get_document(world.acme.organization_id, document_id)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\lena\\Order form.pdf", "Order form.pdf"),
        ("../../etc/Order form.PDF", "Order form.PDF"),
        ("contract", "contract.pdf"),
        ("setup.exe", "setup.exe.pdf"),
    ],
)
def test_a_files_name_is_its_own_and_a_pdfs(given: str, kept: str) -> None:
    assert clean_file_name(given) == kept


@pytest.mark.parametrize("given", ["", "  ", "folder/", "a\u202efdp.exe", "x" * 117])
def test_a_name_that_cannot_be_shown_is_refused(given: str) -> None:
    with pytest.raises(InvalidInputError):
        clean_file_name(given)


def test_a_contract_refuses_another_plan_and_names_who_can_change_it(world: World, lead: Actor) -> None:
    refuse_contract(db.session.get_one(Organization, world.acme.organization_id))
    with pytest.raises(ContractPlanError, match="Lena Brandt") as refused:
        refuse_contract(db.session.get_one(Organization, world.globex.organization_id))
    assert refused.value.status == 409
