"""In which encoding a text is, where nothing says so: the one in which it reads as a language that is written in it."""

import codecs
import re

from portal.inbox.language import most_likely

LETTERS_READ = 8_000

WESTERN = frozenset(
    [
        "en",
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "nl",
        "sv",
        "da",
        "no",
        "nb",
        "fi",
        "is",
        "ca",
        "gl",
        "eu",
        "id",
        "ms",
        "af",
    ]
)
CYRILLIC = frozenset(["ru", "uk", "bg", "sr", "mk", "be"])
LANGUAGES = {
    "cp1252": WESTERN,
    "cp1250": frozenset(["pl", "cs", "sk", "hu", "hr", "sl", "ro", "bs", "sr", "sq"]),
    "iso8859_2": frozenset(["pl", "cs", "sk", "hu", "hr", "sl", "ro", "bs"]),
    "cp1254": frozenset({"tr", "az"}),
    "cp1251": CYRILLIC,
    "koi8_r": CYRILLIC,
    "cp1253": frozenset({"el"}),
    "cp1257": frozenset({"lt", "lv", "et"}),
    "cp932": frozenset({"ja"}),
    "euc_jp": frozenset({"ja"}),
    "gb18030": frozenset({"zh"}),
    "big5": frozenset({"zh"}),
    "euc_kr": frozenset({"ko"}),
    "mac_roman": WESTERN,
}
"""The encodings that are tried, earlier ones first, with the languages that are written in them."""

WIDE = frozenset(["cp932", "euc_jp", "gb18030", "big5", "euc_kr"])
"""Encodings with letters of several bytes, some of which are ASCII: only whole lines can be decoded."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TELLING = re.compile(
    rb"(?:[A-Za-z]+ ){0,3}[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*(?: [A-Za-z\x80-\xff]+){0,3}"
)
_CONTROLS = re.compile(r"[\x80-\x9f\u2500-\u259f\ufffd\ue000-\uf8ff]")


def find_encoding(head: bytes) -> str:
    """The encoding by its mark, by where zeros stand, as UTF-8 where that fits, else by what the words would be."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    begin = head[:4096]
    even, odd = begin[::2].count(0), begin[1::2].count(0)
    if max(even, odd) > len(begin) // 8 and min(even, odd) < max(even, odd) // 4:
        return "utf-16-be" if even > odd else "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return _by_words(head)
    return "utf-8"


def _by_words(head: bytes) -> str:
    """The likeliest by the words that have letters outside ASCII; Windows-1252 where none reads as a language."""
    begin = head[: 1 << 18]
    words = b"\n".join(match[0] for match in _TELLING.finditer(begin))
    lines = b"\n".join(line for line in begin.split(b"\n") if not line.isascii())
    scores = {encoding: _score(lines if encoding in WIDE else words, encoding) for encoding in LANGUAGES}
    best = max(scores, key=lambda each: scores[each])
    return best if scores[best] > 0 else "cp1252"


def _score(telling: bytes, encoding: str) -> float:
    try:
        text = telling[:LETTERS_READ].decode(encoding)
    except UnicodeDecodeError as error:
        is_cut_off = error.start >= min(len(telling), LETTERS_READ) - 4
        if not is_cut_off:
            return 0.0
        text = telling[: error.start].decode(encoding)
    language, score = most_likely(text)
    if language not in LANGUAGES[encoding] or _CONTROLS.search(text):
        return 0.0
    foreign = [letter for letter in text if not letter.isascii()]
    letters = sum(letter.isalpha() for letter in foreign)
    return round(score, 2) * letters / max(1, len(foreign))
