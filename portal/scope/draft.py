"""Drafting the scope from an audit. What people changed since the last draft stays as they left it."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from portal.inbox.reasons import OTHER, all_reasons
from portal.scope.audited import Audited
from portal.scope.document import (
    HEAD,
    Entry,
    Scope,
    ScopeError,
    ScopeFiles,
    parse_scope,
    render_scope,
)
from portal.scope.page import refuse_edited_page, render_page
from portal.scope.screens import SCREENS, SCREENS_BY_NAME
from portal.scope.signature import signable

DEFAULTS = Path(__file__).with_name("defaults.toml")


def write_draft(files: ScopeFiles, audited: Audited) -> bool:
    """Write both files from the audit; False where that changes nothing, so that a signature stays good.

    Titles, texts, added and moved entries of the present file are kept and counts are taken anew. Raises `ScopeError`
    where something that people wrote would be lost: comments of their own, or changes of the page.
    """
    refuse_edited_page(files)
    old = files.toml.read_text(encoding="utf-8") if files.toml.exists() else None
    scope = draft(audited, parse_scope(old) if old is not None else None)
    text = render_scope(scope)
    if old is not None:
        if signable(old) == text and files.page.exists():
            return False
        _refuse_lost_comments(signable(old), text)
    files.page.parent.mkdir(parents=True, exist_ok=True)
    files.toml.write_text(text, encoding="utf-8")
    files.page.write_text(render_page(scope), encoding="utf-8")
    return True


def draft(audited: Audited, present: Scope | None) -> Scope:
    """The scope with this audit's counts; a new reason goes to the screen that does it, else to support."""
    screens, support = (
        {entry.key: replace(entry, tickets=dict.fromkeys(entry.tickets, 0)) for entry in entries}
        for entries in ((present.screens, present.support) if present else ((), ()))
    )
    words = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))
    for screen in SCREENS:
        default = Entry(screen.name, screen.label, words["screens"][screen.name]["text"], {})
        screens.setdefault(screen.name, default)
    placed = {reason for entry in (*screens.values(), *support.values()) for reason in entry.tickets}
    for key, reason in all_reasons().items():
        if key == OTHER or key in placed:
            continue
        if reason.opens in SCREENS_BY_NAME:
            screens[reason.opens] = _with(screens[reason.opens], key)
        else:
            row = words["support"].get(key, {"title": reason.title, "text": "Write to support."})
            support[key] = _with(support.get(key, Entry(key, row["title"], row["text"], {})), key)
    return Scope(audited.facts, _counted(screens.values(), audited), _counted(support.values(), audited))


def _with(entry: Entry, reason: str) -> Entry:
    return replace(entry, tickets={**entry.tickets, reason: 0})


def _counted(entries: Iterable[Entry], audited: Audited) -> tuple[Entry, ...]:
    counts: Mapping[str, int] = audited.tickets
    return tuple(
        replace(entry, tickets={reason: counts.get(reason, 0) for reason in entry.tickets})
        for entry in entries
    )


def _refuse_lost_comments(old: str, new: str) -> None:
    """Values are read and written again; a comment that somebody put there would be gone."""
    kept = {*HEAD.splitlines(), *new.splitlines()}
    for number, line in enumerate(old.splitlines(), 1):
        if "#" in line and line not in kept and not _is_value(line):
            raise ScopeError(
                f"scope.toml, line {number}: a new draft would lose this comment. Put it into a text, or take it out."
            )


def _is_value(line: str) -> bool:
    """Whether a line means the same without what could be a comment, because its # stands in a string."""
    try:
        with_it, without = tomllib.loads(line), tomllib.loads(line.rpartition("#")[0])
    except tomllib.TOMLDecodeError:
        return True
    return with_it != without
