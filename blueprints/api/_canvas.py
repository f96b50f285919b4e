"""The sidebar as Intercom's Canvas Kit components.

Canvas Kit reads Markdown in `text` components, so those hold only words of ours; what may come from people goes into
tables and lists, with the signs of links and tags taken apart should Intercom ever read them there.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from portal.help_desk.sidebar import Fact, Line, OrganizationPart, Sidebar

Component = dict[str, Any]
WORD_JOINER = "\N{WORD JOINER}"
LINKING = re.compile(r"(?<=\])(?=[\[(])|(?<=:)(?=//)|(?<=<)(?=[a-zA-Z/!])")
LONGEST_TEXT = 250


def canvas(sidebar: Sidebar) -> Component:
    """The answer to an initialize and to a submit request."""
    return {"canvas": {"content": {"components": list(_components(sidebar))}}}


def _components(sidebar: Sidebar) -> Iterator[Component]:
    yield _text("Requester", "header")
    if sidebar.requester:
        yield _table(sidebar.requester)
    if sidebar.advice:
        yield _text(sidebar.advice, "paragraph")
    if sidebar.search_url:
        yield _link("search", "Search the portal", sidebar.search_url)
    for number, part in enumerate(sidebar.organizations, 1):
        yield from _organization(part, number)
    yield {"type": "divider"}
    yield _text(sidebar.note, "muted")
    yield _button("refresh", "Refresh", {"type": "submit"})


def _organization(part: OrganizationPart, number: int) -> Iterator[Component]:
    yield {"type": "divider"}
    yield _text("Organization", "header")
    yield _table([Fact("Name", part.name), *part.facts])
    yield _link(f"organization-{number}", "Open in the portal", part.url)
    yield _text("Open invoices", "header")
    if part.invoices:
        yield _table([Fact(line.text, line.detail) for line in part.invoices])
    else:
        yield _text("None.", "muted")
    yield _text("What happened last", "header")
    if part.timeline:
        yield _list(part.timeline, number)
    else:
        yield _text("Nothing yet.", "muted")


def _text(words: str, style: str) -> Component:
    return {"type": "text", "text": words, "style": style}


def _table(facts: Sequence[Fact]) -> Component:
    items = [
        {"type": "field-value", "field": _plain(fact.label), "value": _plain(fact.value)} for fact in facts
    ]
    return {"type": "data-table", "items": items}


def _list(lines: Sequence[Line], number: int) -> Component:
    items = [
        {"type": "item", "id": f"entry-{number}-{place}", "title": _plain(line.text), "subtitle": line.detail}
        for place, line in enumerate(lines, 1)
    ]
    return {"type": "list", "items": items}


def _link(name: str, label: str, url: str) -> Component:
    return _button(name, label, {"type": "url", "url": url})


def _button(name: str, label: str, action: Component) -> Component:
    return {"type": "button", "id": name, "label": label, "style": "secondary", "action": action}


def _plain(text: str) -> str:
    return LINKING.sub(WORD_JOINER, " ".join(text.split()))[:LONGEST_TEXT]
