"""Templates of documents on paper: outside any request, so that a job and a command can write them too."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.config import ROOT


def paper_html(template: str, **values: Any) -> str:
    """A template of `templates/pdf`, filled in. Raises what Jinja raises for a value that is missing."""
    return _environment().get_template(f"pdf/{template}").render(**values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ROOT / "templates"), autoescape=True, undefined=StrictUndefined
    )
