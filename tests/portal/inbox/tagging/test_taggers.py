"""The taggers as an audit uses them."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from portal.inbox.reasons import all_reasons
from portal.inbox.tagging import TAGGER_NAMES, Example, TaggerName, TicketText, load_tagger
from portal.inbox.tagging.corpus import corpus_examples
from portal.inbox.tagging.linear import FOLDER, shipped_weights

UNSEEN = Path(__file__).with_name("unseen.jsonl")
"""Tickets written by somebody who had not seen the corpus; no tagger was trained with them."""
GOALS = {"default": 0.68, "e5": 0.80}
EACH = {"default": 1, "e5": 3}
"""Sentence vectors take long: every third ticket is enough to see that the promise holds."""
MOST_BYTES = 10_000_000
GADGET = TicketText("Frobnitz", "The frobnitz of the second gatehouse wants its quux, please do it today.")


@pytest.fixture(params=TAGGER_NAMES)
def name(request: pytest.FixtureRequest) -> TaggerName:
    chosen: TaggerName = request.param
    return chosen


def some_texts(count: int = 12) -> list[TicketText]:
    return [example.text for example in corpus_examples()[:: len(corpus_examples()) // count]]


def test_a_tag_depends_on_the_tickets_own_text_alone(name: TaggerName) -> None:
    texts = some_texts()
    tagger = load_tagger(name)
    together = tagger.tag(texts)
    assert together == [tagger.tag([text])[0] for text in texts]
    assert together == list(reversed(tagger.tag(list(reversed(texts)))))


def test_tickets_nobody_trained_with_are_tagged_as_well_as_promised(name: TaggerName) -> None:
    lines = UNSEEN.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:: EACH[name]]]
    tags = load_tagger(name).tag([TicketText(row["subject"], row["body"], row["lang"]) for row in rows])
    right = sum(tag.reason == row["reason"] for tag, row in zip(tags, rows, strict=True))
    assert right / len(rows) >= GOALS[name]
    sure = [tag.reason == row["reason"] for tag, row in zip(tags, rows, strict=True) if not tag.is_unclear]
    unsure = [tag.reason == row["reason"] for tag, row in zip(tags, rows, strict=True) if tag.is_unclear]
    assert sum(sure) / len(sure) > sum(unsure) / max(1, len(unsure))


def test_a_correction_teaches_the_ticket_and_those_like_it_and_leaves_the_others(name: TaggerName) -> None:
    texts = some_texts()
    plain, taught = load_tagger(name), load_tagger(name, [Example(GADGET, "usage_limits")])
    alike = TicketText("", "Could the frobnitz get its quux? It is the one of the second gatehouse.")
    assert [tag.reason for tag in taught.tag([GADGET, alike])] == ["usage_limits"] * 2
    assert [tag.reason for tag in taught.tag(texts)] == [tag.reason for tag in plain.tag(texts)]


def test_corrections_that_contradict_the_model_all_hold(name: TaggerName) -> None:
    texts = some_texts(15)
    wrong = list(all_reasons())[::-1]
    examples = [Example(text, wrong[at % len(wrong)]) for at, text in enumerate(texts)]
    tags = load_tagger(name, examples).tag(texts)
    assert [tag.reason for tag in tags] == [example.reason for example in examples]


def test_the_version_names_tagger_and_lessons_in_any_order(name: TaggerName) -> None:
    lessons = [Example(text, "other") for text in some_texts(3)]
    versions = [load_tagger(name, part).version for part in ([], lessons[:1], lessons, lessons[::-1])]
    assert versions[2] == versions[3]
    assert len(set(versions)) == 3
    assert all(version.startswith(name) for version in versions)


def test_an_empty_ticket_is_no_request(name: TaggerName) -> None:
    (tag,) = load_tagger(name).tag([TicketText(" ", "\n")])
    assert (tag.reason, tag.is_unclear) == ("other", False)


def test_why_shows_words_that_the_training_knew_and_no_name_or_number() -> None:
    text = TicketText(
        "Card of Xanthippe Quillfeather", "Please change the card 4929 5500 for xq@quill.example, expired."
    )
    (tag,) = load_tagger().tag([text])
    assert "card" in tag.why
    assert not any(part in tag.why.lower() for part in ("xanthippe", "quill", "4929", "5500"))


def test_why_of_sentence_vectors_shows_labelled_tickets_of_the_same_reason() -> None:
    (tag,) = load_tagger("e5").tag(
        [TicketText("", "Lost my phone, so the sign-in code cannot reach me any more")]
    )
    shown = tag.why.split('like: "')[1].split('"')[0].removesuffix(" …")
    (example,) = [
        example for example in corpus_examples()
        if " ".join(f"{example.text.subject} {example.text.body}".split()).startswith(shown)
    ][:1]  # fmt: skip
    assert example.reason == tag.reason


def test_the_default_taggers_weights_stay_small_and_name_every_reason() -> None:
    assert (FOLDER / "weights_default.npz").stat().st_size < MOST_BYTES
    weights = shipped_weights("default")
    raw = sum(array.nbytes for array in (weights.rows, weights.numbers, weights.rarity))
    assert raw < MOST_BYTES
    assert set(weights.reasons) == set(all_reasons())
    assert all(before < after for before, after in pairwise(weights.numbers.tolist()))


def test_the_corpus_knows_each_reason_and_repeats_nothing() -> None:
    examples = corpus_examples()
    counts = Counter(example.reason for example in examples)
    assert set(counts) == set(all_reasons())
    assert min(counts.values()) >= 50
    bodies = Counter((example.text.subject, example.text.body) for example in examples)
    assert [text for text, times in bodies.items() if times > 1] == []
