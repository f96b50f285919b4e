"""The gateway pointed at the stand-in; every request that it makes is judged by Stripe's description."""

from collections.abc import Iterator
from typing import Any

import pytest

from portal.config import Settings
from portal.gateways.stripe_api import API_VERSION, StripeGateway
from tests.conftest import make_settings
from tests.support import stripe_spec
from tests.support.stripe_standin import SECRET_KEY, StripeStandin

OLD_SECRET, NEW_SECRET = "whsec_old", "whsec_new"


def stripe_settings(**more: Any) -> Settings:
    """Settings with a key of the stand-in and two webhook secrets."""
    secrets = f"{OLD_SECRET},{NEW_SECRET}"
    values: dict[str, Any] = {"stripe_secret_key": SECRET_KEY, "stripe_webhook_secrets": secrets, **more}
    return make_settings("sqlite:///unused", **values)


@pytest.fixture
def real(standin: StripeStandin) -> Iterator[StripeGateway]:
    """The gateway as it is; afterwards every request that reached the stand-in is judged."""
    standin.faults("ok")
    standin.clear_requests()
    yield StripeGateway(stripe_settings(stripe_api_base=standin.url))
    standin.faults("ok")
    for request in standin.requests():
        assert request["stripe_version"] == API_VERSION, request["path"]
        if request["status"] != 404:
            stripe_spec.validate_request(request["method"], request["path"], request["pairs"])
