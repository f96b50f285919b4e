"""The portal's scope: its screens, and the signed document that says what they do and what stays with support."""

from portal.scope.screens import NO_SCREEN, ROUTES, SCREENS, Screen, is_placed, open_screens, screen_of

__all__ = ["NO_SCREEN", "ROUTES", "SCREENS", "Screen", "is_placed", "open_screens", "screen_of"]
