"""Which custom field of a Zendesk account holds the seconds that agents worked: its id differs per account."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median

from portal.inbox.readers.values import Object, at, iso_time, number, objects, text

LEAST_MEDIAN, MOST_MEDIAN = 20, 6 * 3600
"""Seconds: where the middle of the values lies in a field that holds time worked on tickets."""
FILLED = 0.8
"""The share of tickets with an answer that have a value; an order number or an amount is in fewer."""
FITTING = 0.9
"""The share of values no longer than the ticket was open."""


class SecondsField:
    """The field that was found (or named), and why."""

    def __init__(self, field_id: str = "", why: str = "") -> None:
        self.field_id = field_id
        self.why = why

    def minutes(self, ticket: Object) -> float | None:
        """Minutes worked on the ticket, None where nobody has said."""
        if not self.field_id:
            return None
        value = _values(ticket).get(self.field_id)
        return None if value is None else round(value / 60, 2)

    def is_in(self, tickets: Iterable[Object]) -> bool:
        """Whether one of the tickets has the field, be it empty."""
        return any(self.field_id in map(_id_of, _fields(ticket)) for ticket in tickets)


def find_seconds_field(tickets: Sequence[Object], named: str = "") -> SecondsField:
    """Looks for whole numbers that nearly every answered ticket has and that are no longer than it was open.

    Of several, the one that is never less than the others: time-tracking apps keep the total beside the last update.
    `named`: the id of the field, where somebody has said it.
    """
    if named:
        return SecondsField(named, "named")
    answered = [each for each in tickets if _is_answered(each)]
    columns: dict[str, list[tuple[float, float | None]]] = defaultdict(list)
    for ticket in answered:
        for field_id, value in _values(ticket).items():
            columns[field_id].append((value, _seconds_open(ticket)))
    fitting = {key: rows for key, rows in columns.items() if _looks_like_seconds(rows, len(answered))}
    if not fitting:
        return SecondsField(why="no custom field looks like seconds worked")
    best = max(fitting, key=lambda key: sum(value for value, _ in fitting[key]))
    return SecondsField(
        best,
        f"custom field {best}: whole seconds in {len(fitting[best])} of {len(answered)} answered tickets",
    )


def _values(ticket: Object) -> dict[str, float]:
    found = {}
    for field in _fields(ticket):
        value = number(field.get("value"))
        if value is not None and value == int(value):
            found[_id_of(field)] = value
    return found


def _fields(ticket: Object) -> Iterator[Object]:
    return objects(ticket.get("custom_fields") or ticket.get("fields"))


def _id_of(field: Object) -> str:
    return text(field.get("id"))


def _is_answered(ticket: Object) -> bool:
    replies = number(at(ticket, "metric_set", "replies"))
    return bool(replies) or ticket.get("status") in ("solved", "closed")


def _seconds_open(ticket: Object) -> float | None:
    ends = (at(ticket, "metric_set", "solved_at"), ticket.get("updated_at"))
    created, ended = (
        iso_time(text(ticket.get("created_at"))),
        next((iso_time(text(end)) for end in ends if end), None),
    )
    return _length(created, ended)


def _length(created: datetime | None, ended: datetime | None) -> float | None:
    return (ended - created).total_seconds() if created and ended else None


def _looks_like_seconds(rows: Sequence[tuple[float, float | None]], answered: int) -> bool:
    values = [value for value, _ in rows]
    if len(rows) < FILLED * answered or not LEAST_MEDIAN <= median(values) <= MOST_MEDIAN:
        return False
    if len(values) >= 10 and len(set(values)) < 4:
        return False
    fits = [value <= seconds for value, seconds in rows if seconds is not None]
    return not fits or sum(fits) >= FITTING * len(fits)


def beside(pages: Mapping[str, Mapping[str, Object]], ticket: Object) -> Object:
    """The ticket with the metric set that came beside it in the page."""
    metrics = pages.get("metric_sets", {}).get(text(ticket.get("id")))
    return {**ticket, "metric_set": metrics} if metrics and not ticket.get("metric_set") else ticket
