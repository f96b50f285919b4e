# ruff: noqa: RUF001 - the letters of other languages are meant
"""What a person asked for, without what mail programs, help desks and companies put around it."""

import re
import unicodedata
from collections.abc import Iterable

from portal.inbox.stripping.html import html_to_text, looks_like_html
from portal.inbox.stripping.phrases import one_of
from portal.inbox.stripping.quotes import strip_quotes
from portal.inbox.stripping.signoffs import strip_signature

__all__ = ["strip_body", "strip_subject"]

TEXT_READ = 40_000
"""Characters of a message that are looked at; what stands behind them is cut off."""
TEXT_KEPT = 20_000
"""Characters of the stripped text that are kept."""

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_REPLY = re.compile(
    r"\s*(?:(?:re|aw|antw|sv|vs|tr|rv|r|odp|fw|fwd|wg|i|enc|rif|ynt|ilt|vá|tov|vl|doorst|res|ref|回复|转发|返信|転送|ответ)"
    r"\s?(?:\[\d+\])?\s?[:：]|\[(?:external|extern|ext)\]|\[#?\d+\])\s*",
    re.IGNORECASE,
)


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _SPACES.sub(" ", _INVISIBLE.sub("", text))
    return _EMPTY_LINES.sub("\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()


def _without_banner(text: str) -> str:
    """Banners at the beginning: the whole first paragraph, or its first lines."""
    while text:
        paragraph = _PARAGRAPHS.split(text, 1)[0]
        line = text.split("\n", 1)[0]
        banner = next((each for each in (paragraph, line) if _is_banner(each)), None)
        if banner is None:
            return text
        text = text[len(banner) :].strip()
    return text


def _is_banner(piece: str) -> bool:
    joined = " ".join(piece.split())
    return len(joined) <= 600 and one_of("banner").fullmatch(joined.strip("*_ ")) is not None


def _without_footers(text: str) -> str:
    """Paragraphs, but never the first and none that asks something, which a company or a list has added."""
    first, *rest = _PARAGRAPHS.split(text)
    kept = [
        each
        for each in rest
        if "?" in each or not one_of("legal").match(" ".join(each.split()).lstrip("*_- "))
    ]
    return "\n\n".join([first, *kept])


def strip_subject(subject: str) -> str:
    """The subject in one line without "Re:", "Fwd:" and their kin in other languages; `""` for "(no subject)"."""
    text = html_to_text(subject) if looks_like_html(subject) else subject
    text = " ".join(_normal(text).split())
    while reply := _REPLY.match(text):
        text = text[reply.end() :]
    return "" if one_of("no_subject").fullmatch(text.strip("()")) else text


def strip_body(body: str, *, is_html: bool = False, names: Iterable[str] = ()) -> str:
    """What the person wrote: without HTML, banners, quoted messages, footers and signature.

    `names` are the writer's, taken away where one stands alone in the last line. Where nothing would be left, the
    text stays as it came: the request itself is never stripped.
    """
    text = body[:TEXT_READ]
    if is_html or looks_like_html(text):
        text = html_to_text(text)
    whole = _normal(text)
    known = frozenset(name.casefold() for name in names if name)
    left = _without_banner(whole)
    left = _normal(strip_quotes(left))
    left = strip_signature(left, known)
    left = strip_signature(_without_footers(_normal(left)), known)
    return (_normal(left) or whole)[:TEXT_KEPT]
