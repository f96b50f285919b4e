"""The doubles have the interface of what they stand for."""

import inspect
from typing import Any

import pytest

from portal.gateways.mailer import Mailer
from portal.gateways.slack import SlackWebhook
from portal.gateways.stripe_api import StripeGateway
from portal.gateways.vies import ViesRegister
from tests.fakes import FakeMailer, FakeSlack, FakeStripe, FakeVies

PAIRS = [
    (FakeStripe, StripeGateway),
    (FakeMailer, Mailer),
    (FakeSlack, SlackWebhook),
    (FakeVies, ViesRegister),
]


def public(kind: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(("fake", "real"), PAIRS, ids=lambda kind: kind.__name__)
def test_signatures_are_equal(fake: type, real: type) -> None:
    wanted = {name: inspect.signature(function) for name, function in public(real).items()}
    assert {name: inspect.signature(function) for name, function in public(fake).items()} == wanted


@pytest.mark.parametrize(("fake", "real"), PAIRS, ids=lambda kind: kind.__name__)
def test_every_call_to_the_outside_is_replaced(fake: type, real: type) -> None:
    same = {name for name in public(real) if name not in vars(fake)}
    assert same <= {"verify_event"}, "these would go out to the network"
