"""The overview of the work as Prometheus reads it. Every scrape asks the database: no figure lives in a process."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from portal.jobs.models import JobState
from portal.jobs.queries import Backlog, Overview

Row = TypeVar("Row")
Figure = float | datetime | None
COUNTERS: dict[str, tuple[str, Callable[[JobState], Figure]]] = {
    "portal_job_runs": ("Runs of a job, over all workers.", lambda state: state.runs),
    "portal_job_failures": ("Runs of a job that failed.", lambda state: state.failures),
    "portal_job_items": ("Pieces of work that a job has done.", lambda state: state.items),
}
JOB_GAUGES: dict[str, tuple[str, Callable[[JobState], Figure]]] = {
    "portal_job_last_duration_seconds": (
        "How long a job's last run took.",
        lambda state: None if state.last_milliseconds is None else state.last_milliseconds / 1000,
    ),
    "portal_job_last_run_timestamp_seconds": (
        "When a job last began.",
        lambda state: state.last_started_at,
    ),
    "portal_job_last_success_timestamp_seconds": (
        "When a job last ended well.",
        lambda state: state.last_succeeded_at,
    ),
    "portal_job_next_run_timestamp_seconds": (
        "When a job begins next.",
        lambda state: state.next_run_at,
    ),
}


class WorkCollector(Collector):
    """One overview as metrics."""

    def __init__(self, work: Overview) -> None:
        self.work = work

    def collect(self) -> Iterator[Metric]:
        """Every metric, labelled by job or by queue. What is not known yet is left out."""
        states = [job.state for job in self.work.jobs]
        for name, (words, figure) in COUNTERS.items():
            counter = CounterMetricFamily(name, words, labels=["job"])
            for state in states:
                counter.add_metric([state.job], _number(figure(state)) or 0)
            yield counter
        for name, (words, figure) in JOB_GAUGES.items():
            yield _gauge(name, words, "job", [(state.job, figure(state)) for state in states])
        yield from _of_backlogs("queue", "queue", self.work.backlogs, self.work.now)
        yield from _of_backlogs("slots", "job", self.work.slots, self.work.now)
        alive = GaugeMetricFamily("portal_workers_alive", "Workers heard of within the last minute.")
        alive.add_metric([], self.work.workers_alive)
        yield alive
        stalled = GaugeMetricFamily(
            "portal_workers_stalled", "Those of them with a job that makes no progress."
        )
        stalled.add_metric([], self.work.workers_stalled)
        yield stalled


def metrics_text(work: Overview) -> bytes:
    """The whole answer to a scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkCollector(work))
    return generate_latest(registry)


def _of_backlogs(kind: str, label: str, backlogs: Sequence[Backlog], now: datetime) -> Iterator[Metric]:
    for figure, words in (
        ("waiting", "Items that wait: due now, in hand, or for their next try."),
        ("due", "Items that are due now."),
        ("dead", "Items that were given up."),
    ):
        rows = [(backlog.queue, float(getattr(backlog, figure))) for backlog in backlogs]
        yield _gauge(f"portal_{kind}_{figure}", words, label, rows)
    ages = [(backlog.queue, backlog.age_seconds(now)) for backlog in backlogs]
    yield _gauge(f"portal_{kind}_oldest_age_seconds", "How long the oldest item waits; 0: none.", label, ages)


def _gauge(name: str, words: str, label: str, rows: Sequence[tuple[str, Figure]]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, words, labels=[label])
    for value, figure in rows:
        number = _number(figure)
        if number is not None:
            gauge.add_metric([value], number)
    return gauge


def _number(figure: Figure) -> float | None:
    return figure.timestamp() if isinstance(figure, datetime) else figure
