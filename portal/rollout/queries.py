"""To whom a screen is open now, and when it was in the past."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Label, SQLColumnExpression, String, case, cast, literal, select
from sqlalchemy.sql.functions import aggregate_strings

from portal.extensions import db
from portal.identity.models import Organization
from portal.rollout.hashing import FULL, is_within
from portal.rollout.models import FlagChange, ScreenFlag, ScreenFlagOrganization


@dataclass(frozen=True, slots=True)
class Opening:
    """A time in which a screen was open to an organization; `until` None: it still is."""

    since: datetime
    until: datetime | None = None


def is_open(organization_id: str, screen: str) -> bool:
    """Whether the screen is open to the organization now."""
    return screen not in closed_screens(organization_id)


def closed_screens(organization_id: str) -> frozenset[str]:
    """The names of the screens that are switched off for the organization now."""
    percents, own = db.session.execute(select(*flag_columns(literal(organization_id)))).one()
    return closed_by(organization_id, percents, own)


def flag_columns(organization_id: SQLColumnExpression[str]) -> tuple[Label[str | None], Label[str | None]]:
    """For selects that know an organization, so that its flags cost no query of their own; `closed_by` reads them."""
    percents = select(
        aggregate_strings(ScreenFlag.screen + ":" + cast(ScreenFlag.percent, String), ",")
    ).where(ScreenFlag.percent < FULL)
    state = case((ScreenFlagOrganization.is_on, "1"), else_="0")
    own = select(aggregate_strings(ScreenFlagOrganization.screen + ":" + state, ",")).where(
        ScreenFlagOrganization.organization_id == organization_id
    )
    return percents.scalar_subquery().label("flag_percents"), own.scalar_subquery().label("flags_own")


def closed_by(organization_id: str | None, percents: str | None, own: str | None) -> frozenset[str]:
    """The screens that are switched off, by what `flag_columns` gave; without an organization none is."""
    if organization_id is None or not (percents or own):
        return frozenset()
    decided = _pairs(own)
    partly = {
        screen
        for screen, percent in _pairs(percents).items()
        if not is_within(percent, screen, organization_id)
    }
    return frozenset({screen for screen, is_on in decided.items() if not is_on} | (partly - decided.keys()))


def _pairs(text: str | None) -> dict[str, int]:
    pairs = (pair.rpartition(":") for pair in (text or "").split(",") if pair)
    return {screen: int(number) for screen, _, number in pairs}


def opening_histories(screen: str) -> dict[str, list[Opening]]:
    """When the screen was open, by organization, oldest first; in two queries.

    To an organization that no change was about it has been open since it was created here.
    """
    changes = _changes(screen)
    rows = db.session.execute(select(Organization.id, Organization.created_at)).all()
    return {row.id: _openings(screen, row.id, row.created_at, changes) for row in rows}


def _changes(screen: str) -> Sequence[FlagChange]:
    statement = select(FlagChange).where(FlagChange.screen == screen).order_by(FlagChange.at, FlagChange.id)
    return db.session.scalars(statement).all()


def _openings(
    screen: str, organization_id: str, created_at: datetime, changes: Iterable[FlagChange]
) -> list[Opening]:
    """The changes played again, for one organization."""
    percent, own, openings = FULL, None, [Opening(created_at)]
    for change in changes:
        if change.percent is not None:
            percent = change.percent
        elif change.organization_id == organization_id:
            own = change.is_on
        else:
            continue
        is_on = is_within(percent, screen, organization_id) if own is None else own
        is_running = bool(openings) and openings[-1].until is None
        at = max(change.at, created_at)
        if is_on and not is_running:
            openings.append(Opening(at))
        elif is_running and not is_on:
            openings[-1] = Opening(openings[-1].since, at)
            if at == openings[-1].since:
                openings.pop()
    return openings
