"""Each of the four by its name."""

from collections.abc import Callable

from flask import Flask

from standins.help_desks.freshdesk import create_freshdesk
from standins.help_desks.helpscout import create_helpscout
from standins.help_desks.intercom import create_intercom
from standins.help_desks.world import World
from standins.help_desks.zendesk import create_zendesk

MAKERS: dict[str, Callable[[World], Flask]] = {
    "zendesk": create_zendesk,
    "intercom": create_intercom,
    "helpscout": create_helpscout,
    "freshdesk": create_freshdesk,
}
