"""Events as Stripe sends them, here too."""

from tests.portal.conftest import receive  # noqa: F401 - a fixture
