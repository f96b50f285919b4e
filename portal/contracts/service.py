"""Customers by contract: their plan is changed by people who sign, never by a form."""

from portal.contracts.models import Contract
from portal.errors import ConflictError
from portal.extensions import db
from portal.identity.models import Organization


class ContractPlanError(ConflictError):
    """The plan is set by a contract, so nothing in the portal or at Stripe may change it."""

    title = "Set by your contract"

    def __init__(self, manager_name: str) -> None:
        super().__init__(f"Your plan is set by your contract. Write to {manager_name} to change it.")
        self.manager_name = manager_name


def contract_of(organization_id: str) -> Contract | None:
    """The organization's contract; None where it pays by card."""
    return db.session.get(Contract, organization_id)


def refuse_contract(organization: Organization) -> None:
    """For every verb that would change the plan: raises `ContractPlanError` where a contract sets it."""
    contract = contract_of(organization.id)
    if contract is not None:
        raise ContractPlanError(contract.manager_name)
