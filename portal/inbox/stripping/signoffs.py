# ruff: noqa: RUF001 - the letters of other languages are meant
"""The end of a letter: sign-offs, names, signatures, and what phones add."""

import re

from portal.inbox.stripping.phrases import one_of

SIGNATURE_LINES = 8
"""More lines than these under a sign-off or a signature mark are no signature."""

_MARK = re.compile(r"(?:--|—|–|__+|-{3,}|={4,}|\*{4,})\s?")
_ENDING = " ,.;:!，。、！~-–—*_"
_NAME = re.compile(
    r"(?:dr|prof|mr|mrs|ms|herr|frau|dipl|ing|mag|m|mme)?\.?\s*(?:(?:[^\W\d_][\w'’.-]*)\s*){1,4}",
    re.IGNORECASE,
)
_JOINING = frozenset(
    [
        "van",
        "von",
        "der",
        "den",
        "de",
        "la",
        "le",
        "da",
        "di",
        "do",
        "dos",
        "del",
        "el",
        "al",
        "bin",
        "ibn",
        "ter",
        "ten",
        "zu",
        "und",
        "and",
    ]
)
_CONTACT = re.compile(
    r"(?:\+?\(?\d[\d\s().\-–/]{5,}\d)|@|\bwww\.|https?://|\|"
    r"|\b(?:ltd|inc|llc|gmbh|ag|kg|s\.?a\.?r?\.?l?|b\.?v|oy|ab|as|a/s|s\.?r\.?l)\.?$"
    r"|\b(?:s\.?p\.?a|pty|plc|co|corp|kft|s\.r\.o|sp\. z o\.o)\.?$"
    r"|\b(?:tel|phone|mobile?|mob|fax|telefon|handy|tél|cell?|t|m|p|e|w|email|mail|web)\s?[.:]"
    r"|\b(?:manager|director|engineer|developer|officer|ceo|cto|cfo|coo|head of|founder|accountant|assistant|analyst)\b"
    r"|\b(?:consultant|leiter(?:in)?|geschäftsführ\w+|buchhaltung|vertrieb|directeur|directrice|gérante?)\b"
    r"|\b(?:responsable|direttore|gerente)\b",
    re.IGNORECASE,
)


def _bare(line: str) -> str:
    return line.strip().strip(_ENDING).replace("’", "'").strip()


def is_sign_off(line: str) -> bool:
    """Whether the line ends a letter ("Kind regards,")."""
    bare = _bare(line)
    return len(bare) <= 60 and bool(one_of("regards").fullmatch(bare) or one_of("thanks").fullmatch(bare))


def _is_name(line: str) -> bool:
    text = line.strip().rstrip(",. ")
    if text == "[name]" or (
        0 < len(text) <= 6 and re.fullmatch(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+", text)
    ):
        return True
    words = [word for word in text.split() if word.casefold() not in _JOINING]
    return (
        bool(words)
        and len(text) <= 40
        and bool(_NAME.fullmatch(text))
        and all(word[:1].isupper() for word in words)
    )


def _is_contact(line: str) -> bool:
    text = line.strip()
    return not text or (len(text) <= 90 and "?" not in text and bool(_CONTACT.search(text)))


def _is_signature(lines: list[str], names: frozenset[str]) -> bool:
    """Whether what follows a sign-off is a name, perhaps with a title, a company and how to reach them."""
    said = [line for line in lines if line.strip()]
    if not said or len(said) > SIGNATURE_LINES:
        return False
    if not (_is_name(said[0]) or _bare(said[0]).casefold() in names):
        return False
    return all(_is_contact(line) or _is_name(line) for line in said[1:])


def _sign_off_at(lines: list[str], names: frozenset[str]) -> int | None:
    """Where the last sign-off with its name begins, None where the text ends without."""
    lowest = max(1, len(lines) - 2 * SIGNATURE_LINES)
    for at in range(len(lines) - 1, lowest - 1, -1):
        if is_sign_off(lines[at]):
            rest = lines[at + 1 :]
            if _is_signature(rest, names) or (
                not any(rest)
                and one_of("regards").fullmatch(_bare(lines[at]))
                and len(lines[at]) > len("best")
            ):
                return at
    return None


def _mark_at(lines: list[str]) -> int | None:
    """Where a signature begins with its own mark (RFC 3676, 4.3: `-- `), None where it does not."""
    for at in range(len(lines) - 1, 0, -1):
        if _MARK.fullmatch(lines[at]):
            rest = [line for line in lines[at + 1 :] if line.strip()]
            is_short = len(rest) <= SIGNATURE_LINES and all(
                len(line) <= 120 and "?" not in line for line in rest
            )
            return at if is_short else None
    return None


def _end(lines: list[str]) -> int:
    while lines and not lines[-1].strip():
        lines.pop()
    return len(lines)


def _cut_once(lines: list[str], names: frozenset[str]) -> int:
    """How many lines are left when one thing is taken off the end."""
    last = lines[-1].strip()
    if len(last) <= 140 and one_of("sent_from").fullmatch(_bare(last)):
        return len(lines) - 1
    if (at := _mark_at(lines)) is not None:
        return at
    if (at := _sign_off_at(lines, names)) is not None:
        return at
    if len(lines) > 1 and _bare(last).casefold() in names:
        return len(lines) - 1
    return len(lines)


def strip_signature(text: str, names: frozenset[str] = frozenset()) -> str:
    """`text` without what stands at its end after the request. `names`: the writer's, in lower case.

    Thanks without a name stay: they are the writer's words.
    """
    lines = text.split("\n")
    while _end(lines):
        left = _cut_once(lines, names)
        if left == len(lines):
            break
        del lines[left:]
    return "\n".join(lines)


def name_after_sign_off(text: str, instead: str) -> str:
    """`text` with `instead` in the place of every line that is a name right after a sign-off."""
    lines = text.split("\n")
    for at in range(1, len(lines)):
        before = next((line for line in reversed(lines[:at]) if line.strip()), "")
        if _is_name(lines[at]) and is_sign_off(before):
            lines[at] = instead
    return "\n".join(lines)
