"""Decide who is told of a screen that does by now what they wrote about, and tell them, once."""

from jobs.work import Work
from portal.nudges.service import send_nudges as send


def send_nudges(work: Work) -> int:
    """One person at a time; returns how many mails were put into the outbox."""
    return send(work.slot(), work.should_go_on).mails
