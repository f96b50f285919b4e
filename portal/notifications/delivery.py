"""Delivering one outbox message: nothing is locked while the other side is asked."""

from portal.billing.queries import organization_by_customer
from portal.context import services, stripe
from portal.errors import NotFoundError, PortalError
from portal.extensions import db, release_connection
from portal.gateways.mailer import MailNotSentError
from portal.gateways.stripe_api import StripeRefusedError
from portal.kit.work import lock_claimed
from portal.notifications.mails import write_mail
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import mark_delivered, mark_failed

PERMANENT = (StripeRefusedError, NotFoundError)


def deliver(message_id: int, worker: str) -> bool:
    """Send one claimed message and mark it; commits. Returns whether it was delivered.

    Killed between sending and marking, the message is sent again with the same key: at least once.
    """
    message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
    if message is None:  # the lease was lost: somebody else has it
        db.session.rollback()
        return False
    error = _send(message)
    message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
    if message is not None:
        if error is None:
            mark_delivered(message)
        else:
            mark_failed(message, error.message, permanent=_is_permanent(error))
    db.session.commit()
    return error is None


def _send(message: OutboxMessage) -> PortalError | None:
    try:
        if message.channel == Channel.MAIL:
            _send_mail(message)
        else:
            _update_stripe_customer(message)
    except PortalError as error:
        db.session.rollback()
        return error
    return None


def _send_mail(message: OutboxMessage) -> None:
    mailer = services().mailer
    if mailer is None:
        raise MailNotSentError("SMTP_URL is not set", is_permanent=False)
    mail = write_mail(message)
    release_connection()
    mailer.send(mail)


def _update_stripe_customer(message: OutboxMessage) -> None:
    """Tell Stripe the company's present name and mail, whatever they were when the message was written."""
    organization = organization_by_customer(message.recipient)
    if organization is None:
        raise NotFoundError("No organization has this Stripe customer.")
    name, email, key = organization.name, organization.billing_email, message.message_key
    customer_id = message.recipient
    release_connection()
    stripe().update_customer(customer_id, name=name, email=email, idempotency_key=key)


def _is_permanent(error: PortalError) -> bool:
    return isinstance(error, PERMANENT) or (isinstance(error, MailNotSentError) and error.is_permanent)
