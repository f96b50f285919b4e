"""Guards. Every view says who may enter; a view that says nothing answers 403 to everybody."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from flask import Response, current_app, request, url_for

from blueprints._actor import current_actor, session_source, signed_in
from blueprints._closed import refuse_closed
from blueprints._headers import SAFE_METHODS
from blueprints._htmx import redirect_to
from portal.errors import ConflictError, ForbiddenError, NotFoundError
from portal.extensions import db
from portal.identity.sessions import SignedIn
from portal.kit.clock import utcnow
from portal.permissions import Permission, StaffRole, staff_allows

OPEN_IN_VIEW = {"account.start", "admin.end_view", "auth.sign_out"}
"""What staff in a view of a customer may open or send beside the pages that its owner has a permission for."""
View = TypeVar("View", bound=Callable[..., Any])


class Door(StrEnum):
    """Who a view is open to."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    PERMISSION = "permission"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Guard:
    """What a view asks of whoever calls it."""

    door: Door
    permission: Permission | None = None
    staff_role: StaffRole | None = None


def public(view: View) -> View:
    """Open to everybody. A session is looked up for changes only: staff in a view change nothing."""
    return _mark(view, Guard(Door.PUBLIC))


def signed_in_only(view: View) -> View:
    """Open to everybody who is signed in, in whatever role."""
    return _mark(view, Guard(Door.SIGNED_IN))


def requires(permission: Permission) -> Callable[[View], View]:
    """Open to those whose role in the organization they look at allows `permission`."""
    return lambda view: _mark(view, Guard(Door.PERMISSION, permission=permission))


def staff_only(role: StaffRole = StaffRole.SUPPORT) -> Callable[[View], View]:
    """Open to the people who run the product, from `role` up; for others there is no such page."""
    return lambda view: _mark(view, Guard(Door.STAFF, staff_role=role))


def recently_proved(view: View) -> View:
    """Beside a guard: only for who gave password, and second factor where it is on, a short while ago (ASVS V7.5.1).

    Others are asked for them first; a form has to be sent again afterwards.
    """
    view.needs_proof = True  # type: ignore[attr-defined]
    return view


def guard_of(endpoint: str | None) -> Guard | None:
    """The guard of the view behind an endpoint, or None if it carries none."""
    view = current_app.view_functions.get(endpoint or "")
    return getattr(view, "portal_guard", None)


def enforce_guard() -> Response | None:
    """Runs before every view. Raises `ForbiddenError` or `NotFoundError`, or sends visitors to the sign-in."""
    if request.endpoint is None or request.endpoint == "static":
        return None  # 404, 405 and our own files
    guard = guard_of(request.endpoint)
    if guard is None:
        raise ForbiddenError("This page is not open to anybody yet.")
    if guard.door is Door.PUBLIC:
        _check_public_door()
        return None
    session = signed_in()
    if session is None:
        return redirect_to(session_source().sign_in_url(_return_path()))
    _check_view(guard, session)
    _check_door(guard, session)
    _refuse_stale_form(session)
    return refuse_closed(session) or _ask_for_proof(guard, session)


def _check_public_door() -> None:
    """What any visitor may send is a change too, when it comes from inside a view."""
    if request.method in SAFE_METHODS:
        return
    session = signed_in()
    db.session.rollback()  # verbs behind these doors count guesses in a transaction of their own; SQLite has one writer
    if session is not None:
        _refuse_change_in_view(session)


def _check_view(guard: Guard, session: SignedIn) -> None:
    """Inside a view staff read what an owner reads: nothing is changed, and no person's own pages open."""
    if session.view is None:
        return
    _refuse_change_in_view(session)
    if guard.door is Door.SIGNED_IN and request.endpoint not in OPEN_IN_VIEW:
        raise ForbiddenError(
            "This page is about a person, not about the organization. It stays closed in a view."
        )


def _refuse_change_in_view(session: SignedIn) -> None:
    if session.view and request.method not in SAFE_METHODS and request.endpoint not in OPEN_IN_VIEW:
        raise ForbiddenError(
            f"You are viewing {session.view.organization_name} read-only. End the view to change anything."
        )


def _check_door(guard: Guard, session: SignedIn) -> None:
    if guard.staff_role is not None:
        if session.staff_role is None:
            raise NotFoundError
        if not staff_allows(session.staff_role, guard.staff_role):
            raise ForbiddenError("This needs the staff role lead.")
    elif guard.permission is not None:
        if session.organization_id is None and session.staff_role is not None:
            raise ForbiddenError(
                "Staff see a customer's screens in a view. Start one on the organization's page."
            )
        if session.organization_id is None:
            raise ForbiddenError(
                "You do not belong to an organization yet. Ask somebody there to invite you."
            )
        current_actor().require(guard.permission)


def _ask_for_proof(guard: Guard, session: SignedIn) -> Response | None:
    """Where to prove first who one is: staff their second factor, everybody what is old by now. None: go on."""
    # What staff are told of names customers too.
    is_for_staff = guard.staff_role is not None or (
        session.staff_role is not None and request.endpoint == "notifications.inbox"
    )
    if is_for_staff and session.second_factor_at is None:
        message = "Staff pages open once your second factor is set up. If you have one, sign in again."
        return redirect_to(url_for("security.overview"), message, "info")
    view = current_app.view_functions[str(request.endpoint)]
    if getattr(view, "needs_proof", False) and not session.is_proved(utcnow()):
        back = request.path if request.method in SAFE_METHODS else url_for("security.overview")
        return redirect_to(url_for("security.confirm", next=back))
    return None


def _refuse_stale_form(session: SignedIn) -> None:
    """A form drawn for one organization must not act on another that was switched to in a second tab."""
    if request.method in SAFE_METHODS:
        return
    drawn_for = request.form.get("organization_id")
    if (
        drawn_for
        and request.endpoint != "account.switch_organization"
        and drawn_for != session.organization_id
    ):
        raise ConflictError(
            "You switched to another organization in a second tab. Reload this page and try again."
        )


def _return_path() -> str:
    """Where to come back to after signing in: this page, or for a form the page it stood on."""
    if request.method in SAFE_METHODS and not request.headers.get("HX-Request"):
        return request.full_path.rstrip("?")
    return "/account"


def _mark(view: View, guard: Guard) -> View:
    view.portal_guard = guard  # type: ignore[attr-defined]
    return view
