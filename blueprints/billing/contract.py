"""The contract's documents, for its customer."""

from flask import Response

from blueprints._actor import current_actor
from blueprints._downloads import download
from blueprints._guards import requires
from blueprints._limits import COSTLY, limiter
from blueprints.billing import billing
from portal.contracts.documents import get_document
from portal.permissions import Permission


@billing.get("/documents/<document_id>")
@requires(Permission.BILLING_READ)
@limiter.limit(COSTLY)
def contract_document(document_id: str) -> Response:
    """A document of this organization's contract, as a file."""
    found = get_document(current_actor().organization, document_id)
    return download(found.content, found.name, found.media_type)
