"""Actions as a list to choose from: by their source, in words."""

from functools import lru_cache
from itertools import groupby

from portal.audit.actions import Action
from portal.audit.wording import sentence

GROUP_LABELS = {
    "session": "Sign-in",
    "member": "Team",
    "organization": "Organization",
    "api-key": "API keys",
    "invitation": "Invitations",
    "invoice": "Invoices",
    "audit-log": "Activity log",
    "stripe": "Stripe events",
}
"""Where the source itself is not the word that the pages use."""


@lru_cache
def action_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """(group, [(value, words)]) in the order of the groups' names; the first of a group stands for all of it."""
    sources = groupby(sorted(Action, key=_source), key=_source)
    found = [(group_label(source), source, list(actions)) for source, actions in sources]
    return [
        (label, [(source, f"{label}: everything"), *((action.value, in_words(action)) for action in actions)])
        for label, source, actions in sorted(found)
    ]


def group_label(source: str) -> str:
    """What the pages call a source."""
    return GROUP_LABELS.get(source, source.replace("-", " ").capitalize())


def in_words(action: Action) -> str:
    """`Changed the role of …`."""
    words = sentence(action.value, "…")
    return words[:1].upper() + words[1:]


def _source(action: Action) -> str:
    return action.value.partition(":")[0]
