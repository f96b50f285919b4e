"""The addresses that leave the portal lead somewhere."""

import inspect
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.routing import MapAdapter

from portal import links
from portal.scope import SCREENS

LINKS = [
    function
    for name, function in inspect.getmembers(links, inspect.isfunction)
    if function.__module__ == links.__name__ and not name.startswith("_")
]

SAMPLES = {"screen_name": "usage"}


@pytest.fixture
def routes(app: Flask) -> MapAdapter:
    return app.url_map.bind("localhost")


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.__name__)
def test_every_link_in_mails_resolves(app: Flask, routes: MapAdapter, link: Callable[..., str]) -> None:
    with app.app_context():
        url = link(*(SAMPLES.get(name, "something") for name in inspect.signature(link).parameters))
    assert url.startswith("http://localhost/")
    assert routes.test(urlsplit(url).path, "GET")


def test_every_screen_has_a_page(app: Flask) -> None:
    assert {screen.endpoint for screen in SCREENS} <= app.view_functions.keys()


def test_a_forged_host_does_not_reach_a_page(app: Flask) -> None:
    assert app.test_client().get("/auth/sign-in", headers={"Host": "evil.example"}).status_code == 400
