"""The security screen: password, devices, and proving once more who one is."""

from dataclasses import dataclass
from datetime import datetime

from flask import Response, request, url_for

from blueprints._actor import current_actor, require_signed_in
from blueprints._cookies import set_session_cookie
from blueprints._forms import PortalForm, carry_out
from blueprints._guards import recently_proved, signed_in_only
from blueprints._htmx import page, redirect_to
from blueprints._safe_next import safe_next
from blueprints.account import account, security
from blueprints.account.forms import KeepForm, PasswordForm, ProofForm
from portal.identity import security as identity
from portal.identity.second_factor import has_second_factor, status_of
from portal.identity.security import Given
from portal.identity.sessions import sessions_of_user
from portal.kit.agents import describe_agent
from portal.kit.clock import utcnow


@dataclass(frozen=True, slots=True)
class Device:
    """A session as its person sees it: where they are signed in."""

    id: str
    name: str
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


@account.get("/account/sessions")
@signed_in_only
def sessions() -> Response:
    """The devices are a part of the security screen."""
    return redirect_to(url_for("security.overview", _anchor="devices"))


@security.get("")
@signed_in_only
def overview() -> Response:
    """How this person signs in, and where they are signed in."""
    return show_security()


@security.post("/password")
@signed_in_only
def change_password() -> Response:
    """Set a new password; the old one is asked for in the same form."""
    form, session = PasswordForm(), require_signed_in()
    token = carry_out(
        form,
        lambda: identity.change_password(
            current_actor(),
            session,
            given_in(form),
            str(form.new_password.data),
            end_others=bool(form.end_others.data),
        ),
    )
    if token is None:
        return show_security(password_form=form)
    return renewed(url_for("security.overview"), "Your password is changed.", token)


@security.post("/sessions")
@signed_in_only
@recently_proved
def end_sessions() -> Response:
    """Sign out one other device, or all others."""
    session, end = require_signed_in(), request.form.get("end", "")
    if end == "others":
        identity.end_other_sessions(current_actor(), session.token_hash)
        message = "Your other devices are signed out."
    else:
        identity.end_one_session(current_actor(), end)
        message = "The device is signed out."
    return redirect_to(url_for("security.overview", _anchor="devices"), message)


@security.get("/confirm")
@signed_in_only
def confirm() -> Response:
    """Ask for the password, and the code where there is one, before something that protects the account."""
    return show_confirm(ProofForm(formdata=None, next=safe_next(request.args.get("next"))))


@security.post("/confirm")
@signed_in_only
def prove() -> Response:
    """Check both; for ten minutes they are not asked for again."""
    form = ProofForm()
    token = carry_out(
        form, lambda: identity.prove(current_actor(), require_signed_in().token_hash, given_in(form))
    )
    if token is None:
        return show_confirm(form, 422)
    return renewed(safe_next(form.next.data), "Confirmed. You can go on for ten minutes.", token)


def given_in(form: PortalForm) -> Given:
    """What was typed to prove who one is."""
    return Given(str(form["password"].data or ""), str(form["code"].data or ""))


def renewed(url: str, message: str, token: str) -> Response:
    """Go on under the session's new token."""
    response = redirect_to(url, message)
    set_session_cookie(response, token)
    return response


def show_security(
    *, password_form: PasswordForm | None = None, keep_form: KeepForm | None = None
) -> Response:
    """The screen; with the form that was refused, if one was."""
    session = require_signed_in()
    factor = status_of(session.user_id)
    return page(
        "account/security.html",
        422 if password_form or keep_form else 200,
        session=session,
        factor=factor,
        devices=devices_of(session.user_id, session.session_id),
        asks_code=factor is not None and not session.is_proved(utcnow()),
        password_form=password_form or PasswordForm(formdata=None),
        keep_form=keep_form or KeepForm(formdata=None),
    )


def devices_of(user_id: str, current_id: str) -> list[Device]:
    """Where this person is signed in, this device first."""
    rows = sorted(sessions_of_user(user_id), key=lambda row: row.id != current_id)
    return [
        Device(
            row.id,
            describe_agent(row.agent),
            row.address,
            row.created_at,
            row.last_seen_at,
            row.id == current_id,
        )
        for row in rows
    ]


def show_confirm(form: ProofForm, status: int = 200) -> Response:
    """The question around its form."""
    asks_code = has_second_factor(require_signed_in().user_id)
    return page("account/confirm.html", status, form=form, asks_code=asks_code)
