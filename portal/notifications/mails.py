"""Writing mails: one folder a topic under `templates/emails`, text and HTML, from an outbox row."""

import re
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from portal import links
from portal.context import current_settings
from portal.errors import PortalError
from portal.notifications.entry import DIGEST_TOPIC
from portal.notifications.events import Event
from portal.notifications.models import OutboxMessage
from portal.notifications.texts import UnwritableError, context_of, one_line, render
from portal.permissions import ROLE_LABELS, Role
from portal.support.recoveries import recovery_token
from portal.team.invitations import invitation_token, is_still_sent

MANY_NEWLINES = re.compile(r"\n{3,}")
INVITATION_TOPIC = "invitation"
TOPICS = (INVITATION_TOPIC, DIGEST_TOPIC, *(event.value for event in Event))


class NoLongerWantedError(PortalError):
    """What the mail is about has passed: it is not sent."""


def write_mail(message: OutboxMessage) -> EmailMessage:
    """The mail for an outbox row. The same row always has the same Message-ID (RFC 5322), also when sent again.

    What may be switched off says how in its headers (RFC 8058). Raises `NoLongerWantedError`, `UnwritableError`.
    """
    context = context_of(message.topic, message.payload, message.organization_id, message.created_at)
    if extras := EXTRAS.get(message.topic):
        context.update(extras(message.payload))
    context["subject"] = one_line(message.topic, context)
    text = MANY_NEWLINES.sub("\n\n", render(message.topic, "body.txt", context)).strip() + "\n"
    mail = EmailMessage()
    try:
        _set_headers(mail, message, context)
    except ValueError as error:  # the standard library refuses line ends in a header
        raise UnwritableError("The mail has a header that cannot be written.") from error
    mail.set_content(text)
    mail.add_alternative(render(message.topic, "body.html", context), subtype="html")
    return mail


def _set_headers(mail: EmailMessage, message: OutboxMessage, context: dict[str, Any]) -> None:
    settings = current_settings()
    mail["Subject"] = context["subject"]
    mail["From"] = settings.mail_from
    mail["To"] = message.recipient
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.message_key}@{urlsplit(settings.public_app_url).hostname}>"
    mail["Auto-Submitted"] = "auto-generated"
    if url := context["unsubscribe_url"]:
        mail["List-Unsubscribe"] = f"<{url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _invitation_extras(payload: dict[str, Any]) -> dict[str, Any]:
    if not is_still_sent(payload["invitation_id"], payload["sent_count"]):
        raise NoLongerWantedError("The invitation was taken back, sent again, used, or has expired.")
    token = invitation_token(payload["invitation_id"], payload["sent_count"])
    return {"link": links.invitation(token), "role_label": ROLE_LABELS[Role(payload["role"])]}


def _recovery_extras(payload: dict[str, Any]) -> dict[str, Any]:
    return {"cancel_url": links.recovery(recovery_token(payload["recovery_id"]))}


EXTRAS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    INVITATION_TOPIC: _invitation_extras,
    Event.RECOVERY_ASKED.value: _recovery_extras,
    Event.RECOVERY_APPROVED.value: _recovery_extras,
}
"""What a mail alone reads: links whose tokens are derived when it is written and stored nowhere."""
