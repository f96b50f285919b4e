"""Fixtures of the tests that ask Stripe's stand-in."""

from tests.portal.gateways.stripe_gateway import real
from tests.support.stripe_customers import configuration, new_customer, plans, standin

__all__ = ["configuration", "new_customer", "plans", "real", "standin"]
