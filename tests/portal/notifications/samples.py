"""What each event is announced with, and what the fan-out makes of it for one person."""

from typing import Any

from portal.notifications.events import READ, Event
from tests.portal.notifications.payloads import payloads

SAMPLES: dict[Event, dict[str, Any]] = {
    event: {name: value for name, value in payloads(event, "Ana Ruiz")[0].items() if name in READ[event]}
    for event in Event
}


def told(topic: str, **more: Any) -> dict[str, Any]:
    """The payload of an outbox row for one person."""
    return {**payloads(topic, "Ana Ruiz")[0], **more}
