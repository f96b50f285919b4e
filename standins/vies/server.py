"""The register over HTTP, and how it fails when it is told to."""

import time

from flask import Flask, Response, jsonify, request

from standins.catching.faults import Faults, add_control
from standins.serving import drop
from standins.vies.registry import answer, failure

MODES = ("ok", "down", "busy", "500", "html", "hang", "reset")
"""`down`: the service itself; `busy`: too many requests at once; `html`: a page for people; `hang`: `seconds`."""


def create_register(faults: Faults) -> Flask:
    """Takes `POST /check-vat-number`."""
    app = Flask(__name__)
    add_control(app, faults, MODES)

    @app.post("/check-vat-number")
    def check_vat_number() -> Response | tuple[Response, int] | tuple[str, int]:
        mode = faults.take(*MODES[1:])
        if mode == "hang":
            time.sleep(faults.seconds)
        if mode == "reset":
            drop(request)
        if mode == "html":
            return "<h1>Service unavailable</h1>", 200
        if mode == "500":
            return jsonify(failure("SERVICE_UNAVAILABLE")), 500
        if mode in ("down", "busy"):
            return jsonify(failure("SERVICE_UNAVAILABLE" if mode == "down" else "GLOBAL_MAX_CONCURRENT_REQ"))
        return jsonify(answer(request.get_json(silent=True)))

    return app
