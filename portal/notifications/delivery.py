"""Delivering one outbox message: nothing is locked while the other side is asked."""

from collections.abc import Callable

from portal.context import services
from portal.extensions import db, release_connection
from portal.gateways.mailer import MailNotSentError
from portal.gateways.slack import SlackNotSentError
from portal.kit.work import lock_claimed
from portal.notifications.failures import note_failure
from portal.notifications.mails import write_mail
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import mark_delivered
from portal.notifications.slack_messages import write_slack
from portal.notifications.stripe_sender import tell_stripe

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
        message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
        if message is not None:
            finish(message)
        db.session.commit()
    except Exception as error:  # noqa: BLE001  # a message that cannot be written, or marked, must not come back for ever
        note_failure(message_id, worker, error)


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


SENDERS: dict[Channel, Callable[[OutboxMessage], Finish]] = {
    Channel.MAIL: _send_mail,
    Channel.SLACK: _send_slack,
    Channel.STRIPE: tell_stripe,
}
