"""Doubles at the gateways. `tests/portal/gateways/test_fakes.py` holds them against the real interfaces."""

from email.message import EmailMessage
from typing import Any

from portal.gateways.mailer import Mailer
from portal.gateways.slack import SlackWebhook
from portal.gateways.vies import ViesAnswer, ViesRegister
from tests.fake_stripe import CARD, SUBSCRIPTION, FakeStripe

__all__ = ["CARD", "SUBSCRIPTION", "FakeMailer", "FakeSlack", "FakeStripe"]


class FakeMailer(Mailer):
    """Keeps what it was given to send; `error` is raised instead, if set."""

    def __init__(self) -> None:
        super().__init__("smtp://localhost:1")
        self.sent: list[EmailMessage] = []
        self.error: Exception | None = None

    def send(self, message: EmailMessage) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(message)


class FakeVies(ViesRegister):
    """Knows the numbers in `known`; `error` is raised instead of an answer, if set."""

    def __init__(self) -> None:
        super().__init__("http://localhost:1")
        self.known = {"DE136695976": "Acme GmbH"}
        self.asked: list[str] = []
        self.error: Exception | None = None

    def look_up(self, number: str) -> ViesAnswer:
        self.asked.append(number)
        if self.error is not None:
            raise self.error
        return ViesAnswer(number in self.known, self.known.get(number, ""))


class FakeSlack(SlackWebhook):
    """Keeps what it was given to post, with its key; `error` is raised instead, if set."""

    def __init__(self) -> None:
        super().__init__("http://localhost:1/hooks/slack")
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None

    def send(self, message: dict[str, Any], *, idempotency_key: str) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((idempotency_key, message))
