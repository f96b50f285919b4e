"""Deliver the mails that are due in the outbox."""

from jobs.work import Work
from portal.notifications.delivery import deliver, is_reachable
from portal.notifications.models import Channel
from portal.notifications.outbox import claim_messages


def deliver_mails(work: Work) -> int:
    """Work until nothing is due; returns how many mails were tried."""
    return deliver_channel(work, Channel.MAIL)


def deliver_channel(work: Work, channel: Channel) -> int:
    """One message at a time, each claimed just before it is sent, so that a lease outlasts it."""
    tried = 0
    while work.should_go_on() and is_reachable(channel):
        messages = claim_messages(work.worker, channel, 1)
        if not messages:
            break
        deliver(messages[0].id, work.worker)
        tried += 1
    return tried
