"""How every flag stands, for staff and operators."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from portal.database import AnyRow
from portal.extensions import db
from portal.identity.models import Organization
from portal.rollout.hashing import FULL, is_within
from portal.rollout.models import FlagChange, ScreenFlag, ScreenFlagOrganization
from portal.scope.screens import SCREENS, Screen

MOST_CHANGES = 30


@dataclass(frozen=True, slots=True)
class FlagState:
    """A screen's flag: its percentage, the organizations decided one by one, and to how many of all it is open."""

    screen: Screen
    percent: int
    exceptions: list[AnyRow]
    open_to: int
    organizations: int

    def as_json(self) -> dict[str, object]:
        """For commands."""
        return {
            "screen": self.screen.name,
            "percent": self.percent,
            "always_open": not self.screen.can_be_closed,
            "open_to": self.open_to,
            "organizations": self.organizations,
            "exceptions": {row.organization_id: row.is_on for row in self.exceptions},
        }


def all_flags() -> list[FlagState]:
    """Every screen in the order of the navigation; exceptions have `organization_id`, `name`, `is_on`."""
    percents = {
        row.screen: row.percent for row in db.session.execute(select(ScreenFlag.screen, ScreenFlag.percent))
    }
    exceptions = defaultdict(list)
    for row in db.session.execute(_EXCEPTIONS):
        exceptions[row.screen].append(row)
    total = db.session.scalars(select(func.count(Organization.id))).one()
    is_partly = any(percent not in (0, FULL) for percent in percents.values())
    ids = db.session.scalars(select(Organization.id)).all() if is_partly else []
    return [
        FlagState(
            screen,
            percent := percents.get(screen.name, FULL),
            found := exceptions[screen.name],
            _count(screen.name, percent, found, total, ids),
            total,
        )
        for screen in SCREENS
    ]


def latest_changes() -> Sequence[AnyRow]:
    """The latest changes, newest first, with `organization_name` (None for a percentage)."""
    columns = (
        FlagChange.screen,
        FlagChange.percent,
        FlagChange.organization_id,
        FlagChange.is_on,
        FlagChange.why,
        FlagChange.actor_name,
        FlagChange.at,
        Organization.name.label("organization_name"),
    )
    statement = (
        select(*columns)
        .outerjoin(Organization, Organization.id == FlagChange.organization_id)
        .order_by(FlagChange.at.desc(), FlagChange.id.desc())
        .limit(MOST_CHANGES)
    )
    return db.session.execute(statement).all()


_EXCEPTIONS = (
    select(
        ScreenFlagOrganization.screen,
        ScreenFlagOrganization.organization_id,
        ScreenFlagOrganization.is_on,
        Organization.name,
    )
    .join(Organization, Organization.id == ScreenFlagOrganization.organization_id)
    .order_by(Organization.name, Organization.id)
)


def _count(screen: str, percent: int, exceptions: Iterable[AnyRow], total: int, ids: Iterable[str]) -> int:
    """To how many it is open: by the percentage, and then what the exceptions add and take away."""
    if percent in (0, FULL):
        by_percent = total if percent else 0
    else:
        by_percent = sum(is_within(percent, screen, key) for key in ids)
    return by_percent + sum(
        int(row.is_on) - is_within(percent, screen, row.organization_id) for row in exceptions
    )
