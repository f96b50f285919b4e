"""Everything of a contract that its customer sees on the billing screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.contracts.documents import list_documents
from portal.contracts.models import Contract
from portal.contracts.service import contract_of
from portal.database import AnyRow
from portal.invoices.queries import invoices_page, overdue_invoices
from portal.kit.money import Money

LATEST_INVOICES = 5


@dataclass(frozen=True, slots=True)
class ContractFile:
    """A contract with its documents and latest invoices, newest first; in `overdue` the longest due comes first."""

    contract: Contract
    documents: Sequence[AnyRow]
    invoices: Sequence[AnyRow]
    overdue: Sequence[AnyRow]

    @property
    def price(self) -> Money:
        """What is committed for a year, before tax."""
        return Money(self.contract.amount_minor, self.contract.currency)


def contract_file(organization_id: str) -> ContractFile | None:
    """The organization's contract with what belongs to it; None where it pays by card."""
    contract = contract_of(organization_id)
    if contract is None:
        return None
    invoices = invoices_page(organization_id).rows[:LATEST_INVOICES]
    overdue = overdue_invoices(organization_id)
    return ContractFile(contract, list_documents(organization_id), invoices, overdue)
