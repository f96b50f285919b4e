"""Text as rules and features see it."""

import re
import unicodedata

QUOTES = str.maketrans(
    {0x2018: "'", 0x2019: "'", 0x60: "'", 0xB4: "'", 0x201C: '"', 0x201D: '"', 0x201E: '"'}
)
SPACE = re.compile(r"\s+")
WORD = re.compile(r"[^\W_]+(?:'[^\W\d_]+)?")
UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
"""Kana, Han and Hangul: scripts whose words no space divides; each sign counts as a word."""


def normalise(text: str) -> str:
    """Compatibility forms joined (NFKC), lower case, straight quotes, white space as single spaces."""
    return SPACE.sub(" ", unicodedata.normalize("NFKC", text).lower().translate(QUOTES)).strip()


def fold(word: str) -> str:
    """Without accents, which many people leave out."""
    if word.isascii():
        return word
    return "".join(sign for sign in unicodedata.normalize("NFKD", word) if not unicodedata.combining(sign))


def words_of(text: str) -> list[str]:
    """The words of a normalised text without accents. A number is the word `0`: which one says nothing."""
    found: list[str] = []
    for word in WORD.findall(text):
        if word.isdigit():
            found.append("0")
        elif UNSPACED.search(word):
            found.extend(word)
        else:
            found.append(fold(word))
    return found
