"""Why somebody wrote: taggers behind one interface."""

from portal.inbox.tagging.taggers import TAGGER_NAMES, TaggerName, load_tagger, usable_taggers
from portal.inbox.tagging.types import Example, Tag, Tagger, TicketText

__all__ = [
    "TAGGER_NAMES",
    "Example",
    "Tag",
    "Tagger",
    "TaggerName",
    "TicketText",
    "load_tagger",
    "usable_taggers",
]
