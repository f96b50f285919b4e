"""Turn events into messages for everybody who is to be told."""

from jobs.work import Work
from portal.notifications.fan_out import expand_event
from portal.notifications.models import Channel
from portal.notifications.outbox import claim_messages


def fan_out_events(work: Work) -> int:
    """Work until nothing is due; returns how many events were tried."""
    tried = 0
    while work.should_go_on() and (messages := claim_messages(work.worker, Channel.EVENT, 1)):
        expand_event(messages[0].id, work.worker)
        tried += 1
    return tried
