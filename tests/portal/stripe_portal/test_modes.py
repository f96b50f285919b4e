"""Live and test must not be mixed: what does not agree is named, and keeps the portal from being ready."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from jobs.find_pinned_configuration import find_pinned_configuration
from jobs.work import Work
from portal.extensions import db
from portal.gateways.stripe_api.webhooks import secret_hint
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.stripe_mirror.models import EventStatus, StripeEvent, StripeSync
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.modes import contradictions
from portal.stripe_portal.queries import NotConfiguredError, configuration_for
from tests.conftest import make_settings
from tests.factories import World
from tests.fakes import FakeStripe

TEST, LIVE = False, True
OLD, NEW = "whsec_old", "whsec_new"


@pytest.fixture(autouse=True)
def _two_secrets(app: Flask) -> None:
    use(app)


def use(app: Flask, **more: Any) -> None:
    values = {"stripe_webhook_secrets": f"{OLD},{NEW}", **more}
    app.extensions["portal"].settings = make_settings("sqlite:///x", **values)


def signed(secret: str, livemode: bool, number: int = 1) -> StripeEvent:
    moment = utcnow() - timedelta(seconds=number)
    return StripeEvent(
        id=f"evt_{secret}_{livemode}_{number}",
        type="customer.updated",
        livemode=livemode,
        payload="{}",
        status=EventStatus.IGNORED,
        secret_hint=secret_hint(secret.encode()),
        created_at=moment,
        received_at=moment,
    )


def configuration(livemode: bool, customer_class: str = "standard") -> StripeConfiguration:
    name = f"bpc_{customer_class}_{'live' if livemode else 'test'}"
    return StripeConfiguration(customer_class=customer_class, stripe_id=name, livemode=livemode)


def store(*rows: object) -> None:
    db.session.add_all(rows)
    db.session.commit()


def test_what_agrees_is_not_named(world: World) -> None:
    assert contradictions() == []
    store(signed(NEW, TEST), StripeSync(customer_id="cus_1", livemode=TEST), StripeSync(customer_id="cus_2"))
    store(configuration(TEST), configuration(LIVE))
    assert contradictions() == []


def test_a_secret_of_the_other_mode_is_named_by_its_place(world: World) -> None:
    store(*(signed(NEW, LIVE, number) for number in range(3)), signed(OLD, TEST), signed("whsec_gone", LIVE))
    assert contradictions() == [
        "STRIPE_WEBHOOK_SECRETS (number 2) signs live events, but STRIPE_SECRET_KEY is a test key."
    ]


def test_a_secret_that_signs_both_modes_is_a_platforms(world: World) -> None:
    store(signed(NEW, LIVE), signed(NEW, TEST, 2))
    assert contradictions() == []


def test_customers_of_the_other_mode_are_named(world: World) -> None:
    store(StripeSync(customer_id="cus_gone", livemode=LIVE, deleted_at=utcnow()))
    assert contradictions() == []
    store(StripeSync(customer_id="cus_live", livemode=LIVE))
    assert contradictions() == [
        "The database holds live customers (cus_live), but STRIPE_SECRET_KEY is a test key."
    ]


def test_configurations_of_the_other_mode_are_named(app: Flask, world: World) -> None:
    store(configuration(LIVE))
    (named,) = contradictions()
    assert named.startswith("The portal configurations are live ones")
    store(configuration(TEST))
    assert contradictions() == []
    use(app, stripe_portal_config_id="bpc_standard_live")
    (named,) = contradictions()
    assert named.startswith("STRIPE_PORTAL_CONFIG_ID is a live configuration")


def test_a_pinned_configuration_that_the_key_does_not_reach_is_named(
    app: Flask, world: World, stripe: FakeStripe
) -> None:
    """With an empty database too: the worker asks Stripe, and readiness reads what it found."""
    use(app, stripe_portal_config_id="bpc_live")
    assert contradictions() == []
    for _ in range(2):
        assert find_pinned_configuration(Work("worker")) == 1
    (named,) = contradictions()
    assert named.startswith("STRIPE_PORTAL_CONFIG_ID: there is no bpc_live in test mode")
    assert app.test_client().get("/readyz").get_json()["reason"] == named
    use(app, stripe_portal_config_id="bpc_right")
    assert contradictions() == [], "it was said of another one"
    stripe.configurations["bpc_right"] = {"id": "bpc_right", "livemode": True}
    assert find_pinned_configuration(Work("worker")) == 1
    stripe.configurations["bpc_right"]["livemode"] = False
    assert find_pinned_configuration(Work("worker")) == 0
    assert (contradictions(), db.session.scalars(db.select(StripeConfiguration)).all()) == ([], [])


def test_without_stripe_nothing_contradicts(app: Flask, world: World) -> None:
    store(configuration(LIVE), StripeSync(customer_id="cus_1", livemode=LIVE))
    use(app, stripe_secret_key=None)
    assert contradictions() == []


def test_readyz_names_the_contradiction_and_configure_refuses(app: Flask, world: World) -> None:
    assert app.test_client().get("/readyz").status_code == 200
    store(StripeSync(customer_id="cus_live", livemode=LIVE))
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["reason"]) == (503, contradictions()[0])
    result = app.test_cli_runner().invoke(args=["stripe", "configure"])
    assert (result.exit_code, result.stderr) == (1, f"Error: {contradictions()[0]}\n")


def test_visits_use_the_configuration_of_the_class_and_the_mode(app: Flask, world: World) -> None:
    organization = db.session.get_one(Organization, world.acme.organization_id)
    assert configuration_for(organization) is None
    store(configuration(LIVE), configuration(LIVE, "managed"))
    assert configuration_for(organization) is None
    store(configuration(TEST))
    assert configuration_for(organization) == "bpc_standard_test"
    organization.customer_class = "managed"
    with pytest.raises(NotConfiguredError):
        configuration_for(organization)
    store(configuration(TEST, "managed"))
    use(app, stripe_portal_config_id="bpc_pinned")
    assert configuration_for(organization) == "bpc_managed_test"
    organization.customer_class = "standard"
    assert configuration_for(organization) == "bpc_pinned"
