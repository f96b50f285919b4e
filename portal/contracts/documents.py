"""The documents of a contract: staff add and remove them, the customer downloads them."""

import hashlib
import re
from collections.abc import Sequence

from sqlalchemy import func, select

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.contracts.models import ContractDocument
from portal.contracts.service import contract_of
from portal.database import AnyRow
from portal.errors import ConflictError, InvalidInputError, or_not_found
from portal.extensions import db
from portal.identity.queries import organization_by_id
from portal.kit.text import clean_line
from portal.notifications.events import Event, announce
from portal.permissions import StaffRole

PDF = "application/pdf"
PDF_START = re.compile(rb"%PDF-\d\.\d")
"""What every PDF begins with (ISO 32000-1, 7.5.2). The name and what the browser says of it prove nothing."""
LARGEST_BYTES = 5_000_000
LONGEST_NAME = 120
MOST_DOCUMENTS = 50


class NoContractError(ConflictError):
    """Documents belong to a contract, and this organization has none."""

    def __init__(self) -> None:
        super().__init__("This organization has no contract that a document could belong to.")


def list_documents(organization_id: str) -> Sequence[AnyRow]:
    """The organization's documents without their content, newest first."""
    rows = select(
        ContractDocument.id,
        ContractDocument.name,
        ContractDocument.size,
        ContractDocument.added_by,
        ContractDocument.added_at,
    ).where(ContractDocument.organization_id == organization_id)
    return db.session.execute(rows.order_by(ContractDocument.added_at.desc(), ContractDocument.id)).all()


def get_document(organization_id: str, document_id: str) -> ContractDocument:
    """The organization's document, or `NotFoundError`. Its content is read when it is asked for."""
    statement = select(ContractDocument).where(
        ContractDocument.organization_id == organization_id, ContractDocument.id == document_id
    )
    return or_not_found(db.session.scalar(statement))


def add_document(actor: Actor, file_name: str, content: bytes, reason: str) -> ContractDocument:
    """A lead puts a PDF of at most `LARGEST_BYTES` beside the contract of the actor's organization.

    Raises `ForbiddenError`, `InvalidInputError` naming the field, `NoContractError`, and `ConflictError` for a file
    that is there already and for one document too many.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    name = clean_file_name(file_name)
    _check_content(content)
    organization = organization_by_id(actor.organization, lock=True)
    if contract_of(organization.id) is None:
        raise NoContractError
    digest = hashlib.sha256(content).hexdigest()
    _check_room(organization.id, digest)
    document = ContractDocument(
        organization_id=organization.id,
        name=name,
        media_type=PDF,
        size=len(content),
        sha256=digest,
        content=content,
        added_by=actor.name[:120],
    )
    db.session.add(document)
    db.session.flush()
    facts = {"bytes": document.size, "sha256": digest}
    record(actor, Action.CONTRACT_DOCUMENT_ADDED, _change(document, None, facts), reason=reason)
    announce(Event.CONTRACT_DOCUMENTS_CHANGED, actor, {"document": name, "kind": "added"})
    return document


def remove_document(actor: Actor, document_id: str, reason: str) -> None:
    """A lead takes a document away for good; the log keeps its name and its hash.

    Raises `ForbiddenError`, `InvalidInputError` (reason), `NotFoundError`.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    organization_by_id(actor.organization, lock=True)
    document = get_document(actor.organization, document_id)
    facts = {"bytes": document.size, "sha256": document.sha256}
    record(actor, Action.CONTRACT_DOCUMENT_REMOVED, _change(document, facts, None), reason=reason)
    announce(Event.CONTRACT_DOCUMENTS_CHANGED, actor, {"document": document.name, "kind": "removed"})
    db.session.delete(document)


def clean_file_name(file_name: str) -> str:
    """A file's own name without the folders that some browsers send with it, ending in `.pdf`.

    Raises `InvalidInputError`.
    """
    name = re.split(r"[/\\]", file_name)[-1].strip()
    if name and not name.lower().endswith(".pdf"):
        name += ".pdf"
    return clean_line(name, field="document", maximum=LONGEST_NAME, label="The file's name")


def _check_content(content: bytes) -> None:
    if len(content) > LARGEST_BYTES:
        raise InvalidInputError("The file is larger than 5 MB. Send a smaller one.", field="document")
    if not PDF_START.match(content):
        raise InvalidInputError("This file is not a PDF. Save it as a PDF and send that.", field="document")


def _check_room(organization_id: str, digest: str) -> None:
    mine = ContractDocument.organization_id == organization_id
    twin = select(ContractDocument.name).where(mine, ContractDocument.sha256 == digest)
    if name := db.session.scalar(twin):
        raise ConflictError(f"The same file is there already as “{name}”.")
    if (db.session.scalar(select(func.count()).where(mine)) or 0) >= MOST_DOCUMENTS:
        raise ConflictError(f"A contract can have at most {MOST_DOCUMENTS} documents. Remove one first.")


def _change(
    document: ContractDocument, before: dict[str, object] | None, after: dict[str, object] | None
) -> Change:
    return Change("contract_document", document.id, document.name, before, after)
