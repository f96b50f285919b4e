"""What becomes of a message that could not be delivered."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from portal.errors import NotFoundError, PortalError
from portal.extensions import db
from portal.gateways.mailer import MailNotSentError
from portal.gateways.slack import SlackNotSentError
from portal.gateways.stripe_api import SpentKeyError, StripeRefusedError, StripeUnavailableError
from portal.kit.work import lock_claimed
from portal.notifications.mails import NoLongerWantedError
from portal.notifications.models import OutboxMessage, OutboxStatus
from portal.notifications.outbox import mark_failed
from portal.notifications.texts import UnwritableError

PERMANENT = (StripeRefusedError, NotFoundError, NoLongerWantedError, UnwritableError)
log = logging.getLogger("portal.outbox")


def note_failure(message_id: int, worker: str, error: Exception) -> None:
    """Roll back, then plan the next try or give the message up, and say why; commits.

    What fails for a reason of our own is given up at once, so that it holds up nobody's later messages: staff see it,
    and send it again when the fault is mended.
    """
    db.session.rollback()
    message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
    if message is None:
        db.session.rollback()
        return
    reason = error.message if isinstance(error, PortalError) else type(error).__name__
    wait = (
        error.retry_after_seconds if isinstance(error, SlackNotSentError | StripeUnavailableError) else None
    )
    mark_failed(message, reason, permanent=_is_permanent(error), wait_seconds=wait or 0)
    extra = {"topic": message.topic, "message_key": message.message_key, "attempts": message.attempts}
    unforeseen = None if isinstance(error, PortalError) else error
    log.warning(
        "not delivered", extra={**extra, "reason": reason, "status": message.status}, exc_info=unforeseen
    )
    db.session.commit()


def _is_permanent(error: Exception) -> bool:
    if isinstance(error, MailNotSentError | SlackNotSentError):
        return error.is_permanent
    if isinstance(error, SpentKeyError):
        return False
    return isinstance(error, PERMANENT) or not isinstance(error, PortalError | SQLAlchemyError | OSError)
