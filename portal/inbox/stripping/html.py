"""HTML of mails and of help desks as the plain text that a person reads."""

import re
from html import unescape
from html.parser import HTMLParser

_LOOKS_LIKE_HTML = re.compile(
    r"</?(?:p|div|br|span|html|body|table|td|tr|a|b|i|u|strong|em|ul|ol|li|blockquote|font|h[1-6]|img|pre|hr)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_PARAGRAPHS = frozenset(
    ["p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "hr"]
)
_LINES = frozenset(
    ["div", "tr", "li", "section", "article", "header", "footer", "dd", "dt", "address", "form", "fieldset"]
)
_SILENT = frozenset(["script", "style", "head", "title", "noscript", "template"])
_VOID = frozenset(
    ["br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"]
)
_QUOTE = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite|protonmail_quote|zmail_extra|divRplyFwdMsg|tutanota_quote",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


def looks_like_html(text: str) -> bool:
    """Whether `text` has tags as mails have them."""
    return _LOOKS_LIKE_HTML.search(text) is not None


class _Text(HTMLParser):
    """Collects lines; what stands inside a quote gets `> ` in front, as plain mails have it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.open: list[tuple[str, bool, bool]] = []
        self.line = ""
        self.silent = self.quoted = self.kept = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break_before(tag)
        if tag == "br":
            self.end_line()
        if tag in _VOID:
            return
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id"))
        style = next((value or "" for name, value in attrs if name == "style"), "")
        silent = tag in _SILENT or bool(_HIDDEN.search(style))
        quoted = tag == "blockquote" or bool(_QUOTE.search(marks))
        self.open.append((tag, silent, quoted))
        self._count(silent, quoted, 1)
        self.kept += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if not any(name == tag for name, _, _ in self.open):
            return
        self._break_before(tag)
        while self.open:
            name, silent, quoted = self.open.pop()
            self._count(silent, quoted, -1)
            self.kept -= name == "pre"
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        first, *more = data.split("\n") if self.kept else [" ".join(re.split(r"[ \t\r\n\f]+", data))]
        self.line += first
        for line in more:
            self.end_line()
            self.line = line

    def end_line(self) -> None:
        """Puts the line that is being written with the others."""
        self.lines.append("> " * bool(self.quoted) + self.line.strip(" "))
        self.line = ""

    def _count(self, silent: bool, quoted: bool, by: int) -> None:
        self.silent += by * silent
        self.quoted += by * quoted

    def _break_before(self, tag: str) -> None:
        if tag not in _PARAGRAPHS and tag not in _LINES:
            return
        if self.line.strip():
            self.end_line()
        self.line = ""
        if tag in _PARAGRAPHS and self.lines and self.lines[-1] not in ("", "> "):
            self.end_line()


def html_to_text(html: str) -> str:
    """The text of `html`: paragraphs apart by an empty line, quoted messages with `> ` before each line.

    What is no HTML is given back with its entities resolved. Nothing is loaded, scripts and styles are left out.
    """
    if "<" not in html:
        return unescape(html)
    parser = _Text()
    parser.feed(html)
    parser.close()
    parser.end_line()
    return "\n".join(parser.lines)
