"""Guards. Every view says who may enter; a view that says nothing answers 403 to everybody."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from flask import Response, current_app, request

from blueprints._actor import current_actor, session_source, signed_in
from blueprints._headers import SAFE_METHODS
from blueprints._htmx import redirect_to
from portal.errors import ConflictError, ForbiddenError, NotFoundError
from portal.identity.sessions import SignedIn
from portal.permissions import Permission, StaffRole, staff_allows

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
    """Open to everybody; no session is looked up."""
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
        return None
    session = signed_in()
    if session is None:
        return redirect_to(session_source().sign_in_url(_return_path()))
    _check_door(guard, session)
    _refuse_stale_form(session)
    return None


def _check_door(guard: Guard, session: SignedIn) -> None:
    if guard.staff_role is not None:
        if session.staff_role is None:
            raise NotFoundError
        if not staff_allows(session.staff_role, guard.staff_role):
            raise ForbiddenError("This needs the staff role lead.")
    elif guard.permission is not None:
        if session.organization_id is None:
            raise ForbiddenError(
                "You do not belong to an organization yet. Ask somebody there to invite you."
            )
        current_actor().require(guard.permission)


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
