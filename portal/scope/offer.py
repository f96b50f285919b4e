"""The signed scope as one person meets it."""

from collections.abc import Collection
from dataclasses import dataclass

from portal.permissions import Role, role_allows
from portal.scope.document import Entry, portal_scope
from portal.scope.screens import SCREENS, Screen, open_screens


@dataclass(frozen=True, slots=True)
class Offer:
    """Screens with what is done there, screens that are still closed, and what support does, most asked for first."""

    own: list[tuple[Screen, str]]
    closed: list[tuple[Screen, str]]
    support: list[Entry]


def offer_to(role: Role | None, closed: Collection[str]) -> Offer:
    """What somebody in `role` does themselves and what support does, while the screens `closed` are switched off."""
    scope = portal_scope()
    waiting = [
        screen
        for screen in SCREENS
        if screen.name in closed and role and screen.permission and role_allows(role, screen.permission)
    ]
    return Offer(
        [(screen, what_it_does(screen)) for screen in open_screens(role, closed) if screen.name != "help"],
        [(screen, what_it_does(screen)) for screen in waiting],
        sorted(scope.support, key=lambda entry: -entry.count) if scope else [],
    )


def what_it_does(screen: Screen) -> str:
    """What the scope says of a screen; "" where it says nothing."""
    scope = portal_scope()
    entry = scope.screen(screen.name) if scope else None
    return entry.text if entry else ""
