"""Tell the team in Slack what is due in the outbox."""

from jobs.deliver_mails import deliver_channel
from jobs.work import Work
from portal.notifications.models import Channel


def deliver_slack(work: Work) -> int:
    """Work until nothing is due; returns how many messages were tried."""
    return deliver_channel(work, Channel.SLACK)
