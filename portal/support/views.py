"""View as the customer: staff look at one organization as its owner does, read-only, for 30 minutes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, exists, or_, select
from sqlalchemy.exc import IntegrityError

from portal.actor import Actor, system_actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.database import UTCDateTime
from portal.errors import ConflictError
from portal.extensions import db, fetch_rows
from portal.identity.models import Organization, User, UserSession
from portal.identity.queries import organization_by_id
from portal.identity.sessions import CustomerView, SignedIn
from portal.kit.clock import utcnow
from portal.notifications.events import Event, announce
from portal.permissions import Role, StaffRole
from portal.rollout.queries import closed_by, flag_columns
from portal.support.models import StaffView

LIFETIME = timedelta(minutes=30)
FIND_VIEW: Select[*tuple[Any, ...]] = (
    select(
        StaffView.id,
        Organization.id,
        Organization.name,
        StaffView.expires_at,
        Organization.payment_trouble,
        *flag_columns(Organization.id),
    )
    .join(Organization, Organization.id == StaffView.organization_id)
    .where(
        StaffView.user_id == bindparam("user"),
        StaffView.session_id == bindparam("session"),
        StaffView.ended_at.is_(None),
        StaffView.expires_at > bindparam("now", type_=UTCDateTime),
    )
)


def in_view(session: SignedIn) -> SignedIn:
    """A staff session as it is now: inside a view it stands in the customer's organization, as an owner stands there.

    Only to be asked for staff, so that customers' requests pay nothing for it. What the owner's role would allow to
    change, the guards refuse.
    """
    rows = fetch_rows(FIND_VIEW, {"user": session.user_id, "session": session.session_id, "now": utcnow()})
    if not rows:
        return session
    *facts, payment_trouble, percents, own = rows[0]
    view = CustomerView(*facts)
    return replace(
        session,
        organization_id=view.organization_id,
        organization_name=view.organization_name,
        role=Role.OWNER,
        memberships_count=1,
        payment_trouble=payment_trouble,
        closed_screens=closed_by(view.organization_id, percents, own),
        view=view,
    )


def outside_view(session: SignedIn) -> SignedIn:
    """The same session, once its view has been ended."""
    return replace(
        session,
        organization_id=None,
        organization_name=None,
        role=None,
        memberships_count=0,
        payment_trouble=None,
        closed_screens=frozenset(),
        view=None,
    )


def start_view(actor: Actor, session_id: str, reason: str) -> StaffView:
    """Look at the actor's organization from this session. A view of another one that the same person has open is ended.

    The organization's owners are told, and find it in their activity. Raises `ForbiddenError`, `InvalidInputError`
    (reason), `NotFoundError`, and `ConflictError` when the same person starts two at once.
    """
    actor.require_staff(StaffRole.SUPPORT)
    reason = clean_reason(reason)
    organization = organization_by_id(actor.organization)
    end_view(actor)
    view = _new_view(actor, session_id, reason)
    minutes = {"minutes": int(LIFETIME.total_seconds() // 60)}
    record(
        actor,
        Action.STAFF_VIEW_STARTED,
        Change("view", view.id, organization.name, None, minutes),
        reason=reason,
    )
    announce(Event.STAFF_VIEWED, actor, {"reason": reason, **minutes})
    return view


def _new_view(actor: Actor, session_id: str, reason: str) -> StaffView:
    now = utcnow()
    view = StaffView(
        user_id=str(actor.id),
        session_id=session_id,
        organization_id=actor.organization,
        reason=reason,
        started_at=now,
        expires_at=now + LIFETIME,
    )
    db.session.add(view)
    try:
        db.session.flush()
    except IntegrityError:
        raise ConflictError("You have just started a view in another tab.") from None
    return view


def end_view(actor: Actor) -> None:
    """End whatever view this person has open; nothing happens if there is none."""
    for view in db.session.scalars(_open_views().where(StaffView.user_id == actor.id)):
        _end(actor, view)


def end_finished_views() -> int:
    """Write the end of views whose time is over or whose session has ended; returns how many. The caller commits."""
    now = utcnow()
    is_signed_in = exists().where(
        UserSession.id == StaffView.session_id, UserSession.revoked_at.is_(None), UserSession.expires_at > now
    )
    finished = _open_views().where(or_(StaffView.expires_at <= now, ~is_signed_in))
    views = db.session.scalars(finished).all()
    for view in views:
        _end(system_actor(view.organization_id), view)
    return len(views)


def _open_views() -> Select[StaffView]:
    """Locked: of two who end the same view, the second finds that it is not open any more."""
    return select(StaffView).where(StaffView.ended_at.is_(None)).order_by(StaffView.id).with_for_update()


def _end(actor: Actor, view: StaffView) -> None:
    """Mark it ended, and say so in the customer's log: by whom it was viewed, and for how long."""
    view.ended_at = min(utcnow(), view.expires_at)
    viewer = db.session.get_one(User, view.user_id)
    organization = organization_by_id(view.organization_id)
    minutes = -(-(view.ended_at - view.started_at).total_seconds() // 60)
    after = {"viewed_by": viewer.name, "minutes": int(minutes)}
    db.session.flush()
    record(
        actor.within(organization.id),
        Action.STAFF_VIEW_ENDED,
        Change("view", view.id, organization.name, None, after),
    )
