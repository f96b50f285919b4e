"""Templates and the small things that every page needs."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.wrappers import Response

from standins.stripe.amounts import shown
from standins.stripe.periods import day
from standins.stripe.resources.pricing import cost, rate
from standins.stripe.store import Obj

_FOLDER = Path(__file__).parent.parent / "templates"


def address_lines(address: Obj | None) -> list[str]:
    """An address as it is written on an envelope; empty for none."""
    known = {name: value or "" for name, value in (address or {}).items()}
    town = f"{known.get('postal_code', '')} {known.get('city', '')}".strip()
    lines = [known.get("line1"), known.get("line2"), town, known.get("state"), known.get("country")]
    return [line for line in lines if line]


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"amount": shown, "cost": cost, "day": day, "lines": address_lines, "rate": rate}
    return environment


def render(name: str, **values: Any) -> str:
    """A template as text."""
    return _environment().get_template(name).render(**values)


def page(name: str, status: int = 200, **values: Any) -> Response:
    """A template as an answer."""
    response = Response(render(name, **values), status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; img-src data:; style-src 'self'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def message_page(title: str, text: str, status: int, back: str | None = None) -> Response:
    """A page that says one thing."""
    return page("message.html", status, title=title, text=text, back=back, lang="en")


def stylesheet() -> Response:
    """The one stylesheet."""
    return Response((_FOLDER / "style.css").read_text(), mimetype="text/css")


def see(url: str) -> Response:
    """Goes on to another page after a form."""
    return Response("", 303, {"Location": url})
