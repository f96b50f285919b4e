"""Rendering what is told: the templates' environment, and what every text of an event may read."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from portal import links
from portal.config import ROOT
from portal.context import current_settings
from portal.errors import PortalError
from portal.kit.money import Money
from portal.kit.words import exact_time, long_date, number, short_date
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.entry import DIGEST_TOPIC
from portal.notifications.events import Event
from portal.notifications.models import Audience
from portal.notifications.unsubscribing import unsubscribe_token

ABOUT_NOBODY: dict[str, Any] = {
    "name": None,
    "user_id": None,
    "audience": Audience.CUSTOMER.value,
    "organization": None,
    "why": None,
    "person": None,
    "is_about": False,
    "is_actor": False,
}
"""What the fan-out says of a recipient; these values where there was none, as for an invitation."""


class UnwritableError(PortalError):
    """A text and what it is given do not fit: trying again gives the same."""


def context_of(
    topic: str, payload: Mapping[str, Any], organization_id: str | None, written_at: datetime
) -> dict[str, Any]:
    """Everything that the templates of a topic may read. `written_at` holds where nothing says when it happened."""
    settings = current_settings()
    payload = {**ABOUT_NOBODY, **payload}
    is_path = settings.product_url.startswith("/")
    return {
        **payload,
        **_links(topic, payload, organization_id),
        "topic": topic,
        "product_name": settings.product_name,
        "product_url": settings.public_app_url + settings.product_url if is_path else settings.product_url,
        "happened_at": _moment(payload.get("happened_at")) or written_at,
    }


def render(topic: str, part: str, context: Mapping[str, Any]) -> str:
    """One part of a topic's folder. Raises `UnwritableError` where the context lacks something."""
    try:
        return _environment().get_template(f"emails/{topic}/{part}").render(context)
    except (TemplateError, LookupError, TypeError, ValueError) as error:
        raise UnwritableError(f"The text cannot be written: {type(error).__name__}.") from error


def one_line(topic: str, context: Mapping[str, Any]) -> str:
    """The event in one line: a mail's subject, the entry in the inbox, the message in Slack."""
    return " ".join(render(topic, "subject.txt", context).split())


def is_switchable(topic: str) -> bool:
    """Whether mails of this topic may be switched off."""
    return topic == DIGEST_TOPIC or (topic in set(Event) and not CATALOGUE[Event(topic)].is_locked)


def _links(topic: str, payload: Mapping[str, Any], organization_id: str | None) -> dict[str, str | None]:
    entry = CATALOGUE[Event(topic)] if topic in set(Event) else None
    audience = Audience(payload["audience"])
    found: dict[str, str | None] = {
        "settings_url": None,
        "unsubscribe_url": None,
        "locked_reason": entry.locked_reason or None if entry and audience is Audience.CUSTOMER else None,
    }
    if entry:
        found["link"] = entry.link(payload)
    if audience is Audience.STAFF and not (entry and entry.is_staff_only):
        found["link"] = (
            links.staff_organization(organization_id)
            if organization_id
            else links.staff_search(payload["person"] or "")
        )
    if user_id := payload["user_id"]:
        is_staff = audience is Audience.STAFF
        found["settings_url"] = links.staff_notifications() if is_staff else links.notifications()
        if is_staff or is_switchable(topic):
            found["unsubscribe_url"] = links.unsubscribe(unsubscribe_token(user_id, audience, topic))
    return found


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        long_date=lambda value: long_date(_as_moment(value)),
        short_date=lambda value: short_date(_as_moment(value)),
        exact_time=lambda value: exact_time(_as_moment(value)),
        money=lambda minor, currency: Money(minor, currency).format(),
        number=number,
    )
    return environment


def _as_moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
