"""Accepting an invitation, with a new account or the one that is signed in."""

from flask import Response, redirect, request, session, url_for

from blueprints._actor import origin, session_source, signed_in
from blueprints._forms import carry_out
from blueprints._guards import public
from blueprints._htmx import page, redirect_to
from blueprints.product import invitation
from blueprints.product.forms import JoinForm
from blueprints.product.sign_in import enter, this_browser
from portal.identity import sessions
from portal.identity.queries import user_by_email, user_by_id
from portal.identity.sessions import SignedIn
from portal.identity.signing_in import open_session
from portal.identity.throttle import INVITATION_BY_ADDRESS, count_attempt
from portal.team import invitations
from portal.team.models import Invitation


@invitation.get("/<token>")
@public
def show(token: str) -> Response:
    """Who invites to what, and the form to accept. Opening the link changes nothing."""
    found = invitations.find_invitation(token)
    return show_page(token, found, JoinForm(formdata=None))


@invitation.post("/<token>")
@public
def accept(token: str) -> Response:
    """Join: the signed-in user if the invitation is theirs, else a new account."""
    count_attempt(INVITATION_BY_ADDRESS, str(request.remote_addr))
    found = invitations.find_invitation(token)
    visitor = signed_in()
    if visitor is not None:
        return join_as(token, visitor)
    if user_by_email(found.email):
        return redirect_to(session_source().sign_in_url(request.path))
    form = JoinForm()
    joined = carry_out(
        form,
        lambda: invitations.accept_as_new_user(token, str(form.name.data), str(form.password.data), origin()),
    )
    if joined is None:
        return show_page(token, invitations.find_invitation(token), form, 422)
    session.clear()
    browser = this_browser()
    token = open_session(joined, browser)
    return enter(token, browser, url_for("account.start"), f"Welcome to {found.organization.name}.")


def join_as(token: str, visitor: SignedIn) -> Response:
    """Accept for somebody who is signed in, and look at the new organization."""
    member = invitations.accept_as_user(token, user_by_id(visitor.user_id), origin())
    sessions.switch_organization(visitor.token_hash, member.organization_id)
    return redirect_to(url_for("account.start"), "You have joined the team.")


def show_page(token: str, found: Invitation, form: JoinForm, status: int = 200) -> Response:
    """The invitation's page in the form that fits the visitor."""
    visitor = signed_in()
    has_account = user_by_email(found.email) is not None
    if visitor is None and has_account:
        return redirect(session_source().sign_in_url(request.path), 303)  # type: ignore[return-value]
    return page(
        "product/invitation.html",
        status,
        token=token,
        invitation=found,
        form=form,
        visitor=visitor,
        has_account=has_account,
    )
