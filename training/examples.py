"""Labelled tickets: those written for this project, and the development set beside it where there is one."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.inbox.readers import ReadOptions, ReadReport, read_tickets
from portal.inbox.tagging.corpus import corpus_examples
from portal.inbox.tagging.types import TicketText

DEVELOPMENT_SET = Path(__file__).parents[2] / "shared" / "tickets"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A ticket with its reason. `origin` is corpus, human or composed; `also` are reasons as good as its own."""

    text: TicketText
    reason: str
    origin: str
    source: str
    also: frozenset[str] = frozenset()


def corpus() -> list[Labelled]:
    """The tickets that the project ships."""
    return [Labelled(example.text, example.reason, "corpus", "corpus") for example in corpus_examples()]


def development_set(folder: Path = DEVELOPMENT_SET) -> list[Labelled]:
    """The labelled tickets beside the project, read as an audit reads them; none on a clone elsewhere."""
    labels = folder / "gold_dev.csv"
    return list(_labelled(folder, labels)) if labels.exists() else []


def _labelled(folder: Path, labels: Path) -> Iterator[Labelled]:
    with labels.open(encoding="utf-8", newline="") as file:
        rows = {row["ticket_id"]: row for row in csv.DictReader(file)}
    for ticket in read_tickets([folder / "generic.csv"], ReadOptions(), ReadReport(), lambda _: None):
        row = rows[ticket.id]
        text = TicketText(ticket.subject, ticket.body, ticket.language)
        also = frozenset(filter(None, row["also_acceptable"].split("|")))
        yield Labelled(text, row["reason"], row["origin"], row["source"], also)
