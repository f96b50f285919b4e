"""The whole timetable: one row a job. The job's module, function and id carry the same name."""

from collections.abc import Callable
from dataclasses import dataclass

from jobs.deliver_mails import deliver_mails
from jobs.push_to_stripe import push_to_stripe
from jobs.retry_stripe_events import retry_stripe_events
from jobs.tidy_up import tidy_up
from jobs.work import Work


@dataclass(frozen=True, slots=True)
class Row:
    """A job and how many seconds lie between two starts. A run that takes longer delays the next."""

    job: Callable[[Work], int]
    every_seconds: int


TIMETABLE = (
    Row(retry_stripe_events, 1),
    Row(deliver_mails, 1),
    Row(push_to_stripe, 1),
    Row(tidy_up, 3600),
)
