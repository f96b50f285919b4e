"""`python -m training [default] [e5]`: trains the taggers and writes their weights, then says what they are worth.

Without the development set the weights are trained on the corpus alone.
"""

import argparse
from dataclasses import astuple, fields, replace
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from portal.gateways.sentence_vectors import SIZE
from portal.inbox.tagging.linear import FOLDER, Weights
from portal.inbox.tagging.nearest import MEMORY
from portal.inbox.tagging.rules import load_rules
from portal.inbox.tagging.taggers import TAGGER_NAMES
from training.examples import corpus, development_set
from training.fit import FINEST, Prepared, fit, prepare
from training.measure import Figures, Guesses, calibrated, crossed, figures_of, unclear_below


def main() -> None:
    """Train, write, measure."""
    parser = argparse.ArgumentParser(prog="training")
    parser.add_argument("names", nargs="*", choices=TAGGER_NAMES, default=list(TAGGER_NAMES))
    examples = corpus() + development_set()
    for name in parser.parse_args().names:
        prepared = prepare(examples, load_rules(), with_vectors=name == "e5")
        weights = fit(prepared)
        if any(example.origin != "corpus" for example in examples):
            unseen = calibrated(crossed(prepared, [example.source for example in examples]))
            weights = replace(weights, sharpness=unseen.sharpness, unclear_below=unclear_below(unseen))
            print_figures(f"{name}, every source left out once", unseen)
        save_weights(weights, FOLDER / f"weights_{name}.npz")
        if prepared.vectors is not None:
            save_memory(prepared)


def print_figures(title: str, guesses: Guesses) -> None:
    """One line."""
    named = zip((field.name for field in fields(Figures)), astuple(figures_of(guesses)), strict=True)
    print(title, *(f"{name} {value:.3f}" for name, value in named), sep="  ")


def save_weights(weights: Weights, path: Path) -> None:
    """Write them; the same weights always make the same bytes."""
    content = BytesIO()
    named = {field.name: np.asarray(getattr(weights, field.name)) for field in fields(Weights)}
    named["rarity"] = named["rarity"].astype(np.float16)
    np.savez_compressed(content, **cast("dict[str, Any]", named))
    path.write_bytes(content.getvalue())


def save_memory(prepared: Prepared) -> None:
    """Write the vectors of the corpus' whole texts, in its order."""
    ours = np.array([example.origin == "corpus" for example in prepared.examples])
    vectors = cast("NDArray[np.float32]", prepared.vectors)[ours, :SIZE]
    np.save(MEMORY, np.rint(vectors * FINEST * 4).clip(-FINEST, FINEST).astype(np.int8))


main()
