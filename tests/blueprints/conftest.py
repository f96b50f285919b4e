"""These rules are not about the database: one engine is enough unless a test says otherwise."""

import pytest

from tests.blueprints.help_desk import fresh_counts  # noqa: F401 - fixtures
from tests.blueprints.log_pages import logged  # noqa: F401 - fixtures
from tests.blueprints.signing import factor  # noqa: F401 - fixtures
from tests.blueprints.web import acme, browse, globex, world  # noqa: F401 - fixtures
from tests.support.stripe_customers import (  # noqa: F401 - fixtures
    configuration,
    new_customer,
    plans,
    standin,
)


@pytest.fixture
def engine_name() -> str:
    """Takes the place of the fixture that runs a test on both engines."""
    return "sqlite"
