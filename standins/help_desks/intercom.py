"""Intercom: search for conversations, one conversation with its parts; access token."""

import time
from typing import Any

from flask import Flask, Response, abort, jsonify, request

from standins.help_desks.inbox import AGENT, AGENT_EMAIL, AGENT_ID, REPLY, Case, html, unix
from standins.help_desks.world import TOKEN, World, create_base, error, from_cursor, to_cursor

DEFAULT_PAGE, LARGEST_PAGE = 20, 150
ADMIN = {"type": "admin", "id": str(AGENT_ID), "name": AGENT, "email": AGENT_EMAIL}


def create_intercom(world: World) -> Flask:
    """Takes `POST /conversations/search` and `GET /conversations/<id>`."""
    app = create_base(world, _reset_header, _refuse)

    @app.post("/conversations/search")
    def search() -> Response:
        body = request.get_json()
        pagination = body.get("pagination", {})
        size = pagination.get("per_page", DEFAULT_PAGE)
        if not isinstance(size, int) or not 1 <= size <= LARGEST_PAGE:
            return _error(400, "parameter_invalid", "per_page")
        found = sorted((case for case in world.cases if _fits(case, body.get("query", {}))), key=_place)
        return jsonify(_list(world, found, pagination.get("starting_after", ""), size))

    @app.get("/conversations/<int:ident>")
    def retrieve(ident: int) -> Response:
        case = world.case(ident)
        if case is None:
            return _error(404, "not_found", "Resource Not Found")
        return jsonify(_conversation(case) | {"conversation_parts": _parts(case)})

    return app


def _refuse() -> Response | None:
    given = request.authorization
    if given and given.type == "bearer" and given.token == TOKEN:
        return None
    return _error(401, "token_unauthorized", "Unauthorized")


def _place(case: Case) -> list[int]:
    """Where a conversation is in a search: what changed last is first."""
    return [-int(case.updated_at.timestamp()), -case.id]


def _reset_header(seconds: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": "166",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": f"{time.time() + seconds:.0f}",
    }


def _error(status: int, code: str, message: str) -> Response:
    return error(status, {"type": "error.list", "errors": [{"code": code, "message": message}]})


def _fits(case: Case, query: dict[str, Any]) -> bool:
    """Only what is needed of the language: an AND of comparisons of `created_at` with Unix times."""
    filters = query.get("value")
    if query.get("operator") != "AND" or not isinstance(filters, list):
        abort(400, "query")
    created = unix(case.created_at) or 0
    for each in filters:
        if each.get("field") != "created_at" or not isinstance(each.get("value"), int):
            abort(400, "query")
        if each.get("operator") not in (">", "<"):
            abort(400, "operator")
        if not (created > each["value"] if each["operator"] == ">" else created < each["value"]):
            return False
    return True


def _list(world: World, found: list[Case], cursor: str, size: int) -> dict[str, Any]:
    following = [case for case in found if not cursor or _place(case) > from_cursor(cursor)]
    page, has_more = world.cut(following, 0, size)
    pages: dict[str, Any] = {
        "type": "pages",
        "page": 1,
        "per_page": size,
        "total_pages": -(-len(found) // size),
    }
    if has_more:
        pages["next"] = {"per_page": size, "starting_after": to_cursor(*_place(page[-1]))}
    if cursor and world.faults.take("circle"):
        pages["next"] = {"per_page": size, "starting_after": cursor}
    conversations = [_conversation(case) for case in page]
    return {
        "type": "conversation.list",
        "pages": pages,
        "total_count": len(found),
        "conversations": conversations,
    }


def _conversation(case: Case) -> dict[str, Any]:
    person = {"type": "user", "id": str(case.requester_id), "name": case.name, "email": case.email}
    return {
        "type": "conversation",
        "id": str(case.id),
        "title": case.subject,
        "created_at": unix(case.created_at),
        "updated_at": unix(case.updated_at),
        "open": case.solved_at is None,
        "state": "closed" if case.solved_at else "open",
        "admin_assignee_id": AGENT_ID if case.replied_at else None,
        "source": {
            "type": "email",
            "id": str(case.id * 10),
            "delivered_as": "customer_initiated",
            "subject": f"<p>{case.subject}</p>",
            "body": html(case.body),
            "author": person,
            "attachments": [],
        },
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": str(case.requester_id)}]},
        "tags": {"type": "tag.list", "tags": []},
        "statistics": {
            "type": "conversation_statistics",
            "first_admin_reply_at": unix(case.replied_at),
            "first_close_at": unix(case.solved_at),
            "last_close_at": unix(case.solved_at),
        },
    }


def _parts(case: Case) -> dict[str, Any]:
    happened = [("comment", html(REPLY), case.replied_at), ("close", None, case.solved_at)]
    parts = [
        {
            "type": "conversation_part",
            "id": str(case.id * 10 + number),
            "part_type": kind,
            "body": body,
            "created_at": unix(at),
            "author": ADMIN,
        }
        for number, (kind, body, at) in enumerate(happened, start=1)
        if at
    ]
    return {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}
