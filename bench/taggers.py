"""What the taggers are worth on tickets they were not trained on, and how fast they are."""

import json
from dataclasses import asdict
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any
from zlib import crc32

from portal.inbox.tagging.rules import load_rules
from portal.inbox.tagging.taggers import TaggerName, load_tagger
from portal.inbox.tagging.types import TicketText
from training.examples import Labelled, corpus, development_set
from training.fit import Prepared, prepare
from training.measure import Figures, Guesses, calibrated, crossed, figures_of

FIFTHS = 5
UNSEEN = Path(__file__).parents[1] / "tests" / "portal" / "inbox" / "tagging" / "unseen.jsonl"
GOALS: dict[TaggerName, dict[str, float]] = {
    "default": {"accuracy": 0.68, "macro_f1": 0.70, "surest": 0.85, "screen": 0.75, "share_error": 0.12},
    "e5": {"accuracy": 0.80, "macro_f1": 0.80, "surest": 0.92, "screen": 0.86, "share_error": 0.08},
}
SPEED_TICKETS: dict[TaggerName, int] = {"default": 1_000, "e5": 100}


def bench_taggers(rounds: int) -> dict[str, Any]:
    """Figures of both taggers, printed; without the development set beside the project only their speed."""
    examples = corpus() + development_set()
    report: dict[str, Any] = {}
    for name, goals in GOALS.items():
        print(f"\ntagger {name}")
        report[name] = {"speed": bench_speed(name, examples, rounds)}
        if len(examples) > len(corpus()):
            report[name] |= bench_accuracy(prepare(examples, load_rules(), with_vectors=name == "e5"), goals)
        report[name] |= {"unseen": bench_unseen(name)}
    return report


def bench_unseen(name: TaggerName) -> dict[str, float]:
    """The tagger as shipped on the tickets that the tests bring along: nothing was trained with them."""
    rows = [json.loads(line) for line in UNSEEN.read_text(encoding="utf-8").splitlines()]
    tags = load_tagger(name).tag([TicketText(row["subject"], row["body"], row["lang"]) for row in rows])
    right = sum(tag.reason == row["reason"] for tag, row in zip(tags, rows, strict=True)) / len(rows)
    print(f"  {'unseen.jsonl, as shipped':34}{len(rows):13}{right:13.3f}")
    return {"tickets": len(rows), "accuracy": right}


def bench_accuracy(prepared: Prepared, goals: dict[str, float]) -> dict[str, Any]:
    """Each fifth, then each source, of the development set by a model that was trained without it."""
    examples = prepared.examples
    fifths = crossed(prepared, [str(crc32(example.text.body.encode()) % FIFTHS) for example in examples])
    sources = crossed(prepared, [example.source for example in examples])
    print(f"  {'not trained on':34}" + "".join(f"{name:>13}" for name in Figures.__annotations__))
    report: dict[str, Any] = {}
    for way, guesses in (("each fifth", calibrated(fifths)), ("each source", calibrated(sources))):
        for origin in ("human", "composed", "all"):
            figures = figures_of(part_of(guesses, origin))
            report[f"{way}, {origin}"] = asdict(figures)
            print(
                f"  {f'{way}, {origin}':34}" + "".join(f"{value:13.3f}" for value in asdict(figures).values())
            )
    print(f"  {'goal':34}" + "".join(f"{goals.get(name, ''):>13}" for name in Figures.__annotations__))
    return report


def part_of(guesses: Guesses, origin: str) -> Guesses:
    """The guesses on people's own tickets, on composed ones, or all."""
    if origin == "all":
        return guesses
    return guesses.part([at for at, example in enumerate(guesses.examples) if example.origin == origin])


def bench_speed(name: TaggerName, examples: list[Labelled], rounds: int) -> dict[str, float]:
    """Processor time of tagging as a multiple of the floor: splitting the texts and hashing each word."""
    texts = [example.text for example in examples][:: max(1, len(examples) // SPEED_TICKETS[name])]
    tagger = load_tagger(name)
    tagger.tag(texts[:8])
    ratios, seconds = [], []
    for _ in range(rounds):
        floor, spent = timed(lambda: hash_words(texts)), timed(lambda: tagger.tag(texts))
        ratios.append(spent / floor)
        seconds.append(spent / len(texts) * 10_000)
    print(
        f"  {median(ratios):.0f} times the floor; 10,000 such tickets: {median(seconds):.0f} s of processor time"
    )
    return {"times_the_floor": median(ratios), "seconds_for_10000": median(seconds)}


def timed(work: Any) -> float:
    """Seconds of processor time, all threads together."""
    start = process_time()
    work()
    return process_time() - start


def hash_words(texts: list[TicketText]) -> int:
    """The floor."""
    return sum(
        crc32(word.encode()) for text in texts for word in f"{text.subject} {text.body}".lower().split()
    )
