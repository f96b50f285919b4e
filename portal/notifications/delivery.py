"""Delivering one outbox message: nothing is locked while the other side is asked."""

from collections.abc import Callable

from portal.billing.queries import organization_by_customer
from portal.billing.sync import advance_version
from portal.context import services, stripe
from portal.errors import NotFoundError
from portal.extensions import db, release_connection
from portal.gateways.mailer import MailNotSentError
from portal.gateways.slack import SlackNotSentError
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.kit.work import lock_claimed
from portal.notifications.failures import note_failure
from portal.notifications.mails import write_mail
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import ask_again, mark_delivered
from portal.notifications.slack_messages import write_slack

Finish = Callable[[OutboxMessage], None]


def is_reachable(channel: Channel) -> bool:
    """Whether there is anything configured to deliver to; if not, messages wait and lose no tries."""
    sides = {
        Channel.MAIL: services().mailer,
        Channel.SLACK: services().slack,
        Channel.STRIPE: services().stripe,
    }
    return sides[channel] is not None


def deliver(message_id: int, worker: str) -> None:
    """Send one claimed message and mark it; commits. A fault of any kind is a failed try of this message alone.

    Killed between sending and marking, the message is sent again with the same key: at least once.
    """
    message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
    if message is None:  # the lease was lost: somebody else has it
        db.session.rollback()
        return
    try:
        finish = SENDERS[message.channel](message)
    except Exception as error:  # noqa: BLE001  # a message that cannot even be written must not come back for ever
        note_failure(message_id, worker, error)
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


def _send_slack(message: OutboxMessage) -> Finish:
    slack = services().slack
    if slack is None:
        raise SlackNotSentError("SLACK_WEBHOOK_URL is not set", is_permanent=False)
    body, key = write_slack(message), message.message_key
    release_connection()
    slack.send(body, idempotency_key=key)
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


SENDERS: dict[Channel, Callable[[OutboxMessage], Finish]] = {
    Channel.MAIL: _send_mail,
    Channel.SLACK: _send_slack,
    Channel.STRIPE: _update_stripe_customer,
}
