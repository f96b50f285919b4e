"""Who wrote about something that a screen does by now, and whether they can do it there today."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, select

from portal.contracts.service import contract_of
from portal.deflection.models import ScreenVisit
from portal.extensions import db
from portal.identity.models import Membership, User
from portal.identity.queries import organization_by_id
from portal.inbox.models import InboxTicket
from portal.inbox.reasons import all_reasons
from portal.notifications.events import Event
from portal.notifications.models import Audience, UserChannel
from portal.notifications.preferences import preferences_of
from portal.nudges.models import Nudge, NudgeGroup
from portal.permissions import Permission, Role, role_allows
from portal.rollout.queries import closed_by, flag_columns
from portal.scope.screens import SCREENS_BY_NAME
from portal.stripe_portal.queries import Feature, allowed_features

WRITTEN_WITHIN = timedelta(days=180)
QUIET_AFTER_DISMISSAL = timedelta(days=14)
DONE_IN_PART = frozenset({"login_password", "profile_email_name"})
"""Nobody is told of these: who cannot sign in reaches no screen, and an address is changed by support."""
NEEDED = {
    "payment_method": Permission.BILLING_MANAGE,
    "billing_details": Permission.BILLING_MANAGE,
    "plan_change": Permission.BILLING_MANAGE,
    "plan_cancel": Permission.BILLING_MANAGE,
    "team_invite": Permission.MEMBERS_MANAGE,
    "team_remove_role": Permission.MEMBERS_MANAGE,
    "ownership_transfer": Permission.OWNERS_MANAGE,
    "api_keys": Permission.API_KEYS_MANAGE,
}
"""What a role must allow beside opening the screen."""
AT_STRIPE = {
    "payment_method": Feature.CARD,
    "plan_change": Feature.SWITCH,
    "plan_cancel": Feature.CANCEL,
}
"""What is done on Stripe's pages: not by contract, and only where they offer it to the organization's class."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wrote last of what one screen does. `organization_id` is the ticket's, if it is known."""

    user_id: str
    screen: str
    reason: str
    ticket_id: str
    wrote_at: datetime
    organization_id: str | None


def undecided_wishes(now: datetime) -> dict[str, list[Wish]]:
    """By person, the latest first: those of the last 180 days that nothing was decided about.

    Left out are unclear tickets, what a screen does in part only, staff, disabled people, and who has used the screen
    since they wrote.
    """
    opening = _screens_of_reasons()
    screen = case(opening, value=InboxTicket.reason).label("screen")
    columns = (InboxTicket.user_id, screen, InboxTicket.reason, InboxTicket.id, InboxTicket.created_at)
    statement = (
        select(*columns, InboxTicket.organization_id)
        .join(User, User.id == InboxTicket.user_id)
        .where(
            InboxTicket.reason.in_(opening),
            InboxTicket.is_unclear.is_(False),
            InboxTicket.created_at.between(now - WRITTEN_WITHIN, now),
            User.staff_role.is_(None),
            User.disabled_at.is_(None),
            ~select(Nudge.id).where(Nudge.user_id == InboxTicket.user_id, Nudge.screen == screen).exists(),
            ~_visited(InboxTicket.user_id, screen, InboxTicket.created_at, now),
        )
        .order_by(InboxTicket.created_at.desc(), InboxTicket.id)
    )
    found = defaultdict[str, dict[str, Wish]](dict)
    for row in db.session.execute(statement):
        found[row.user_id].setdefault(row.screen, Wish(*row))
    return {user_id: list(wishes.values()) for user_id, wishes in found.items()}


def _screens_of_reasons() -> dict[str, str]:
    return {
        key: reason.opens
        for key, reason in all_reasons().items()
        if reason.opens in SCREENS_BY_NAME and key not in DONE_IN_PART
    }


def wants_nudges(user_id: str) -> bool:
    """Whether the person has not switched the mail off: who unsubscribed gets no note in its place."""
    return UserChannel.EMAIL in preferences_of(user_id, Audience.CUSTOMER)[Event.SCREEN_CAN_DO_IT]


def place_for(user_id: str, reason: str, screen: str, organization_id: str | None) -> str | None:
    """The organization in which the person can do it on the screen today, the given one if one is; None: in none."""
    places = select(
        Membership.organization_id, Membership.role, *flag_columns(Membership.organization_id)
    ).where(Membership.user_id == user_id)
    if organization_id is not None:
        places = places.where(Membership.organization_id == organization_id)
    for key, role, percents, own in db.session.execute(places.order_by(Membership.organization_id)):
        is_open = screen not in closed_by(key, percents, own)
        if is_open and _may(role, reason, screen) and _is_offered(key, reason):
            return str(key)
    return None


def standing(user_id: str, now: datetime, organization_id: str | None = None) -> Iterator[Nudge]:
    """What a person may be told of now, what they wrote about last first; of one organization if it is given.

    Nothing for `QUIET_AFTER_DISMISSAL` after they dismissed a note.
    """
    lately = Nudge.user_id == user_id, Nudge.dismissed_at > now - QUIET_AFTER_DISMISSAL
    if db.session.scalar(select(Nudge.id).where(*lately).limit(1)) is not None:
        return iter(())
    mine = select(Nudge).where(*_to_tell(now), Nudge.user_id == user_id)
    if organization_id is not None:
        mine = mine.where(Nudge.organization_id == organization_id)
    rows = db.session.scalars(mine.order_by(Nudge.wrote_at.desc(), Nudge.id)).all()
    return (nudge for nudge in rows if _holds(nudge, now))


def _holds(nudge: Nudge, now: datetime) -> bool:
    """Whether what was decided holds now: still their ticket, its reason, not used since, wanted, possible."""
    ticket = (
        InboxTicket.id == nudge.ticket_id,
        InboxTicket.user_id == nudge.user_id,
        InboxTicket.reason == nudge.reason,
        InboxTicket.is_unclear.is_(False),
    )
    person = User.id == nudge.user_id, User.disabled_at.is_(None), User.staff_role.is_(None)
    visited = _visited(nudge.user_id, nudge.screen, nudge.wrote_at, now)
    return (
        db.session.scalar(
            select(User.id).where(*person, select(InboxTicket.id).where(*ticket).exists(), ~visited)
        )
        is not None
        and wants_nudges(nudge.user_id)
        and place_for(nudge.user_id, nudge.reason, nudge.screen, nudge.organization_id) is not None
    )


def unmailed(now: datetime) -> Sequence[str]:
    """Those who may still get their one mail, by id: told by nothing so far, and not in the control group."""
    mailed = select(Nudge.user_id).where(Nudge.mailed_at.is_not(None))
    statement = (
        select(Nudge.user_id).where(*_to_tell(now), Nudge.user_id.not_in(mailed)).group_by(Nudge.user_id)
    )
    return db.session.scalars(statement.order_by(Nudge.user_id)).all()


def _to_tell(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which nudges may be told of at all: not those of the control group, nor what was dismissed or is long ago."""
    return (
        Nudge.group == NudgeGroup.NUDGED,
        Nudge.dismissed_at.is_(None),
        Nudge.wrote_at >= now - WRITTEN_WITHIN,
    )


def _may(role: Role, reason: str, screen: str) -> bool:
    needed = (SCREENS_BY_NAME[screen].permission, NEEDED.get(reason))
    return all(permission is None or role_allows(role, permission) for permission in needed)


def _is_offered(organization_id: str, reason: str) -> bool:
    if reason not in AT_STRIPE:
        return True
    organization = organization_by_id(organization_id)
    return (
        organization.stripe_customer_id is not None
        and contract_of(organization_id) is None
        and AT_STRIPE[reason] in allowed_features(organization)
    )


def _visited(user_id: object, screen: object, since: object, until: datetime) -> ColumnElement[bool]:
    return (
        select(ScreenVisit.user_id)
        .where(
            ScreenVisit.user_id == user_id,
            ScreenVisit.screen == screen,
            ScreenVisit.last_at > since,
            ScreenVisit.first_at <= until,
        )
        .exists()
    )
