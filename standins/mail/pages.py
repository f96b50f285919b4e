"""The pages on which a person reads the caught mails, the JSON that tests read, and the switches."""

from dataclasses import asdict

from flask import Flask, Response, abort, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from standins.mail.links import with_links
from standins.mail.smtp import MODES, Faults
from standins.mail.store import Mail, Store

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# A mail brings its own styles, and nothing else of it may act: no script, no form, no image from elsewhere.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def create_pages(store: Store, faults: Faults) -> Flask:
    """The web application of the mail catcher."""
    app = Flask(__name__)
    app.jinja_env.filters["with_links"] = with_links
    _add_pages(app, store)
    _add_machine_addresses(app, store, faults)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

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


def _add_machine_addresses(app: Flask, store: Store, faults: Faults) -> None:
    @app.get("/api/mails")
    def mails_as_json() -> Response:
        return jsonify([mail.as_json() for mail in store.newest_first()])

    @app.delete("/api/mails")
    def clear() -> Response:
        return jsonify(deleted=store.clear())

    @app.get("/_control/health")
    def health() -> Response:
        return jsonify(status="ok")

    @app.post("/_control/faults")
    def set_faults() -> tuple[Response, int] | Response:
        try:
            wish = _read_wish(request.get_json())
        except (HTTPException, ValueError) as error:
            return jsonify(error=str(error)), 400
        faults.set(*wish)
        return jsonify(asdict(faults))


def _read_wish(body: object) -> tuple[str, int | None, float]:
    """Mode, count and seconds. Raises `ValueError`."""
    if not isinstance(body, dict) or body.get("mode") not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}")
    count, seconds = body.get("count"), body.get("seconds", 3600.0)
    if count is not None and (not isinstance(count, int) or count < 0):
        raise ValueError("count must be a whole number or absent")
    if not isinstance(seconds, int | float) or seconds < 0:
        raise ValueError("seconds must be a number")
    return str(body["mode"]), count, float(seconds)
