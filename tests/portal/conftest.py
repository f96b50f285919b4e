"""What tests of several rooms share."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.extensions import db
from portal.stripe_mirror.receiving import store_event
from tests.support.stripe_events import event, signature


@pytest.fixture
def receive() -> Callable[..., None]:
    """Store and commit one event, signed as Stripe does."""

    def store(kind: str, obj: dict[str, Any], event_id: str = "evt_1", **more: Any) -> None:
        body = event(kind, obj, event_id, **more)
        store_event(body, signature(body))
        db.session.commit()

    return store
