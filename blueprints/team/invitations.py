"""Inviting, sending again, taking back."""

from flask import Response, url_for

from blueprints._actor import current_actor
from blueprints._forms import carry_out
from blueprints._guards import requires
from blueprints._htmx import redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints.team import team
from blueprints.team.forms import InviteForm
from blueprints.team.members import show_members
from portal.permissions import Permission, Role
from portal.team import invitations


@team.post("/invitations")
@requires(Permission.MEMBERS_MANAGE)
@limiter.limit(COSTLY)
def invite() -> Response:
    """Invite one address."""
    actor = current_actor()
    form = InviteForm()
    sent = carry_out(
        form, lambda: invitations.invite_member(actor, str(form.email.data), Role(form.role.data))
    )
    if sent is None:
        return show_members(form, 422)
    return redirect_to(url_for("team.members"), f"An invitation is on its way to {sent.email}.")


@team.post("/invitations/<invitation_id>/resend")
@requires(Permission.MEMBERS_MANAGE)
@limiter.limit(COSTLY)
def resend(invitation_id: str) -> Response:
    """Send it again; the earlier link stops working."""
    sent = invitations.resend_invitation(current_actor(), invitation_id)
    return redirect_to(url_for("team.members"), f"A new invitation is on its way to {sent.email}.")


@team.post("/invitations/<invitation_id>/revoke")
@requires(Permission.MEMBERS_MANAGE)
def revoke(invitation_id: str) -> Response:
    """Take it back."""
    taken = invitations.revoke_invitation(current_actor(), invitation_id)
    return redirect_to(url_for("team.members"), f"The invitation of {taken.email} is no longer good.")
