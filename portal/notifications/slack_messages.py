"""Writing to the team in Slack, in Block Kit.

What people typed stands in `plain_text` objects alone, where Slack neither mentions nor links; the fallback text, which
Slack does read as markup, is made of our own words.
"""

from typing import Any

from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.models import OutboxMessage
from portal.notifications.texts import context_of, one_line

LONGEST_TEXT = 2_900  # Slack takes 3,000 in a section
LONGEST_FIELD = 1_900  # and 2,000 in a field


def write_slack(message: OutboxMessage) -> dict[str, Any]:
    """The body for the webhook. Raises `UnwritableError`."""
    context = context_of(message.topic, message.payload, message.organization_id, message.created_at)
    facts = [
        ("Organization", context["organization"]),
        ("By", context["actor"]),
        ("Reason", context.get("reason")),
    ]
    fields = [_plain(f"{label}: {value}"[:LONGEST_FIELD]) for label, value in facts if value]
    button = {"type": "button", "text": _plain("Open in the portal"), "url": context["link"]}
    return {
        "text": CATALOGUE[Event(message.topic)].label,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [
            {"type": "section", "text": _plain(one_line(message.topic, context)[:LONGEST_TEXT])},
            {"type": "section", "fields": fields},
            {"type": "actions", "elements": [button]},
        ],
    }


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}
