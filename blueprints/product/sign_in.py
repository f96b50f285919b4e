"""Signing in and out."""

from flask import Response, request, session, url_for

from blueprints._actor import current_actor, origin, require_signed_in, signed_in
from blueprints._forms import carry_out
from blueprints._guards import public, signed_in_only
from blueprints._htmx import page, redirect_to
from blueprints._safe_next import safe_next
from blueprints._session_sources import session_cookie_name
from blueprints.product import auth
from blueprints.product.forms import SignInForm
from portal.context import current_settings
from portal.identity import service as identity
from portal.identity.sessions import CUSTOMER_LIFETIME


@auth.get("/sign-in")
@public
def sign_in() -> Response:
    """The sign-in form; who is signed in already is sent on."""
    if signed_in():
        return redirect_to(safe_next(request.args.get("next")))
    form = SignInForm(formdata=None, next=safe_next(request.args.get("next")))
    return page("product/sign_in.html", form=form)


@auth.post("/sign-in")
@public
def sign_in_submit() -> Response:
    """Check the password; a new session and a new CSRF token from here on (ASVS V7.2.4)."""
    form = SignInForm()
    old_token = request.cookies.get(session_cookie_name(current_settings()), "")

    def verb() -> str:
        return identity.sign_in(str(form.email.data), str(form.password.data), origin(), old_token=old_token)

    token = carry_out(form, verb)
    if token is None:
        return page("product/sign_in.html", 422, form=form)
    session.clear()
    response = redirect_to(safe_next(form.next.data))
    set_session_cookie(response, token)
    return response


@auth.post("/sign-out")
@signed_in_only
def sign_out() -> Response:
    """End this session everywhere."""
    identity.sign_out(current_actor(), require_signed_in().token_hash)
    session.clear()
    response = redirect_to(url_for("auth.sign_in"), "You are signed out.")
    response.delete_cookie(
        session_cookie_name(current_settings()),
        secure=current_settings().is_https,
        httponly=True,
        samesite="Lax",
    )
    return response


def set_session_cookie(response: Response, token: str) -> None:
    """Hand the session's token to the browser: HttpOnly, Lax, for this host only, Secure wherever there is TLS."""
    settings = current_settings()
    response.set_cookie(
        session_cookie_name(settings),
        token,
        max_age=int(CUSTOMER_LIFETIME.total_seconds()),
        secure=settings.is_https,
        httponly=True,
        samesite="Lax",
    )
