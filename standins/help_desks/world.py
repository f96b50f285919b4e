"""What the four have in common: the inbox, who may ask, what was asked, and how it goes wrong."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from standins.catching.faults import Faults, add_control
from standins.help_desks.inbox import Case
from standins.serving import drop

TOKEN = "standin-token"
APP_ID, APP_SECRET = "standin-app", "standin-app-secret"
EMAIL = "admin@help.example"
MODES = (
    "ok", "429", "429-date", "429-silent", "401", "403", "404", "500", "503", "html", "cut", "hang", "reset", "circle",
    "expire", "redirect",
)  # fmt: skip
"""`429` and `503` come with `seconds` to wait, said as the product says it, `429-date` as a date, `429-silent` unsaid.
`cut`: half an answer; `hang`: `seconds`; `circle`: the list never ends; `expire`: no token given out so far is any good
(Help Scout)."""
WaitHeaders = Callable[[float], dict[str, str]]


@dataclass
class World:
    """One account of a help desk. A page holds `page_size` at most, whatever is asked for.

    `good_for`: after how many requests no token is taken any more.
    """

    cases: list[Case]
    page_size: int
    faults: Faults = field(default_factory=Faults)
    asked: list[dict[str, Any]] = field(default_factory=list)
    good_for: int | None = None
    given_tokens: int = 0
    expired_tokens: int = 0

    def case(self, ident: int) -> Case | None:
        """By its id."""
        return next((case for case in self.cases if case.id == ident), None)

    def touch(self, ident: int) -> None:
        """Somebody changes a ticket now."""
        latest = max(case.updated_at for case in self.cases)
        for case in self.cases:
            if case.id == ident:
                case.updated_at = latest + timedelta(seconds=1)

    def delete(self, ident: int) -> None:
        """Somebody deletes a ticket now."""
        self.cases = [case for case in self.cases if case.id != ident]

    def cut(self, cases: list[Case], start: int, asked_size: int) -> tuple[list[Case], bool]:
        """A page from `start` on, and whether more follow."""
        end = start + min(asked_size, self.page_size)
        return cases[start:end], end < len(cases)


def seconds_header(seconds: float) -> dict[str, str]:
    """As Zendesk and Freshdesk say how long to wait."""
    return {"Retry-After": f"{seconds:.0f}"}


def error(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """An answer that is none."""
    answer = jsonify(body)
    answer.status_code = status
    answer.headers.update(headers or {})
    return answer


def to_cursor(*parts: object) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def from_cursor(cursor: str) -> list[Any]:
    """What `to_cursor` was given. Raises `ValueError`."""
    parts = json.loads(base64.urlsafe_b64decode(cursor))
    if not isinstance(parts, list):
        raise ValueError("not a cursor")
    return parts


def create_base(world: World, wait_headers: WaitHeaders, refuse: Callable[[], Response | None]) -> Flask:
    """An application that fails as it is told to, keeps what it was asked and has the controls.

    `refuse` answers who may not ask.
    """
    app = Flask(__name__)
    add_control(app, world.faults, MODES)

    @app.before_request
    def fail() -> Response | None:
        if request.path.startswith("/_control/"):
            return None
        asked = {"method": request.method, "path": request.path, "args": request.args.to_dict()}
        version, token = request.headers.get("Intercom-Version"), request.headers.get("Authorization")
        world.asked.append({**asked, "version": version, "has_token": token is not None})
        return _fault(world, wait_headers) or refuse()

    @app.after_request
    def shorten(answer: Response) -> Response:
        if not request.path.startswith("/_control/") and world.faults.take("cut"):
            answer.set_data(answer.get_data()[: len(answer.get_data()) // 2])
        return answer

    @app.errorhandler(HTTPException)
    def say(problem: HTTPException) -> Response:
        return error(problem.code or 500, {"error": problem.name, "description": problem.description})

    return app


def _fault(world: World, wait_headers: WaitHeaders) -> Response | None:
    if world.good_for is not None and len(world.asked) > world.good_for:
        return error(401, {"error": "the token has expired"})
    if world.faults.take("expire"):
        world.expired_tokens = world.given_tokens
    return _limit(world.faults, wait_headers) or _break(world.faults)


def _limit(faults: Faults, wait_headers: WaitHeaders) -> Response | None:
    said = {"error": "too many requests"}
    if faults.take("429-silent"):
        return error(429, said)
    if faults.take("429-date"):
        at = datetime.now(UTC) + timedelta(seconds=faults.seconds)
        return error(429, said, {"Retry-After": format_datetime(at, usegmt=True)})
    if mode := faults.take("429", "503"):
        return error(int(mode), said, wait_headers(faults.seconds))
    return None


def _break(faults: Faults) -> Response | None:
    if mode := faults.take("401", "403", "404", "500"):
        return error(int(mode), {"error": f"as told: {mode}"})
    if faults.take("redirect"):
        return error(302, {}, {"Location": f"{request.host_url}elsewhere"})
    if faults.take("html"):
        return Response("<h1>Back soon</h1>", mimetype="text/html")
    if faults.take("hang"):
        time.sleep(faults.seconds)
    if faults.take("reset"):
        drop(request)
    return None
