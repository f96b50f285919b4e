"""Every customer route belongs to a signed screen, and what is no screen is written down."""

import pytest
from flask import Flask

from blueprints._guards import Door, guard_of
from portal.scope import NO_SCREEN, ROUTES, SCREENS, is_placed, screen_of
from portal.scope.checking import check_scope
from portal.scope.document import ScopeFiles


@pytest.fixture
def endpoints(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules()}


def test_the_portal_is_what_was_signed(endpoints: set[str]) -> None:
    assert check_scope(ScopeFiles(), endpoints) == []


def test_every_route_is_placed_and_every_place_is_used(endpoints: set[str]) -> None:
    assert [endpoint for endpoint in endpoints if not is_placed(endpoint)] == []
    used = endpoints | {endpoint.partition(".")[0] for endpoint in endpoints}
    assert (ROUTES.keys() | NO_SCREEN.keys()) - used == set()


def test_what_needs_a_permission_belongs_to_the_screen_of_that_permission(app: Flask) -> None:
    with app.app_context():
        guards = {endpoint: guard_of(endpoint) for endpoint in app.view_functions}
    of_customers = {
        endpoint: guard.permission
        for endpoint, guard in guards.items()
        if guard and guard.door is Door.PERMISSION
    }
    misplaced = [
        endpoint
        for endpoint, permission in of_customers.items()
        if (screen := screen_of(endpoint)) is None or not screen.can_be_closed or permission is None
    ]
    assert misplaced == []


def test_nobody_can_be_locked_out_of_what_protects_them(endpoints: set[str]) -> None:
    closable = {screen.name for screen in SCREENS if screen.can_be_closed}
    assert closable == {"team", "billing", "usage", "invoices", "api-keys", "activity"}
    for endpoint in endpoints:
        screen = screen_of(endpoint)
        if endpoint.startswith(("auth.", "security.", "recovery.", "notifications.", "help.", "account.")):
            assert screen is None or not screen.can_be_closed, endpoint
