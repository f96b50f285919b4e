"""The pages on which a person reads the caught mails, the JSON that tests read, and the switches."""

from pathlib import Path

from flask import Flask, Response, abort, jsonify, render_template

from standins.catching.faults import Faults, add_control
from standins.catching.pages import catcher_app
from standins.mail.links import with_links
from standins.mail.smtp import MODES
from standins.mail.store import Mail, Store

# A mail brings its own styles, and nothing else of it may act: no script, no form, no image from elsewhere.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def create_pages(store: Store, faults: Faults) -> Flask:
    """The web application of the mail catcher."""
    app = catcher_app(Path(__file__).parent)
    app.jinja_env.filters["with_links"] = with_links
    _add_pages(app, store)
    _add_machine_addresses(app, store)
    add_control(app, faults, MODES)
    return app


def _find(store: Store, mail_id: str) -> Mail:
    return store.get(mail_id) or abort(404)


def _add_pages(app: Flask, store: Store) -> None:
    @app.get("/")
    def mails() -> str:
        return render_template("mails.html", mails=store.newest_first())

    @app.get("/mails/<mail_id>")
    def mail(mail_id: str) -> str:
        return render_template("mail.html", mail=_find(store, mail_id))

    @app.get("/mails/<mail_id>/html")
    def html(mail_id: str) -> Response:
        """For the frame. Links open in a new tab: the frame itself may go nowhere."""
        content = _find(store, mail_id).html or abort(404)
        response = Response('<base target="_blank">' + content, mimetype="text/html")
        response.headers["Content-Security-Policy"] = MAIL_POLICY
        return response

    @app.get("/mails/<mail_id>/source")
    def source(mail_id: str) -> Response:
        return Response(_find(store, mail_id).raw, mimetype="text/plain")


def _add_machine_addresses(app: Flask, store: Store) -> None:
    @app.get("/api/mails")
    def mails_as_json() -> Response:
        return jsonify([mail.as_json() for mail in store.newest_first()])

    @app.delete("/api/mails")
    def clear() -> Response:
        return jsonify(deleted=store.clear())
