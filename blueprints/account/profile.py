"""The profile screen and the choice of appearance."""

from flask import Response, make_response, request, url_for

from blueprints._actor import current_actor, require_signed_in
from blueprints._forms import carry_out
from blueprints._guards import signed_in_only
from blueprints._htmx import is_fragment_request, page, redirect_to
from blueprints._safe_next import safe_next
from blueprints._views import THEMES, theme_cookie
from blueprints.account import account
from blueprints.account.forms import ProfileForm
from portal.context import current_settings
from portal.errors import InvalidInputError
from portal.identity import service as identity
from portal.identity.queries import memberships_of_user, user_by_id

ONE_YEAR_SECONDS = 365 * 24 * 3600


@account.get("/account/profile")
@signed_in_only
def profile() -> Response:
    """Name, address and organizations of whoever is signed in."""
    return show_profile(ProfileForm(formdata=None, name=require_signed_in().name))


@account.post("/account/profile")
@signed_in_only
def update_profile() -> Response:
    """Change one's own name."""
    form = ProfileForm()

    def rename() -> bool:
        identity.rename(current_actor(), user_by_id(require_signed_in().user_id), str(form.name.data))
        return True

    if not carry_out(form, rename):
        return show_profile(form, 422)
    return redirect_to(url_for("account.profile"), "Your name is saved.")


@account.post("/account/appearance")
@signed_in_only
def appearance() -> Response:
    """Keep the theme in a cookie of this browser."""
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        raise InvalidInputError("Choose light, dark or device.", field="theme")
    came_from = request.referrer or ""
    path = (
        came_from.removeprefix(request.host_url.rstrip("/"))
        if came_from.startswith(request.host_url)
        else None
    )
    response = make_response("", 204) if is_fragment_request() else redirect_to(safe_next(path))
    secure = current_settings().is_https
    response.set_cookie(
        theme_cookie(), theme, max_age=ONE_YEAR_SECONDS, secure=secure, httponly=True, samesite="Lax"
    )
    return response


def show_profile(form: ProfileForm, status: int = 200) -> Response:
    """The profile page around a form."""
    session = require_signed_in()
    return page(
        "account/profile.html",
        status,
        form=form,
        places=memberships_of_user(session.user_id),
        session=session,
    )
