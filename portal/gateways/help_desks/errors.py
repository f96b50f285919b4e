"""Why nothing could be read from a help desk."""

from portal.errors import UnavailableError


class HelpDeskUnavailableError(UnavailableError):
    """The help desk gave no answer that can be read. What was read before it is incomplete."""


class HelpDeskRefusedError(UnavailableError):
    """The help desk does not take the token, or the token may not read tickets. Trying again does not help."""
