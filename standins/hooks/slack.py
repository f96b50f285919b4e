"""Slack's messages: what Slack would refuse, and a simple drawing.

Limits are those of Slack's reference of Block Kit; formatting that stays inside a line is left as it was typed.
"""

import re
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup, escape

MOST_BLOCKS = 50
MOST_TEXT = {"header": 150, "section": 3000, "field": 2000, "context": 3000, "button": 75}
MOST_FIELDS = 10
MOST_ELEMENTS = {"context": 10, "actions": 25}
TEXT_KINDS = {"plain_text", "mrkdwn"}
PLAIN_ONLY = {"header", "button"}
LINK = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{1}</a>')
MENTION = Markup('<mark title="mentions people">{0}</mark>')
# Slack's marks: <https://...|shown>, <!channel>, <@U123>, <#C123>.
MARK = re.compile(r"<(https?://[^<>|]+|[!@#][^<>|]+)(?:\|([^<>]*))?>")


def refusal(payload: object) -> str | None:
    """Why Slack would refuse this message, in Slack's words; None where it would take it."""
    if not isinstance(payload, dict):
        return "invalid_payload"
    blocks = payload.get("blocks", [])
    if not payload.get("text") and not blocks:
        return "no_text"
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS:
        return "invalid_blocks"
    return None if all(_is_good_block(block) for block in blocks) else "invalid_blocks"


def _is_good_block(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "divider":
        return True
    if kind in MOST_ELEMENTS:
        elements = block.get("elements")
        return (
            isinstance(elements, list)
            and 1 <= len(elements) <= MOST_ELEMENTS[kind]
            and all(_is_good_element(element, kind) for element in elements)
        )
    return kind in {"header", "section"} and _has_good_texts(block, kind)


def _has_good_texts(block: dict[str, Any], kind: str) -> bool:
    fields = block.get("fields", [])
    if not isinstance(fields, list) or len(fields) > MOST_FIELDS or not ("text" in block or fields):
        return False
    return ("text" not in block or _is_good_text(block["text"], kind)) and all(
        _is_good_text(field, "field") for field in fields
    )


def _is_good_element(element: Any, kind: str) -> bool:
    if kind == "context":
        return _is_good_text(element, kind)
    is_button = isinstance(element, dict) and element.get("type") == "button"
    return is_button and _is_good_text(element.get("text"), "button")


def _is_good_text(text: Any, place: str) -> bool:
    if not isinstance(text, dict) or text.get("type") not in TEXT_KINDS - (
        {"mrkdwn"} if place in PLAIN_ONLY else set()
    ):
        return False
    words = text.get("text")
    return isinstance(words, str) and 1 <= len(words) <= MOST_TEXT[place]


def drawn(text: dict[str, Any]) -> Markup:
    """A text object as HTML. In `plain_text` nothing is a link or a mention; in `mrkdwn` both are shown as such."""
    words = str(text.get("text", ""))
    return escape(words) if text.get("type") == "plain_text" else Markup("").join(_marked(words))


def _marked(words: str) -> Iterator[Markup]:
    end = 0
    for found in MARK.finditer(words):
        yield escape(_unescaped(words[end : found.start()]))
        target, shown = found[1], _unescaped(found[2] or found[1])
        is_mention = target[0] in "!@#"
        yield MENTION.format(shown) if is_mention else LINK.format(_unescaped(target), shown)
        end = found.end()
    yield escape(_unescaped(words[end:]))


def _unescaped(text: str) -> str:
    """The three characters that Slack wants escaped."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
