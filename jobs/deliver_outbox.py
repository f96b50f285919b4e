"""Deliver what is due in the outbox: mails, and changes for Stripe."""

from jobs.work import Work
from portal.notifications.delivery import deliver
from portal.notifications.outbox import claim_messages

BATCH = 1  # a mail may take 8 s for each step; the lease must outlast all of them


def deliver_outbox(work: Work) -> int:
    """Work until nothing is due; returns how many messages were tried."""
    tried = 0
    while work.should_go_on() and (messages := claim_messages(work.worker, BATCH)):
        for message_id in [message.id for message in messages]:
            if not work.should_go_on():
                break
            deliver(message_id, work.worker)
            tried += 1
    return tried
