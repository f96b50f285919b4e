"""Recovering an account whose second factor is lost: one lead asks, another approves, either may stop it."""

from flask import Response

from blueprints._actor import staff_actor
from blueprints._guards import staff_only
from blueprints.admin import admin
from blueprints.admin._asking import Question, answer, ask
from blueprints.admin.forms import ReasonForm
from portal.permissions import StaffRole
from portal.support import recoveries
from portal.support.queries import get_recovery
from portal.team.queries import member_row

ONE = "/organizations/<organization_id>/recoveries/<recovery_id>"


@admin.get("/organizations/<organization_id>/people/<member_id>/recovery")
@staff_only(StaffRole.LEAD)
def confirm_recovery(organization_id: str, member_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_asking(organization_id, member_id), ReasonForm(formdata=None))


@admin.post("/organizations/<organization_id>/people/<member_id>/recovery")
@staff_only(StaffRole.LEAD)
def ask_recovery(organization_id: str, member_id: str) -> Response:
    """The first of two staff."""
    question, actor = about_asking(organization_id, member_id), staff_actor(organization_id)
    return answer(
        question,
        ReasonForm(),
        lambda reason: recoveries.ask_recovery(actor, member_id, reason),
        "Asked. Another lead has to approve.",
    )


def about_asking(organization_id: str, member_id: str) -> Question:
    """What a recovery means. Raises `NotFoundError`."""
    member = member_row(organization_id, member_id)
    consequence = (
        f"{member.email} is told by mail and can stop it by a link. Another lead has to approve. "
        "24 hours later the second factor is removed and every session ends."
    )
    title = f"Recover the account of {member.name}"
    return Question(organization_id, title, consequence, "Ask for recovery", "recoveries", True)


@admin.get(f"{ONE}/approve")
@staff_only(StaffRole.LEAD)
def confirm_approval(organization_id: str, recovery_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_approving(organization_id, recovery_id), ReasonForm(formdata=None))


@admin.post(f"{ONE}/approve")
@staff_only(StaffRole.LEAD)
def approve_recovery(organization_id: str, recovery_id: str) -> Response:
    """The second of two staff."""
    question, actor = about_approving(organization_id, recovery_id), staff_actor(organization_id)
    return answer(
        question,
        ReasonForm(),
        lambda reason: recoveries.approve_recovery(actor, recovery_id, reason),
        "Approved. The second factor is removed in 24 hours.",
    )


def about_approving(organization_id: str, recovery_id: str) -> Question:
    """What approving means. Raises `NotFoundError`."""
    found = get_recovery(organization_id, recovery_id)
    consequence = (
        f"{found.asked_by_name} asked for it: “{found.reason}”. Make sure in another way that it is them. "
        "In 24 hours the second factor is removed and every session ends. They are told and can stop it."
    )
    title = f"Approve the recovery of {found.user.email}"
    return Question(organization_id, title, consequence, "Approve", "recoveries", True)


@admin.get(f"{ONE}/cancel")
@staff_only(StaffRole.LEAD)
def confirm_cancelling(organization_id: str, recovery_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_cancelling(organization_id, recovery_id), ReasonForm(formdata=None))


@admin.post(f"{ONE}/cancel")
@staff_only(StaffRole.LEAD)
def cancel_recovery(organization_id: str, recovery_id: str) -> Response:
    """Stop a recovery."""
    question, actor = about_cancelling(organization_id, recovery_id), staff_actor(organization_id)
    return answer(
        question,
        ReasonForm(),
        lambda reason: recoveries.cancel_recovery(actor, recovery_id, reason),
        "The recovery is stopped.",
    )


def about_cancelling(organization_id: str, recovery_id: str) -> Question:
    """What stopping means. Raises `NotFoundError`."""
    email = get_recovery(organization_id, recovery_id).user.email
    consequence = "The second factor stays as it is, and they are told."
    return Question(
        organization_id, f"Stop the recovery of {email}", consequence, "Stop the recovery", "recoveries"
    )
