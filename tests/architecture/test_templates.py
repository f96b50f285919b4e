"""Every template parses, is asked for by its right name, and holds nothing that the content policy forbids."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from blueprints import _errors
from portal.notifications.mails import TOPICS

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*") if path.is_file())
PAGES = [name for name in NAMES if not name.startswith(("emails/", "pdf/"))]
INLINE = re.compile(
    r"""\sstyle\s*=|<style\b|\son[a-z]+\s*=\s*["']|\shx-on\b|javascript:|<script\b(?![^>]*\bnonce=)""",
    re.IGNORECASE,
)
FORM = re.compile(r"""<form\b[^>]*\bmethod\s*=\s*["']?post\b.*?</form>""", re.IGNORECASE | re.DOTALL)
COMMENT = re.compile(r"{#.*?#}", re.DOTALL)


def source(name: str) -> str:
    return COMMENT.sub("", (TEMPLATES / name).read_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_template_parses(app: Flask, name: str) -> None:
    app.jinja_env.get_template(name)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_inline_in_pages(name: str) -> None:
    assert INLINE.findall(source(name)) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_written_out_form_carries_the_token(name: str) -> None:
    text = source(name)
    kept = (
        r"|{{ inputs }}" if "{% set inputs = hidden_inputs(" in text else ""
    )  # made once for all rows of a list
    bare = [form for form in FORM.findall(text) if not re.search(r"hidden_inputs\(|csrf_token" + kept, form)]
    assert bare == []


def test_the_form_macros_carry_the_token() -> None:
    forms = source("components/forms.html")
    assert 'name="csrf_token" value="{{ csrf_token() }}"' in forms
    opening = forms.partition("macro form_open")[2].partition("endmacro")[0]
    assert "hidden_inputs(organization)" in opening


def test_every_template_that_a_view_names_exists() -> None:
    named = {
        node.value
        for path in (ROOT / "blueprints").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"\w+/\w+\.html", node.value)
    }
    named |= {f"errors/{status}.html" for status in _errors.PAGES}
    assert len(named) > 20
    assert named - set(NAMES) == set()


def test_every_topic_has_its_three_parts() -> None:
    parts = {
        f"emails/{topic}/{part}" for topic in TOPICS for part in ("subject.txt", "body.txt", "body.html")
    }
    written = {
        name for name in NAMES if name.startswith("emails/") and not name.split("/")[-1].startswith("_")
    }
    assert written == parts
