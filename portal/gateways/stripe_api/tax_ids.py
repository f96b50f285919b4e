"""Calls about a customer's tax ids."""

from portal.errors import NotFoundError
from portal.gateways.stripe_api.client import Connection, path_of
from portal.gateways.stripe_objects.customers import TaxIdSnapshot, tax_id_snapshot


class TaxIdCalls(Connection):
    """Tax ids are made and deleted, never changed. They are read with their customer."""

    def create_tax_id(
        self,
        customer_id: str,
        type: str,  # noqa: A002 - Stripe's own name
        value: str,
        *,
        idempotency_key: str,
    ) -> TaxIdSnapshot:
        """Give a customer a tax id. Raises `StripeRefusedError` with code `tax_id_invalid` for an impossible one."""
        path = path_of("customers", customer_id, "tax_ids")
        return tax_id_snapshot(self._post(path, {"type": type, "value": value}, key=idempotency_key))

    def delete_tax_id(self, customer_id: str, tax_id: str, *, idempotency_key: str) -> None:
        """Take a tax id from a customer. One that is gone already counts as done."""
        try:
            self._delete(path_of("customers", customer_id, "tax_ids", tax_id), key=idempotency_key)
        except NotFoundError:
            return
