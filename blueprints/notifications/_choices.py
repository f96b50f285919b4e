"""The table of events and channels: what a person can choose, and what they chose as the verbs take it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from portal.notifications.catalogue import CATALOGUE
from portal.notifications.entry import Entry, Group
from portal.notifications.events import Event
from portal.notifications.models import UserChannel

Channels = frozenset[UserChannel]


@dataclass(frozen=True, slots=True)
class Row:
    """One event of the table. `locked_reason`, where it is not empty, is why its boxes cannot be changed.

    `summary` is empty where it would be said to the wrong person.
    """

    event: Event
    label: str
    summary: str
    locked_reason: str


def groups_for_customers(events: Iterable[Event]) -> list[tuple[str, list[Row]]]:
    """The rows under their headings."""
    return [
        (group.value, [Row(event, entry.label, entry.summary, entry.locked_reason) for event, entry in found])
        for group, found in _grouped(events)
    ]


def groups_for_staff(events: Iterable[Event]) -> list[tuple[str, list[Row]]]:
    """The same for those who choose what they get on top: nothing is locked, and nothing is about themselves."""
    return [
        (
            "Accounts" if group is Group.ACCOUNT else group.value,
            [Row(event, entry.label, "", "") for event, entry in found],
        )
        for group, found in _grouped(events)
    ]


def _grouped(events: Iterable[Event]) -> Iterator[tuple[Group, Iterator[tuple[Event, Entry]]]]:
    ordered = sorted(
        ((event, CATALOGUE[event]) for event in events), key=lambda found: list(Group).index(found[1].group)
    )
    return groupby(ordered, key=lambda found: found[1].group)


def as_values(chosen: Mapping[Event, Channels]) -> list[str]:
    """The values of the boxes that are ticked."""
    return [value_of(event, channel) for event, channels in chosen.items() for channel in channels]


def as_channels(values: Iterable[str], events: Iterable[Event]) -> dict[Event, Channels]:
    """Which channels are ticked for each of `events`."""
    ticked = set(values)
    return {
        event: frozenset(channel for channel in UserChannel if value_of(event, channel) in ticked)
        for event in events
    }


def value_of(event: Event, channel: UserChannel) -> str:
    """The value of one box."""
    return f"{event.value}:{channel.value}"
