"""Delivering one outbox message: nothing is locked while the other side is asked."""

import logging
from collections.abc import Callable

from portal.billing.queries import organization_by_customer
from portal.billing.sync import advance_version
from portal.context import services, stripe
from portal.errors import NotFoundError, PortalError
from portal.extensions import db, release_connection
from portal.gateways.mailer import MailNotSentError
from portal.gateways.stripe_api import StripeRefusedError
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.kit.work import lock_claimed
from portal.notifications.mails import NoLongerWantedError, write_mail
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import ask_again, mark_delivered, mark_failed

PERMANENT = (StripeRefusedError, NotFoundError, NoLongerWantedError)
log = logging.getLogger("portal.outbox")
Finish = Callable[[OutboxMessage], None]


def is_reachable(channel: Channel) -> bool:
    """Whether there is anything configured to deliver to; if not, messages wait and lose no tries."""
    return (services().mailer if channel is Channel.MAIL else services().stripe) is not None


def deliver(message_id: int, worker: str) -> None:
    """Send one claimed message and mark it; commits. A fault of any kind is a failed try of this message alone.

    Killed between sending and marking, the message is sent again with the same key: at least once.
    """
    message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
    if message is None:  # the lease was lost: somebody else has it
        db.session.rollback()
        return
    try:
        finish = _send_mail(message) if message.channel == Channel.MAIL else _update_stripe_customer(message)
    except Exception as error:  # noqa: BLE001  # a message that cannot even be written must not come back for ever
        db.session.rollback()
        _fail(message_id, worker, error)
        return
    message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
    if message is not None:
        finish(message)
    db.session.commit()


def _send_mail(message: OutboxMessage) -> Finish:
    mailer = services().mailer
    if mailer is None:
        raise MailNotSentError("SMTP_URL is not set", is_permanent=False)
    mail = write_mail(message)
    release_connection()
    mailer.send(mail)
    return mark_delivered


def _update_stripe_customer(message: OutboxMessage) -> Finish:
    """Tell Stripe the company's present name and mail, whatever they were when the message was written.

    Each try has a key of its own: under one key Stripe would refuse other values, or repeat a stored failure.
    """
    customer_id = message.recipient
    organization = organization_by_customer(customer_id)
    if organization is None:
        raise NotFoundError("No organization has this Stripe customer.")
    organization_id, told = organization.id, (organization.name, organization.billing_email)
    key = f"{message.message_key}-{message.attempts}"
    release_connection()
    stripe().update_customer(customer_id, name=told[0], email=told[1], idempotency_key=key)

    def finish(sent: OutboxMessage) -> None:
        """Readings of Stripe from before now are stale; and what changed here meanwhile is told once more."""
        advance_version(customer_id)  # before the organization, as every reading does: no deadlock
        present = organization_by_id(organization_id, lock=True)
        if (present.name, present.billing_email) == told:
            mark_delivered(sent)
        else:
            ask_again(sent, utcnow())

    return finish


def _fail(message_id: int, worker: str, error: Exception) -> None:
    message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
    if message is None:
        db.session.rollback()
        return
    reason = error.message if isinstance(error, PortalError) else type(error).__name__
    mark_failed(message, reason, permanent=_is_permanent(error))
    extra = {"topic": message.topic, "message_key": message.message_key, "attempts": message.attempts}
    unforeseen = None if isinstance(error, PortalError) else error
    log.warning(
        "not delivered", extra={**extra, "reason": reason, "status": message.status}, exc_info=unforeseen
    )
    db.session.commit()


def _is_permanent(error: Exception) -> bool:
    return isinstance(error, PERMANENT) or (isinstance(error, MailNotSentError) and error.is_permanent)
