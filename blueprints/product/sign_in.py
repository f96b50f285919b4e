"""Signing in, with the second step where a second factor is on, and signing out."""

from flask import Response, request, session, url_for

from blueprints._actor import current_actor, leave_view, origin, require_signed_in, signed_in
from blueprints._cookies import device_token, drop_session_cookie, set_device_cookie, set_session_cookie
from blueprints._forms import carry_out
from blueprints._guards import public, signed_in_only
from blueprints._htmx import page, redirect_to
from blueprints._safe_next import safe_next
from blueprints._session_sources import session_cookie_name
from blueprints.product import auth
from blueprints.product.forms import CodeForm, SignInForm
from portal.context import current_settings
from portal.errors import GoneError
from portal.identity import signing_in
from portal.identity.service import sign_out as end_session
from portal.identity.signing_in import Browser, PendingSignIn
from portal.kit.clock import moment

PENDING = "pending_sign_in"
RECOVERY = "recovery-code"


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
    """Check the password; a new session and a new CSRF token from here on (ASVS V7.2.4), or the second step."""
    form, browser = SignInForm(), this_browser()
    entered = carry_out(
        form, lambda: signing_in.sign_in(str(form.email.data), str(form.password.data), browser)
    )
    if entered is None:
        return page("product/sign_in.html", 422, form=form)
    session.clear()
    if isinstance(entered, PendingSignIn):
        session[PENDING] = {
            "user_id": entered.user_id,
            "version": entered.version,
            "ends_at": int(entered.ends_at.timestamp()),
            "next": safe_next(form.next.data),
        }
        return redirect_to(url_for("auth.second_factor"))
    return enter(entered, browser, safe_next(form.next.data))


@auth.get("/second-factor")
@public
def second_factor() -> Response:
    """The second step; without the first one there is nothing to do here."""
    pending = pending_sign_in()
    if pending is None:
        return redirect_to(safe_next(None) if signed_in() else url_for("auth.sign_in"))
    try:
        signing_in.pending_user(pending)
    except GoneError as error:
        return start_again(error)
    return ask_code(CodeForm(formdata=None))


@auth.post("/second-factor")
@public
def second_factor_submit() -> Response:
    """Check the code; only now there is a session."""
    pending = pending_sign_in()
    if pending is None:
        return redirect_to(url_for("auth.sign_in"))
    form, browser = CodeForm(), this_browser()
    try:
        signing_in.pending_user(pending)
    except GoneError as error:
        return start_again(error)
    token = carry_out(form, lambda: signing_in.finish_sign_in(pending, str(form.code.data), browser))
    if token is None:
        return ask_code(form, 422)
    path = safe_next(session[PENDING]["next"])
    session.clear()
    return enter(token, browser, path)


@auth.post("/sign-out")
@signed_in_only
def sign_out() -> Response:
    """End this session everywhere."""
    leave_view()
    end_session(current_actor(), require_signed_in().token_hash)
    session.clear()
    response = redirect_to(url_for("auth.sign_in"), "You are signed out.")
    drop_session_cookie(response)
    return response


def ask_code(form: CodeForm, status: int = 200) -> Response:
    """The second step's page. Recovery codes have letters, which the keyboard for digits of a phone has not."""
    is_recovery = request.args.get("with") == RECOVERY
    return page("product/second_factor.html", status, form=form, is_recovery=is_recovery, recovery=RECOVERY)


def this_browser() -> Browser:
    """The browser that sent this request, with the session it still holds."""
    old_token = request.cookies.get(session_cookie_name(current_settings()), "")
    return Browser(origin(), device_token(), old_token)


def enter(token: str, browser: Browser, path: str, message: str | None = None) -> Response:
    """Into the portal: the session's cookie, and the one that this browser is recognised by."""
    response = redirect_to(path, message)
    set_session_cookie(response, token)
    set_device_cookie(response, browser.device)
    return response


def pending_sign_in() -> PendingSignIn | None:
    """What the first step left in the signed session cookie."""
    kept = session.get(PENDING)
    if not kept:
        return None
    return PendingSignIn(kept["user_id"], kept["version"], moment(kept["ends_at"]))


def start_again(error: GoneError) -> Response:
    """Back to the first step, with the reason."""
    session.clear()
    return redirect_to(url_for("auth.sign_in"), error.message, "error")
