"""The frame of the pages on which a person reads what was caught."""

from pathlib import Path

from flask import Flask, Response
from jinja2 import FileSystemLoader

HERE = Path(__file__).parent
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def catcher_app(package: Path) -> Flask:
    """An application with the templates of `package`, the common layout and styles, and a strict policy."""
    app = Flask("catcher", root_path=str(package), static_folder=HERE / "static")
    app.jinja_options = {"loader": FileSystemLoader([package / "templates", HERE / "templates"])}

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return app
