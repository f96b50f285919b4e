"""Calls about Stripe's Customer Portal: visits and how it is set up."""

from portal.gateways.stripe_api.client import Connection, path_of
from portal.gateways.stripe_objects.kit import Tree
from portal.gateways.stripe_objects.portal import PortalFlow, flow_data

CONFIGURATIONS = ("billing_portal", "configurations")
PRODUCTS = "features.subscription_update.products"


class PortalCalls(Connection):
    """Opening visits; reading and writing configurations, which are plain trees as in Stripe's API."""

    def open_portal(
        self,
        customer_id: str,
        flow: PortalFlow,
        *,
        return_url: str,
        configuration: str | None,
        locale: str | None = None,
        idempotency_key: str,
    ) -> str:
        """The address of a new visit, which leads back to `return_url` when it is done. Never log or store it.

        Without `configuration` Stripe takes the account's default, without `locale` (one of `PORTAL_LOCALES`) the
        browser's language.
        """
        wanted: Tree = {
            "customer": customer_id,
            "return_url": return_url,
            "configuration": configuration,
            "locale": locale,
            "flow_data": flow_data(flow, return_url),
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        session = self._post(path_of("billing_portal", "sessions"), given, key=idempotency_key)
        return str(session["url"])

    def portal_configurations(self) -> list[Tree]:
        """Every configuration of the account, also inactive ones, with the products of plan switches."""
        return list(self._pages(path_of(*CONFIGURATIONS), {"expand": [f"data.{PRODUCTS}"]}))

    def portal_configuration(self, configuration_id: str) -> Tree:
        """One configuration, with the products of plan switches."""
        return self._get(path_of(*CONFIGURATIONS, configuration_id), {"expand": [PRODUCTS]})

    def create_portal_configuration(self, values: Tree, *, idempotency_key: str) -> str:
        """Make a configuration; gives its id."""
        return str(self._post(path_of(*CONFIGURATIONS), values, key=idempotency_key)["id"])

    def update_portal_configuration(
        self, configuration_id: str, values: Tree, *, idempotency_key: str
    ) -> None:
        """Set these values of a configuration and leave the others."""
        self._post(path_of(*CONFIGURATIONS, configuration_id), values, key=idempotency_key)
