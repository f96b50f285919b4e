"""`flask stripe configure` and `flask stripe drift` against the stand-in: what is written, found and told."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import delete, select

from jobs.find_portal_drift import find_portal_drift
from jobs.work import Work
from portal.extensions import db
from portal.gateways.stripe_api import StripeGateway
from portal.identity.models import Organization
from portal.notifications.models import OutboxMessage
from portal.stripe_portal import drift
from portal.stripe_portal.configure import configure
from portal.stripe_portal.drift import note_configuration_event
from portal.stripe_portal.file import PortalFile, PortalFileError
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.queries import Feature, allowed_features, switchable_products
from tests.conftest import make_settings
from tests.factories import World
from tests.portal.stripe_portal.portal_files import PLAIN, portal_file, sell_plans
from tests.support import stripe_spec
from tests.support.stripe_standin import SECRET_KEY, StripeStandin

CONFIGURATIONS = "/v1/billing_portal/configurations"
Plant = Callable[[dict[str, Any]], None]
CHANGED: dict[str, Any] = {
    "active": False,
    "business_profile": {"headline": "Hi"},
    "default_return_url": "https://elsewhere.example",
    "login_page": {"enabled": True},
    "features": {
        "customer_update": {"enabled": True, "allowed_updates": ["email"]},
        "subscription_cancel": {"enabled": False},
        "subscription_update": {"schedule_at_period_end": {"conditions": ""}},
    },
}
"""What somebody may change in the dashboard; and the places that are named, with what stands there."""
FOUND = {
    "active": "off",
    "business_profile.headline": "Hi",
    "default_return_url": "https://elsewhere.example",
    "login_page.enabled": "on",
    "features.customer_update.enabled": "on",
    "features.subscription_cancel.enabled": "off",
    "features.subscription_update.schedule_at_period_end.conditions": "none",
}


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as process:
        yield process


@pytest.fixture
def sold(app: Flask, standin: StripeStandin) -> Iterator[dict[str, str]]:
    """The portal beside an account that sells what the file names; every request is judged afterwards."""
    standin.reset()
    settings = make_settings("sqlite:///x", stripe_secret_key=SECRET_KEY, stripe_api_base=standin.url)
    app.extensions["portal"].stripe = StripeGateway(settings)
    api = standin.client().v1
    api.billing_portal.configurations.create(
        {"features": {"invoice_history": {"enabled": True}}}
    )  # the default one
    standin.clear_requests()
    yield sell_plans(api)
    for request in standin.requests():
        if request["status"] != 404:
            stripe_spec.validate_request(request["method"], request["path"], request["pairs"])


@pytest.fixture
def file(sold: dict[str, str], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PortalFile:
    """The portal's file, also for the job and for events."""
    found = portal_file(tmp_path)
    monkeypatch.setattr(drift, "read_portal_file", lambda: found)
    monkeypatch.setattr("jobs.find_portal_drift.read_portal_file", lambda: found)
    return found


@pytest.fixture
def plant(standin: StripeStandin, file: PortalFile) -> Plant:
    """Configure; gives what changes the standard class as somebody would in the dashboard."""
    configure(file)
    stripe_id = stored("standard").stripe_id
    configurations: Any = standin.client().v1.billing_portal.configurations

    def change(values: dict[str, Any]) -> None:
        configurations.update(stripe_id, values)

    return change


def stored(customer_class: str) -> StripeConfiguration:
    statement = select(StripeConfiguration).where(StripeConfiguration.customer_class == customer_class)
    return db.session.scalars(statement).one()


def writes(standin: StripeStandin, since: int = 0) -> list[dict[str, Any]]:
    found = standin.requests(since)
    return [one for one in found if one["method"] == "POST" and one["path"].startswith(CONFIGURATIONS)]


def told() -> list[OutboxMessage]:
    statement = select(OutboxMessage).where(OutboxMessage.topic == "portal-drifted")
    return list(db.session.scalars(statement))


def call(app: Flask, command: str, tmp_path: Path, *more: str) -> Result:
    db.session.remove()
    return app.test_cli_runner().invoke(
        args=["stripe", command, "--file", str(tmp_path / "portal.toml"), *more]
    )


def test_a_second_run_changes_nothing(
    standin: StripeStandin, file: PortalFile, sold: dict[str, str], world: World
) -> None:
    assert [one.outcome for one in configure(file)] == ["created", "created"]
    count = len(writes(standin))
    assert [one.outcome for one in configure(file)] == ["unchanged", "unchanged"]
    assert len(writes(standin)) == count == 2
    organization = db.session.get_one(Organization, world.acme.organization_id)
    pro, starter = switchable_products(organization)
    assert (pro.product_id, pro.price_ids) == (sold["pro"], (sold["pro-monthly"], sold["pro-yearly"]))
    assert (pro.has_adjustable_seats, pro.minimum, pro.maximum) == (True, 1, 50)
    assert (starter.product_id, starter.price_ids) == (sold["starter"], (sold["starter-monthly"],))
    assert not starter.has_adjustable_seats
    assert allowed_features(organization) == set(Feature) - {Feature.DETAILS}
    organization.customer_class = "managed"
    assert switchable_products(organization) == ()
    assert allowed_features(organization) == {Feature.INVOICES}


def test_changes_in_the_dashboard_are_found_and_taken_back(app: Flask, plant: Plant, tmp_path: Path) -> None:
    assert call(app, "drift", tmp_path).exit_code == 0
    plant(CHANGED)
    result = call(app, "drift", tmp_path)
    assert (result.exit_code, result.stderr) == (1, "Error: Stripe differs from portal.toml in 7 places.\n")
    for place, found in FOUND.items():
        diff = result.stdout.partition(f"  {place}\n")[2].splitlines()[:2]
        assert (diff[0][:4], diff[1]) == ("  - ", f"  + {found}")
    found = json.loads(call(app, "drift", tmp_path, "--json").stdout)["classes"][0]["differences"]
    assert {one["place"]: one["at_stripe"] for one in found} == FOUND
    assert "standard: updated" in call(app, "configure", tmp_path).stdout
    assert call(app, "drift", tmp_path).exit_code == 0


def test_products_prices_and_seats_are_compared(
    app: Flask, plant: Plant, sold: dict[str, str], tmp_path: Path
) -> None:
    """Stripe leaves them out of its answers unless they are asked for."""
    seats = {"enabled": True, "minimum": 1, "maximum": 99}
    pro = {"product": sold["pro"], "prices": [sold["pro-monthly"]], "adjustable_quantity": seats}
    more = {"product": sold["secret"], "prices": [sold["secret-monthly"]]}
    plant({"features": {"subscription_update": {"enabled": True, "products": [pro, more]}}})
    result = call(app, "drift", tmp_path, "--json")
    found = json.loads(result.stdout)["classes"][0]["differences"]
    assert [one["place"].rpartition("products.")[2] for one in found] == [
        f"{sold[product]}.{part}"
        for product in ("pro", "starter", "secret")
        for part in ("prices", "adjustable_quantity")
    ]


def test_a_file_that_is_ahead_is_told_from_a_change_at_stripe(
    app: Flask, plant: Plant, tmp_path: Path
) -> None:
    ahead = "has changed since flask stripe configure"
    plant({"business_profile": {"headline": "Hi"}})
    assert ahead not in call(app, "drift", tmp_path).stdout
    portal_file(tmp_path, PLAIN.replace("Billing of", "Bills of"))
    assert ahead in call(app, "drift", tmp_path).stdout


def test_a_run_that_died_before_our_commit_is_taken_up(standin: StripeStandin, file: PortalFile) -> None:
    configure(file)
    stripe_id = stored("standard").stripe_id
    db.session.execute(delete(StripeConfiguration))
    db.session.commit()
    assert {one.outcome for one in configure(file)} == {"unchanged"}
    assert stored("standard").stripe_id == stripe_id


def test_the_configuration_of_another_portal_is_left_alone(standin: StripeStandin, file: PortalFile) -> None:
    marks = {"portal": "https://staging.example", "portal_class": "standard"}
    features: Any = {"invoice_history": {"enabled": True}}
    standin.client().v1.billing_portal.configurations.create({"features": features, "metadata": marks})
    assert [one.outcome for one in configure(file)] == ["created", "created"]


def test_the_configuration_that_the_environment_names_is_used(
    app: Flask, standin: StripeStandin, file: PortalFile
) -> None:
    features: Any = {"invoice_history": {"enabled": True}}
    made = standin.client().v1.billing_portal.configurations.create({"features": features}).id
    with_settings(app, stripe_portal_config_id=made)
    standard, managed = configure(file)
    assert (standard.outcome, standard.stripe_id) == ("updated", made)
    assert (managed.outcome, managed.stripe_id != made) == ("created", True)
    with_settings(app, stripe_portal_config_id="bpc_gone")
    with pytest.raises(PortalFileError, match=r"STRIPE_PORTAL_CONFIG_ID: .* no bpc_gone in test mode"):
        configure(file)


def with_settings(app: Flask, **more: Any) -> None:
    app.extensions["portal"].settings = make_settings("sqlite:///x", **more)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"pro-yearly"', '"pro-weekly"', "lookup key pro-weekly"),
        ('{ plan = "starter" }', '{ plan = "team" }', "no active products .* plan = team"),
        ('metadata = { plan = "starter" }', 'lookup_keys = ["pro-yearly"]', "listed twice"),
    ],
)
def test_nothing_is_written_where_the_account_does_not_sell_it(
    app: Flask, standin: StripeStandin, file: PortalFile, tmp_path: Path, old: str, new: str, named: str
) -> None:
    changed = portal_file(tmp_path, PLAIN.replace(old, new))
    with pytest.raises(PortalFileError, match=named):
        configure(changed)
    assert writes(standin) == []
    assert call(app, "configure", tmp_path).exit_code == 1


def test_a_class_that_organizations_are_of_must_stay(file: PortalFile, world: World) -> None:
    db.session.get_one(Organization, world.acme.organization_id).customer_class = "partners"
    db.session.commit()
    with pytest.raises(PortalFileError, match=r"partners \(1\)"):
        configure(file)


def test_staff_are_told_once_of_the_same_change(plant: Plant) -> None:
    stripe_id = stored("standard").stripe_id
    marked: list[int] = []
    for _ in range(2):
        plant({"business_profile": {"headline": "Hi"}})
        note_configuration_event(stripe_id, lambda: marked.append(1))
    note_configuration_event("bpc_of_somebody_else", lambda: marked.append(1))
    assert find_portal_drift(Work("worker")) == 1
    (message,) = told()
    assert len(marked) == 3
    assert message.payload["differences"] == [
        "business_profile.headline: Billing of Skylark in the file, Hi at Stripe"
    ]
    plant({"business_profile": {"headline": "Billing of Skylark"}})
    assert find_portal_drift(Work("worker")) == 0
    plant({"business_profile": {"headline": "Hi"}})
    assert find_portal_drift(Work("worker")) == 1
    assert len(told()) == 2


def test_what_cannot_be_told_ends_with_2(
    app: Flask, plant: Plant, standin: StripeStandin, tmp_path: Path
) -> None:
    standin.faults("500")
    assert call(app, "drift", tmp_path).exit_code == 2
    standin.faults("ok")


def test_a_class_that_was_never_configured_is_a_difference(
    app: Flask, file: PortalFile, tmp_path: Path
) -> None:
    result = call(app, "drift", tmp_path)
    assert (result.exit_code, result.stdout.count("flask stripe configure")) == (1, 2)
