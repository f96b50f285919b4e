"""The list of members, a member's role, and leaving."""

from typing import Any

from flask import Response, request, url_for

from blueprints._actor import current_actor
from blueprints._forms import carry_out
from blueprints._guards import requires, signed_in_only
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints._limits import SEARCHES, limiter
from blueprints.team import team
from blueprints.team.forms import CHOICES_WITHOUT_OWNER, ROLE_CHOICES, InviteForm, RoleForm
from portal.actor import Actor
from portal.database import AnyRow
from portal.extensions import db
from portal.permissions import (
    PERMISSION_LABELS,
    ROLE_LABELS,
    ROLE_PERMISSIONS,
    ROLE_SUMMARIES,
    Permission,
    Role,
)
from portal.team import queries, service

LONGEST_SEARCH = 100


@team.get("")
@requires(Permission.TEAM_READ)
@limiter.limit(SEARCHES, exempt_when=lambda: not request.args.get("q"))
def members() -> Response:
    """One page of members, with open invitations on the first."""
    if is_fragment_request():
        return fragment("team/_member_list.html", **list_context())
    return show_members(InviteForm(formdata=None))


def show_members(form: InviteForm, status: int = 200) -> Response:
    """The team page around an invitation form."""
    actor = current_actor()
    form.role.choices = role_choices(actor)
    counts = queries.role_counts(actor.organization)
    invitations = queries.open_invitations(actor.organization) if actor.can(Permission.MEMBERS_MANAGE) else []
    return page(
        "team/members.html",
        status,
        form=form,
        counts=counts,
        total=sum(counts.values()),
        invitations=invitations,
        **list_context(),
    )


def list_context() -> dict[str, Any]:
    """What the list of members needs, from the address of the page."""
    actor = current_actor()
    search = request.args.get("q", "").strip()[:LONGEST_SEARCH] if request.method == "GET" else ""
    after = request.args.get("after") if request.method == "GET" else None
    return {
        "members": queries.members_page(actor.organization, search, after),
        "search": search,
        "after": after,
        **row_context(actor),
    }


def row_context(actor: Actor) -> dict[str, Any]:
    """What one row of the list needs."""
    return {
        "can_manage": actor.can(Permission.MEMBERS_MANAGE),
        "can_manage_owners": actor.can(Permission.OWNERS_MANAGE),
        "role_choices": role_choices(actor),
    }


def role_choices(actor: Actor) -> list[Any]:
    """The roles that this actor may give."""
    return ROLE_CHOICES if actor.can(Permission.OWNERS_MANAGE) else CHOICES_WITHOUT_OWNER


@team.get("/roles")
@requires(Permission.TEAM_READ)
def roles() -> Response:
    """What each role may do: the dict behind the guards, as a table."""
    return page(
        "team/roles.html",
        roles=[(role, ROLE_LABELS[role], ROLE_SUMMARIES[role]) for role in Role],
        permissions=list(PERMISSION_LABELS.items()),
        allowed=ROLE_PERMISSIONS,
    )


@team.route("/members/<member_id>/role", methods=["POST", "PATCH"])
@requires(Permission.MEMBERS_MANAGE)
def update_role(member_id: str) -> Response:
    """Change a role; HTMX gets the row back, also when it was refused, with the reason in it."""
    actor = current_actor()
    form = RoleForm()
    changed = carry_out(form, lambda: service.change_member_role(actor, member_id, Role(form.role.data)))
    problem = None if changed else [*form.role.errors, *form.form_errors][0]
    if not is_fragment_request():
        message = problem or f"{changed.user.name} is now {ROLE_LABELS[changed.role].lower()}."  # type: ignore[union-attr]
        return redirect_to(url_for("team.members"), message, "error" if problem else "success")
    row = queries.member_row(actor.organization, member_id)
    return fragment(
        "team/_member_rows.html",
        409 if problem else 200,
        toast=problem or f"{row.name} is now {ROLE_LABELS[row.role].lower()}.",
        kind="error" if problem else "success",
        rows=[row],
        problem=problem,
        **row_context(actor),
    )


@team.get("/members/<member_id>/remove")
@signed_in_only
def confirm_removal(member_id: str) -> Response:
    """Ask once more, as a dialog or as a page."""
    actor = current_actor()
    member = removable_member(actor, member_id)
    is_last = member.role == Role.OWNER and queries.role_counts(actor.organization)[Role.OWNER] == 1
    return show_confirmation(actor, member, service.LastOwnerError().message if is_last else None)


@team.post("/members/<member_id>/remove")
@signed_in_only
def remove(member_id: str) -> Response:
    """Take somebody out of the team, or leave it."""
    actor = current_actor()
    row = removable_member(actor, member_id)
    try:
        member = service.remove_member(actor, member_id)
    except service.LastOwnerError as error:
        db.session.rollback()
        return show_confirmation(actor, row, error.message, 409)
    if member.user_id == actor.id:
        return redirect_to(url_for("account.profile"), "You have left the organization.")
    return redirect_to(url_for("team.members"), f"{member.user.name} is no longer in the team.")


def show_confirmation(actor: Actor, member: AnyRow, problem: str | None, status: int = 200) -> Response:
    """The question, or with `problem` why it cannot be done; as a dialog for HTMX."""
    template = "team/_remove_dialog.html" if is_fragment_request() else "team/remove.html"
    show = fragment if is_fragment_request() else page
    return show(template, status, member=member, is_self=member.user_id == actor.id, problem=problem)


def removable_member(actor: Actor, member_id: str) -> AnyRow:
    """The member, for those who may remove them; anybody may remove themselves. Raises as a missing one otherwise."""
    member = queries.member_row(actor.organization, member_id)
    if member.user_id != actor.id:
        actor.require(Permission.MEMBERS_MANAGE)
    return member
