"""Help Scout: tokens for an app's credentials, and the list of conversations with their threads."""

import re
from datetime import datetime
from typing import Any

from flask import Flask, Response, abort, jsonify, request

from standins.help_desks.inbox import AGENT, AGENT_EMAIL, AGENT_ID, REPLY, Case, html, iso
from standins.help_desks.world import APP_ID, APP_SECRET, World, create_base, error

TOKEN_PATH = "/v2/oauth2/token"
PAGE_SIZE = 25
CREATED_AT = re.compile(r"\(createdAt:\[(\S+) TO (\S+)\]\)")


def create_helpscout(world: World) -> Flask:
    """Takes `POST /v2/oauth2/token` and `GET /v2/conversations`."""
    app = create_base(world, _retry_header, lambda: _refuse(world))

    @app.post(TOKEN_PATH)
    def token() -> Response:
        form = request.form
        if form.get("grant_type") != "client_credentials":
            return error(400, {"error": "unsupported_grant_type"})
        if (form.get("client_id"), form.get("client_secret")) != (APP_ID, APP_SECRET):
            return error(401, {"error": "invalid_client"})
        world.given_tokens += 1
        given = f"given-{world.given_tokens}"
        return jsonify({"token_type": "bearer", "access_token": given, "expires_in": 172_800})

    @app.get("/v2/conversations")
    def conversations() -> Response:
        found = [case for case in world.cases if _fits(case)]
        found.sort(
            key=lambda case: (case.created_at, case.id), reverse=request.args.get("sortOrder") != "asc"
        )
        page = request.args.get("page", 1, int)
        size = min(PAGE_SIZE, world.page_size)
        cases, has_more = world.cut(found, (page - 1) * size, size)
        return jsonify(
            _list(cases, len(found), page, size, has_more=has_more or bool(world.faults.take("circle")))
        )

    return app


def _retry_header(seconds: float) -> dict[str, str]:
    return {"X-RateLimit-Retry-After": f"{seconds:.0f}"}


def _refuse(world: World) -> Response | None:
    """A token is good until it has expired; to get one needs none."""
    given = request.authorization
    number = (given.token or "").removeprefix("given-") if given and given.type == "bearer" else ""
    is_good = number.isdigit() and world.expired_tokens < int(number) <= world.given_tokens
    return None if is_good or request.path == TOKEN_PATH else error(401, {"error": "invalid_token"})


def _fits(case: Case) -> bool:
    """Active ones only, unless all are asked for."""
    if request.args.get("status") != "all" and (case.solved_at or case.is_spam):
        return False
    query = request.args.get("query")
    if query is None:
        return True
    period = CREATED_AT.fullmatch(query)
    if period is None:
        abort(400, "query")
    return datetime.fromisoformat(period[1]) <= case.created_at <= datetime.fromisoformat(period[2])


def _list(cases: list[Case], total: int, page: int, size: int, *, has_more: bool) -> dict[str, Any]:
    """HAL: no `_embedded` where there is nothing, no `next` on the last page."""
    with_threads = request.args.get("embed") == "threads"
    links = {"self": {"href": request.url}}
    if has_more:
        links["next"] = {"href": f"{request.base_url}?page={page + 1}"}
    found = [_conversation(case, with_threads=with_threads) for case in cases]
    return {
        **({"_embedded": {"conversations": found}} if found else {}),
        "_links": links,
        "page": {"size": size, "totalElements": total, "totalPages": -(-total // size), "number": page},
    }


def _conversation(case: Case, *, with_threads: bool) -> dict[str, Any]:
    first, _, last = case.name.partition(" ")
    customer = {
        "id": case.requester_id,
        "type": "customer",
        "first": first,
        "last": last,
        "email": case.email,
    }
    status = "spam" if case.is_spam else "closed" if case.solved_at else "active"
    return {
        "id": case.id,
        "number": case.id - 400,
        "type": "email",
        "status": status,
        "state": "published",
        "subject": case.subject,
        "preview": case.body[:80],
        "assignee": _agent() if case.replied_at else None,
        "createdBy": customer,
        "createdAt": iso(case.created_at),
        "closedAt": iso(case.solved_at),
        "userUpdatedAt": iso(case.updated_at),
        "source": {"type": "email", "via": "customer"},
        "tags": [],
        "primaryCustomer": customer,
        "customFields": [],
        **({"_embedded": {"threads": _threads(case, customer)}} if with_threads else {}),
    }


def _threads(case: Case, customer: dict[str, Any]) -> list[dict[str, Any]]:
    """Newest first."""
    said = [("message", REPLY, case.replied_at, _agent()), ("customer", case.body, case.created_at, customer)]
    return [
        {
            "id": case.id * 10 + number,
            "type": kind,
            "status": "active",
            "state": "published",
            "body": html(text),
            "source": {"type": "email", "via": "customer" if kind == "customer" else "user"},
            "customer": customer,
            "createdBy": author,
            "createdAt": iso(at),
        }
        for number, (kind, text, at, author) in enumerate(said)
        if at
    ]


def _agent() -> dict[str, Any]:
    first, _, last = AGENT.partition(" ")
    return {"id": AGENT_ID, "type": "user", "first": first, "last": last, "email": AGENT_EMAIL}
