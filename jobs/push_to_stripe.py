"""Tell Stripe what was changed here. A job of its own: a silent mail server must not hold it up."""

from jobs.deliver_mails import deliver_channel
from jobs.work import Work
from portal.notifications.models import Channel


def push_to_stripe(work: Work) -> int:
    """Work until nothing is due; returns how many changes were tried."""
    return deliver_channel(work, Channel.STRIPE)
