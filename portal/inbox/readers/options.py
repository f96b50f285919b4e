"""What a reader may be told, and what it tells back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

PROBLEMS_KEPT = 1_000
"""Problems beyond these are counted, not kept."""

FIELDS = (
    "id", "created_at", "first_reply_at", "solved_at", "status", "channel", "requester_name", "requester_email",
    "assignee", "agent_minutes", "subject", "body", "language",
)  # fmt: skip
"""What `ReadOptions.columns` may name."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What cannot be found out by looking.

    `columns` names the column of a field (`{"subject": "Betreff"}`), in Zendesk's export also the id of the custom
    field that holds seconds worked (`{"agent_minutes": "360002"}`). `time_zone` is that of times that name none.
    `support_addresses` are those that answer, in an mbox; where empty, the commonest recipient of its mails that answer
    none. `most_unpacked` bounds the bytes that packed files unpack to, all files together; None for no bound.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    time_zone: tzinfo = UTC
    support_addresses: frozenset[str] = frozenset()
    most_unpacked: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read: in which line (0: the whole file), in which field (`""`: the whole ticket), and why."""

    file: str
    line: int
    field: str
    reason: str


@dataclass(slots=True)
class FileRead:
    """What became of one file. `notes` say what was found out about it: encoding, delimiter, columns, date form."""

    name: str
    source: str = ""
    tickets: int = 0
    repeated: int = 0
    left_out: int = 0
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ReadReport:
    """What was read and what was not. Filled while the tickets are taken, complete after the last one.

    `unpacked` counts the bytes that packed files have unpacked to; `columns_found` has the fields of
    `ReadOptions.columns` whose column at least one file has.
    """

    files: list[FileRead] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    unpacked: int = 0
    columns_found: set[str] = field(default_factory=set)

    @property
    def tickets(self) -> int:
        """How many tickets were given."""
        return sum(each.tickets for each in self.files)

    @property
    def repeated(self) -> int:
        """How many were left away because a ticket with the same id and the same text had been given."""
        return sum(each.repeated for each in self.files)

    def start(self, name: str, source: str = "") -> FileRead:
        """A further file begins."""
        self.files.append(FileRead(name, source))
        return self.files[-1]

    def problem(self, line: int, field_name: str, reason: str) -> None:
        """Something of the present file could not be read."""
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(Problem(self.files[-1].name, line, field_name, reason))
