"""Zendesk: incremental export by cursor, comments of a ticket; API token or OAuth token."""

import time
from typing import Any

from flask import Flask, Response, abort, jsonify, request

from standins.help_desks.inbox import AGENT, AGENT_EMAIL, AGENT_ID, REPLY, Case, html, iso
from standins.help_desks.world import (
    EMAIL,
    TOKEN,
    World,
    create_base,
    error,
    from_cursor,
    seconds_header,
    to_cursor,
)

LARGEST_PAGE = 1_000


def create_zendesk(world: World) -> Flask:
    """Takes `GET /api/v2/incremental/tickets/cursor.json` and `GET /api/v2/tickets/<id>/comments.json`."""
    app = create_base(world, seconds_header, _refuse)

    @app.get("/api/v2/incremental/tickets/cursor.json")
    def export() -> Response:
        position = _position()
        stream = sorted((case for case in world.cases if not case.is_spam), key=_place)
        following = [case for case in stream if _place(case) > position]
        size = request.args.get("per_page", LARGEST_PAGE, int)
        page, has_more = world.cut(following, 0, min(size, LARGEST_PAGE))
        return jsonify(_page(world, page, position, has_more=has_more))

    @app.get("/api/v2/tickets/<int:ident>/comments.json")
    def comments(ident: int) -> Response:
        case = world.case(ident)
        if case is None:
            return error(404, {"error": "RecordNotFound", "description": "Not found"})
        return jsonify(comments=_comments(case), meta={"has_more": False}, links={"next": None})

    return app


def _refuse() -> Response | None:
    given = request.authorization
    is_agent = given is not None and (given.username, given.password) == (f"{EMAIL}/token", TOKEN)
    if is_agent or (given is not None and given.type == "bearer" and given.token == TOKEN):
        return None
    return error(401, {"error": "Couldn't authenticate you"})


def _place(case: Case) -> list[int]:
    """Where a ticket is in the stream: by its last change."""
    return [int(case.updated_at.timestamp()), case.id]


def _position() -> list[int]:
    """Where the stream goes on: after the cursor, or at `start_time`, which is refused within the last minute."""
    if cursor := request.args.get("cursor"):
        try:
            return [int(each) for each in from_cursor(cursor)]
        except ValueError:
            abort(400, "invalid cursor")
    start = request.args.get("start_time", "")
    if not start.isdigit() or int(start) > time.time() - 60:
        abort(422, "start_time must be a Unix time of more than a minute ago")
    return [int(start), 0]


def _page(world: World, cases: list[Case], position: list[int], *, has_more: bool) -> dict[str, Any]:
    asked = request.args.get("include", "").split(",")
    last = _place(cases[-1]) if cases else position
    after = request.args.get("cursor") if world.faults.take("circle") else to_cursor(*last)
    people = [_person(case) for case in cases] + [{"id": AGENT_ID, "name": AGENT, "email": AGENT_EMAIL}]
    return {
        "tickets": [_ticket(case, with_metrics="metric_sets" in asked) for case in cases],
        **({"users": people} if "users" in asked else {}),
        "after_cursor": after,
        "after_url": f"{request.base_url}?cursor={after}",
        "before_cursor": None,
        "before_url": None,
        "end_of_stream": not has_more,
    }


def _person(case: Case) -> dict[str, Any]:
    return {"id": case.requester_id, "name": case.name, "email": case.email, "role": "end-user"}


def _ticket(case: Case, *, with_metrics: bool) -> dict[str, Any]:
    replied = case.replied_at
    minutes = int((replied - case.created_at).total_seconds() // 60) if replied else None
    metric_set = {
        "ticket_id": case.id,
        "created_at": iso(case.created_at),
        "solved_at": iso(case.solved_at),
        "replies": 1 if replied else 0,
        "reopens": 0,
        "reply_time_in_minutes": {"calendar": minutes, "business": None},
    }
    return {
        "id": case.id,
        "created_at": iso(case.created_at),
        "updated_at": iso(case.updated_at),
        "generated_timestamp": int(case.updated_at.timestamp()),
        "subject": case.subject,
        "raw_subject": case.subject,
        "description": case.body,
        "status": "closed" if case.solved_at else "open",
        "via": {"channel": "email", "source": {"from": {}, "to": {}, "rel": None}},
        "requester_id": case.requester_id,
        "submitter_id": case.requester_id,
        "assignee_id": AGENT_ID if replied else None,
        "tags": ["closed_by_merge"] if case.is_merged else [],
        "custom_fields": [{"id": 11, "value": None}, {"id": 12, "value": str(case.minutes * 60)}],
        **({"metric_set": metric_set} if with_metrics else {}),
    }


def _comments(case: Case) -> list[dict[str, Any]]:
    """Oldest first."""
    said = [(case.requester_id, case.body, case.created_at)]
    if case.replied_at:
        said.append((AGENT_ID, REPLY, case.replied_at))
    return [
        {
            "id": case.id * 10 + number,
            "type": "Comment",
            "author_id": author,
            "body": text,
            "html_body": f'<div class="zd-comment" dir="auto">{html(text)}</div>',
            "plain_body": text,
            "public": True,
            "via": {"channel": "email"},
            "created_at": iso(at),
        }
        for number, (author, text, at) in enumerate(said)
    ]
