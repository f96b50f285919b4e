"""Writing mails: one folder a topic under `templates/emails`, text and HTML, from an outbox row."""

import re
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portal import links
from portal.config import ROOT
from portal.context import current_settings
from portal.errors import PortalError
from portal.kit.words import long_date
from portal.notifications.models import OutboxMessage
from portal.permissions import ROLE_LABELS, Role
from portal.team.invitations import invitation_token, is_still_sent

MANY_NEWLINES = re.compile(r"\n{3,}")
TOPICS = ("invitation", "member-role-changed", "member-removed", "billing-details-changed", "api-key-created")


class NoLongerWantedError(PortalError):
    """What the mail is about has passed: it is not sent."""


def write_mail(message: OutboxMessage) -> EmailMessage:
    """The mail for an outbox row. The same row always has the same Message-ID (RFC 5322), also when sent again.

    Raises `NoLongerWantedError`.
    """
    settings = current_settings()
    context = {
        **message.payload,
        **EXTRAS.get(message.topic, _no_extras)(message.payload),
        "topic": message.topic,
        "product_name": settings.product_name,
        "product_url": settings.public_app_url + settings.product_url
        if settings.product_url.startswith("/")
        else settings.product_url,
        "happened_at": message.created_at,
    }
    mail = EmailMessage()
    mail["Subject"] = _render(message.topic, "subject.txt", context).strip()
    mail["From"] = settings.mail_from
    mail["To"] = message.recipient
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.message_key}@{urlsplit(settings.public_app_url).hostname}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(MANY_NEWLINES.sub("\n\n", _render(message.topic, "body.txt", context)).strip() + "\n")
    mail.add_alternative(_render(message.topic, "body.html", context), subtype="html")
    return mail


def _invitation_extras(payload: dict[str, Any]) -> dict[str, Any]:
    if not is_still_sent(payload["invitation_id"], payload["sent_count"]):
        raise NoLongerWantedError("The invitation was taken back, sent again, used, or has expired.")
    token = invitation_token(payload["invitation_id"], payload["sent_count"])
    return {"link": links.invitation(token), "role_label": ROLE_LABELS[Role(payload["role"])]}


def _no_extras(_payload: dict[str, Any]) -> dict[str, Any]:
    return {}


EXTRAS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "invitation": _invitation_extras,
    "member-role-changed": lambda _: {"link": links.team()},
    "billing-details-changed": lambda _: {"link": links.billing()},
    "api-key-created": lambda _: {"link": links.api_keys()},
}


def _render(topic: str, part: str, context: dict[str, Any]) -> str:
    return _environment().get_template(f"emails/{topic}/{part}").render(context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
    )
    environment.filters["long_date"] = long_date
    return environment
