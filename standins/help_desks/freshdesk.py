"""Freshdesk: the list of tickets by pages, conversations and time entries of each; API key."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Response, jsonify, request

from standins.help_desks.inbox import AGENT_ID, FIRST_ID, REPLY, Case, html, iso
from standins.help_desks.world import TOKEN, World, create_base, error, seconds_header

DEFAULT_PAGE, LARGEST_PAGE, MOST_PAGES = 30, 100, 300
SORTS = ("created_at", "updated_at")
OPEN, CLOSED, FROM_EMAIL = 2, 5, 1


def create_freshdesk(world: World) -> Flask:
    """Takes `GET /api/v2/tickets`, and `conversations` and `time_entries` below one of them."""
    app = create_base(world, seconds_header, _refuse)

    @app.get("/api/v2/tickets")
    def tickets() -> Response:
        page, size = request.args.get("page", 1, int), request.args.get("per_page", DEFAULT_PAGE, int)
        sort = request.args.get("order_by", "created_at")
        if not 1 <= page <= MOST_PAGES or not 1 <= size <= LARGEST_PAGE or sort not in SORTS:
            return error(400, {"description": "Validation failed"})
        size = min(size, world.page_size)
        cases, has_more = world.cut(_found(world, sort), (page - 1) * size, size)
        answer = jsonify([_ticket(case) for case in cases])
        if has_more or world.faults.take("circle"):
            answer.headers["Link"] = f'<{request.base_url}?page={page + 1}>; rel="next"'
        return answer

    @app.get("/api/v2/tickets/<int:ident>/<any(conversations, time_entries):what>")
    def below(ident: int, what: str) -> Response:
        case = world.case(ident)
        if case is None:
            return error(404, {})
        return jsonify(_conversations(case) if what == "conversations" else _time_entries(case))

    return app


def _refuse() -> Response | None:
    if request.authorization and request.authorization.username == TOKEN:
        return None
    return error(401, {"code": "invalid_credentials", "message": "You have to be logged in"})


def _found(world: World, sort: str) -> list[Case]:
    """Without `updated_since`, only what was created in the last thirty days. Never spam."""
    since = request.args.get("updated_since")
    month = datetime.now(UTC) - timedelta(days=30)
    found = [
        case
        for case in world.cases
        if not case.is_spam
        and (case.updated_at >= datetime.fromisoformat(since) if since else case.created_at >= month)
    ]
    found.sort(
        key=lambda case: (getattr(case, sort), case.id), reverse=request.args.get("order_type") != "asc"
    )
    return found


def _ticket(case: Case) -> dict[str, Any]:
    asked = request.args.get("include", "").split(",")
    stats = {
        "agent_responded_at": iso(case.replied_at),
        "requester_responded_at": None,
        "first_responded_at": iso(case.replied_at),
        "status_updated_at": iso(case.updated_at),
        "resolved_at": iso(case.solved_at),
        "closed_at": iso(case.solved_at),
    }
    person = {"id": case.requester_id, "name": case.name, "email": case.email, "mobile": None, "phone": None}
    return {
        "id": case.id,
        "subject": case.subject,
        "status": CLOSED if case.solved_at else OPEN,
        "priority": 1,
        "source": FROM_EMAIL,
        "spam": False,
        "requester_id": case.requester_id,
        "responder_id": AGENT_ID if case.replied_at else None,
        "created_at": iso(case.created_at),
        "updated_at": iso(case.updated_at),
        "tags": [],
        "custom_fields": {},
        **({"requester": person} if "requester" in asked else {}),
        **({"stats": stats} if "stats" in asked else {}),
        **({"description": html(case.body), "description_text": case.body} if "description" in asked else {}),
    }


def _conversations(case: Case) -> list[dict[str, Any]]:
    """Oldest first; the request itself is not among them."""
    said = [(REPLY, case.replied_at, False)] if case.replied_at else []
    if case.is_merged:
        said.append((f"This ticket is closed and merged into ticket {FIRST_ID}", case.updated_at, True))
    return [
        {
            "id": case.id * 10 + number,
            "ticket_id": case.id,
            "user_id": AGENT_ID,
            "incoming": False,
            "private": is_private,
            "body": html(text),
            "body_text": text,
            "created_at": iso(at),
        }
        for number, (text, at, is_private) in enumerate(said)
    ]


def _time_entries(case: Case) -> list[dict[str, Any]]:
    if not case.minutes:
        return []
    return [
        {
            "id": case.id * 10,
            "ticket_id": case.id,
            "agent_id": AGENT_ID,
            "billable": True,
            "timer_running": False,
            "time_spent": f"{case.minutes // 60:02}:{case.minutes % 60:02}",
            "executed_at": iso(case.replied_at),
            "created_at": iso(case.replied_at),
        }
    ]
