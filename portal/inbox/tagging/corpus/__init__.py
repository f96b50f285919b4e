"""Tickets written for this project, each with its reason: what the taggers learn from and compare with."""

import json
from functools import cache
from pathlib import Path

from portal.inbox.tagging.types import Example, TicketText

FOLDER = Path(__file__).parent


@cache
def corpus_examples() -> tuple[Example, ...]:
    """All of them, in the order of file names and lines."""
    return tuple(
        Example(TicketText(row["subject"], row["body"], row["lang"]), row["reason"])
        for path in sorted(FOLDER.glob("*.jsonl"))
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    )
