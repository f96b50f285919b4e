"""Taking a POST, or refusing it as told."""

import json
import time

from flask import Flask, Response, request

from standins.catching.faults import Faults
from standins.hooks.slack import refusal
from standins.hooks.store import Store
from standins.serving import drop

REFUSALS = {
    "400": "invalid_payload",
    "403": "action_prohibited",
    "404": "no_service",
    "410": "channel_is_archived",
    "429": "rate_limited",
    "500": "server_error",
}
"""What Slack writes beside each status."""
MODES = ("ok", *REFUSALS, "hang", "drop")
"""What can happen to the next webhooks. All of them are kept, each with its answer.

- `ok`: taken. A status: refused with it; 429 asks for a wait of `seconds`.
- `hang`: no answer for `seconds`, then 500. `drop`: taken, but the connection ends before the sender hears of it.
"""
SLACK = "/hooks/slack"


def add_receiver(app: Flask, store: Store, faults: Faults) -> None:
    """Every path under `/hooks/`; those that begin with `/hooks/slack` are as strict as Slack is about messages."""

    @app.post("/hooks/<path:_name>")
    def receive(_name: str) -> Response:
        body = request.get_data(cache=False)
        mode = faults.take(*MODES[1:])
        error = refusal(_read(body)) if mode is None and request.path.startswith(SLACK) else None
        answer = mode or ("400" if error else "200")
        store.add(body, request.path, request.headers.to_wsgi_list(), answer)
        if mode == "drop":
            drop(request)
        if mode == "hang":
            time.sleep(faults.seconds)
            answer = "500"
        headers = {"Retry-After": f"{faults.seconds:.0f}"} if answer == "429" else {}
        return Response(error or REFUSALS.get(answer, "ok"), int(answer), headers, mimetype="text/plain")


def _read(body: bytes) -> object:
    try:
        found: object = json.loads(body)
    except ValueError:
        return None
    return found
