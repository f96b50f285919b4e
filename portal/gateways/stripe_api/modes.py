"""Live or test: what the key is by its name, and what Stripe's answers say."""

from portal.gateways.stripe_api.client import Connection, path_of

TELLING = (("customers",), ("billing_portal", "configurations"), ("products",))


class ModeCalls(Connection):
    """Which of its two worlds Stripe shows us."""

    def account_is_live(self) -> bool | None:
        """Whether the objects that the key shows are live ones; None for an account without any."""
        for kind in TELLING:
            first = self._get(path_of(*kind), {"limit": 1})["data"]
            if first:
                return bool(first[0]["livemode"])
        return None
