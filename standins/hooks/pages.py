"""The pages on which a person reads the caught webhooks, and the JSON that tests read."""

from pathlib import Path

from flask import Flask, Response, abort, jsonify, render_template

from standins.catching.faults import Faults, add_control
from standins.catching.pages import catcher_app
from standins.hooks.receiving import MODES, SLACK, add_receiver
from standins.hooks.slack import drawn, refusal
from standins.hooks.store import Hook, Store


def create_pages(store: Store, faults: Faults) -> Flask:
    """The web application of the webhook catcher."""
    app = catcher_app(Path(__file__).parent)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # else the reset that drops a connection becomes an answer
    app.jinja_env.filters["drawn"] = drawn
    app.jinja_env.tests["a_message"] = is_message
    add_receiver(app, store, faults)
    _add_pages(app, store)
    _add_machine_addresses(app, store)
    add_control(app, faults, MODES)
    return app


def is_message(hook: Hook) -> bool:
    """Whether it is drawn as a message of Slack."""
    return hook.path.startswith(SLACK) and refusal(hook.payload) is None


def _add_pages(app: Flask, store: Store) -> None:
    @app.get("/")
    def hooks() -> str:
        return render_template("hooks.html", hooks=store.newest_first())

    @app.get("/caught/<hook_id>")
    def hook(hook_id: str) -> str:
        return render_template("hook.html", hook=store.get(hook_id) or abort(404))


def _add_machine_addresses(app: Flask, store: Store) -> None:
    @app.get("/api/hooks")
    def hooks_as_json() -> Response:
        return jsonify([hook.as_json() for hook in store.newest_first()])

    @app.delete("/api/hooks")
    def clear() -> Response:
        return jsonify(deleted=store.clear())
