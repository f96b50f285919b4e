"""Opening and closing screens: to a percentage of organizations, or to one. Each change says why."""

from sqlalchemy import select

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.errors import ConflictError, InvalidInputError
from portal.extensions import db, insert_into
from portal.identity.queries import organization_by_id
from portal.permissions import StaffRole
from portal.rollout.hashing import FULL
from portal.rollout.models import FlagChange, ScreenFlag, ScreenFlagOrganization
from portal.scope.screens import SCREENS_BY_NAME, Screen


class AlwaysOpenError(ConflictError):
    """The screen belongs to a person, not to an organization: nobody may be locked out of what protects them."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(
            f"{screen.label} is always open: it belongs to each person, not to an organization.",
            field="screen",
        )


def set_percent(actor: Actor, screen: str, percent: int, why: str) -> bool:
    """Open a screen to `percent` of 100 organizations and close it to the others, but for those decided one by one.

    False where it is so already. Raises `ForbiddenError`, `AlwaysOpenError`, and `InvalidInputError` (screen, percent,
    reason).
    """
    actor.require_staff(StaffRole.LEAD)
    why, found = clean_reason(why), closable_screen(screen)
    if not 0 <= percent <= FULL:
        raise InvalidInputError("Give a whole number from 0 to 100.", field="percent")
    flag = _locked_flag(found.name)
    if flag.percent == percent:
        return False
    change = Change("screen", found.name, found.label, {"percent": flag.percent}, {"percent": percent})
    flag.percent = percent
    db.session.add(FlagChange(screen=found.name, percent=percent, why=why, actor_name=actor.name))
    record(actor, Action.SCREEN_PERCENT_CHANGED, change, reason=why)
    return True


def set_for_organization(actor: Actor, screen: str, is_on: bool | None, why: str) -> bool:
    """Open or close a screen to the actor's organization whatever the percentage says; None: that decides again.

    The customer reads it, with the reason, in their activity. False where it is so already. Raises `ForbiddenError`,
    `NotFoundError`, `InvalidInputError` (screen, reason), `AlwaysOpenError`.
    """
    actor.require_staff(StaffRole.LEAD)
    why, found = clean_reason(why), closable_screen(screen)
    organization = organization_by_id(actor.organization)
    _locked_flag(found.name)
    row = db.session.get(ScreenFlagOrganization, (organization.id, found.name), populate_existing=True)
    was_on = row.is_on if row else None
    if was_on == is_on:
        return False
    if row:
        db.session.delete(row)
        db.session.flush()
    if is_on is not None:
        db.session.add(
            ScreenFlagOrganization(organization_id=organization.id, screen=found.name, is_on=is_on)
        )
    db.session.add(
        FlagChange(
            screen=found.name, organization_id=organization.id, is_on=is_on, why=why, actor_name=actor.name
        )
    )
    before, after = {"open": _in_words(was_on)}, {"open": _in_words(is_on)}
    change = Change("screen", found.name, found.label, before, after)
    record(actor, Action.SCREEN_SET_FOR_ORGANIZATION, change, reason=why)
    return True


def closable_screen(name: str) -> Screen:
    """The screen of that name. Raises `InvalidInputError` (screen) and `AlwaysOpenError`."""
    screen = SCREENS_BY_NAME.get(name)
    if screen is None:
        names = ", ".join(screen.name for screen in SCREENS_BY_NAME.values() if screen.can_be_closed)
        raise InvalidInputError(f"There is no screen {name}. Choose one of {names}.", field="screen")
    if not screen.can_be_closed:
        raise AlwaysOpenError(screen)
    return screen


def _locked_flag(screen: str) -> ScreenFlag:
    """The flag's row, made if there is none; held, so that changes of one screen happen one after the other."""
    db.session.execute(insert_into(ScreenFlag).values(screen=screen, percent=FULL).on_conflict_do_nothing())
    statement = select(ScreenFlag).where(ScreenFlag.screen == screen).with_for_update()
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def _in_words(is_on: bool | None) -> str:
    return {True: "yes", False: "no", None: "by percentage"}[is_on]
