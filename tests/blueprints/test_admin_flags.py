"""Staff's page of flags: support reads, leads write, each change says why."""

from collections.abc import Callable

import pytest
from flask import Flask

from portal.rollout.queries import closed_screens
from tests.blueprints.web import Browser
from tests.factories import World

Browse = Callable[[str | None], Browser]
WHY = "The pilot begins"


def closed(app: Flask, organization_id: str) -> set[str]:
    with app.app_context():
        return set(closed_screens(organization_id))


def test_a_lead_opens_to_a_percentage_and_to_one(app: Flask, world: World, browse: Browse) -> None:
    lead, acme = browse("lead@portal.example"), world.acme.organization_id
    asked = lead.send("GET", "/admin/flags/billing/percent")
    assert 'value="100"' in asked.text
    done = lead.send("POST", "/admin/flags/billing/percent", {"percent": "0", "reason": WHY})
    assert done.location == "/admin/flags"
    assert closed(app, acme) == {"billing"}
    for state, left in (("on", set()), ("off", {"billing"}), ("percent", {"billing"})):
        form = {"organization": " Acme ", "flag_state": state, "reason": WHY}
        assert lead.send("POST", "/admin/flags/billing/organization", form).status_code == 303
        assert closed(app, acme) == left, state
    page = browse("support@portal.example").send("GET", "/admin/flags").text
    assert page.count(WHY) == 4
    assert "Open to a percentage" not in page
    assert "0 of 2 organizations" in page
    activity = browse("owner@acme.example").send("GET", "/account/activity").text
    assert "changed whether the screen Billing is open" in activity
    assert WHY in activity


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("billing/percent", {"percent": "101", "reason": WHY}, "Give a whole number from 0 to 100."),
        ("billing/percent", {"percent": "50,5", "reason": WHY}, "Give a whole number from 0 to 100."),
        ("billing/percent", {"percent": "5", "reason": "x"}, "Say why in at least 5 characters."),
        (
            "billing/organization",
            {"organization": "Nowhere", "reason": WHY},
            "no organization of this id or name",
        ),
        ("billing/organization", {"organization": "  ", "reason": WHY}, "Name an organization."),
    ],
)
def test_what_is_refused_stands_beside_its_field(
    app: Flask, world: World, browse: Browse, path: str, form: dict[str, str], said: str
) -> None:
    answer = browse("lead@portal.example").send("POST", f"/admin/flags/{path}", form)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Not a valid" not in answer.text
    assert all(f'value="{value}"' in answer.text for name, value in form.items() if name != "reason")
    assert closed(app, world.acme.organization_id) == set()


def test_what_is_always_open_has_no_flag(world: World, browse: Browse) -> None:
    lead = browse("lead@portal.example")
    for path in ("security/percent", "help/organization", "parrots/percent"):
        assert lead.send("GET", f"/admin/flags/{path}").status_code == 404
        assert lead.send("POST", f"/admin/flags/{path}", {"percent": "0", "reason": WHY}).status_code == 404
