"""The documents of a contract: a lead adds and removes them, everybody of the staff may read them."""

from flask import Response

from blueprints._actor import staff_actor
from blueprints._downloads import download
from blueprints._guards import staff_only
from blueprints._limits import COSTLY, limiter
from blueprints._uploads import takes_file
from blueprints.admin import admin
from blueprints.admin._asking import Question, answer, ask
from blueprints.admin.forms import DocumentForm, ReasonForm
from portal.contracts import documents as contract_documents
from portal.contracts.documents import LARGEST_BYTES, get_document
from portal.identity.queries import organization_by_id
from portal.permissions import StaffRole

DOCUMENTS = "/organizations/<organization_id>/documents"


@admin.get(f"{DOCUMENTS}/new")
@staff_only(StaffRole.LEAD)
def confirm_document(organization_id: str) -> Response:
    """Ask for the file and the reason."""
    return ask(about_adding(organization_id), DocumentForm(formdata=None))


@admin.post(f"{DOCUMENTS}/new")
@staff_only(StaffRole.LEAD)
@limiter.limit(COSTLY)
@takes_file(LARGEST_BYTES)
def add_document(organization_id: str) -> Response:
    """Put a file beside the contract."""
    question, actor, form = about_adding(organization_id), staff_actor(organization_id), DocumentForm()

    def add(reason: str) -> None:
        sent = form.document.data
        contract_documents.add_document(actor, sent.filename, sent.read(), reason)

    return answer(question, form, add, "The document is added.")


def about_adding(organization_id: str) -> Question:
    """What adding a document means. Raises `NotFoundError`."""
    name = organization_by_id(organization_id).name
    consequence = f"Whoever may see billing at {name} can download it. Those who manage billing are told."
    return Question(organization_id, f"Add a document for {name}", consequence, "Add document", "documents")


@admin.get(f"{DOCUMENTS}/<document_id>")
@staff_only(StaffRole.SUPPORT)
@limiter.limit(COSTLY)
def document_file(organization_id: str, document_id: str) -> Response:
    """The file as the customer gets it."""
    found = get_document(organization_id, document_id)
    return download(found.content, found.name, found.media_type)


@admin.get(f"{DOCUMENTS}/<document_id>/remove")
@staff_only(StaffRole.LEAD)
def confirm_document_removal(organization_id: str, document_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_removing(organization_id, document_id), ReasonForm(formdata=None))


@admin.post(f"{DOCUMENTS}/<document_id>/remove")
@staff_only(StaffRole.LEAD)
def remove_document(organization_id: str, document_id: str) -> Response:
    """Take a file away for good."""
    question, actor = about_removing(organization_id, document_id), staff_actor(organization_id)
    return answer(
        question,
        ReasonForm(),
        lambda reason: contract_documents.remove_document(actor, document_id, reason),
        "The document is removed.",
    )


def about_removing(organization_id: str, document_id: str) -> Question:
    """What removing means. Raises `NotFoundError`."""
    name = get_document(organization_id, document_id).name
    consequence = "The file is deleted here, and nobody can download it any more. It cannot be undone."
    return Question(organization_id, f"Remove {name}", consequence, "Remove document", "documents", True)
