"""Requests to Stripe: the version, how long and how often they are tried, and what becomes of failures."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import stripe
from pydantic import SecretStr

from portal.config import Settings, SettingsError
from portal.errors import NotFoundError
from portal.gateways.stripe_api.errors import SpentKeyError, StripeRefusedError, StripeUnavailableError
from portal.gateways.stripe_objects.kit import Tree

API_VERSION = "2026-05-27.dahlia"
TIMEOUT_SECONDS = 2.0
"""For one try. With the one retry below a page still answers within 5 seconds."""
PATIENT_TIMEOUT_SECONDS = 10.0
"""For one try where nobody waits for a page. With the one retry it ends well within the lease of claimed work."""
REST_SECONDS = 10
LONGEST_REST_SECONDS = 60
KEPT_SECONDS = 600
PAGE = 100
Made = TypeVar("Made")
log = logging.getLogger("portal.stripe")
_is_patient: ContextVar[bool] = ContextVar("is_patient", default=False)


@contextmanager
def patience() -> Iterator[None]:
    """Within it, in this thread, Stripe has longer to answer: a large customer takes more than a page has time for."""
    token = _is_patient.set(True)
    try:
        yield
    finally:
        _is_patient.reset(token)


class Connection:
    """Plain trees in and out. Raises `NotFoundError`, `StripeRefusedError` and `StripeUnavailableError`."""

    def __init__(self, settings: Settings) -> None:
        if settings.stripe_secret_key is None:
            raise SettingsError("STRIPE_SECRET_KEY: is missing")
        self._client = _client(settings, settings.stripe_secret_key, TIMEOUT_SECONDS)
        self._patient_client = _client(settings, settings.stripe_secret_key, PATIENT_TIMEOUT_SECONDS)
        self._rests_until = 0.0
        self._kept: dict[str, tuple[float, Any]] = {}

    @property
    def is_resting(self) -> bool:
        """Whether Stripe failed a moment ago: pages then show what is known, instead of each waiting for it."""
        return time.monotonic() < self._rests_until

    def _get(self, path: str, parameters: Tree | None = None, *, tries: int = 2) -> Tree:
        return self._ask("get", path, parameters, max_network_retries=tries - 1)

    def _post(self, path: str, parameters: Tree, *, key: str | None, tries: int = 2) -> Tree:
        """`key` is the idempotency key; None only where nothing is written (previews)."""
        return self._ask("post", path, parameters, max_network_retries=tries - 1, idempotency_key=key)

    def _delete(self, path: str, *, key: str) -> None:
        self._ask("delete", path, None, max_network_retries=1, idempotency_key=key)

    def _pages(self, path: str, parameters: Tree, *, tries: int = 2) -> Iterator[Tree]:
        """Every object of a list, page by page."""
        wanted = {"limit": PAGE, **parameters}
        while True:
            page = self._get(path, wanted, tries=tries)
            yield from page["data"]
            if not page["has_more"] or not page["data"]:
                return
            wanted["starting_after"] = page["data"][-1]["id"]

    def _all_of(self, embedded: Tree | None, path: str, parameters: Tree, *, tries: int = 2) -> list[Tree]:
        """The list that came with an object, or all its pages where that was only the first."""
        if embedded is None:
            return []
        if not embedded["has_more"]:
            return list(embedded["data"])
        return list(self._pages(path, parameters, tries=tries))

    def _keep(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` gives, remembered for ten minutes."""
        kept_at, value = self._kept.get(name, (float("-inf"), None))
        if time.monotonic() - kept_at > KEPT_SECONDS:
            value = make()
            self._kept[name] = (time.monotonic(), value)
        made: Made = value
        return made

    def _ask(self, method: str, path: str, parameters: Tree | None, **options: Any) -> Tree:
        client = self._patient_client if _is_patient.get() else self._client
        with self._typed_errors():
            answer: Tree = client.raw_request(method, path, **(parameters or {}), **options).data
            return answer

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        """Stripe's errors as ours. What is logged names the call, never a person."""
        try:
            yield
        except (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError) as error:
            if error.http_status == HTTPStatus.NOT_FOUND and error.code in (None, "resource_missing"):
                raise NotFoundError("Stripe does not know this.") from None
            log.warning("stripe refused", extra=_facts(error))
            kind = SpentKeyError if isinstance(error, stripe.IdempotencyError) else StripeRefusedError
            raise kind(code=error.code, param=getattr(error, "param", None)) from error
        except stripe.StripeError as error:
            wait = seconds_to_wait((error.headers or {}).get("retry-after"))
            rest = min(max(wait or 0, REST_SECONDS), LONGEST_REST_SECONDS)
            self._rests_until = time.monotonic() + rest
            log.warning("stripe failed", extra=_facts(error))
            raise StripeUnavailableError(retry_after_seconds=wait) from error


def _client(settings: Settings, key: SecretStr, timeout_seconds: float) -> stripe.StripeClient:
    addresses: Any = {"api": settings.stripe_api_base} if settings.stripe_api_base else {}
    return stripe.StripeClient(
        key.get_secret_value(),
        stripe_version=API_VERSION,
        base_addresses=addresses,
        http_client=stripe.RequestsClient(timeout=timeout_seconds),
    )


def path_of(*parts: str) -> str:
    """The path of an object; ids are Stripe's, but come to us from outside. Raises `NotFoundError` for none."""
    if not all(parts):
        raise NotFoundError("Stripe does not know this.")
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _facts(error: stripe.StripeError) -> dict[str, object]:
    facts = {"error": type(error).__name__, "http_status": error.http_status, "code": error.code}
    return {**facts, "param": getattr(error, "param", None), "stripe_request": error.request_id}


def seconds_to_wait(retry_after: str | None) -> int | None:
    """The header `Retry-After` in seconds from now: a number or a date (RFC 9110, 10.2.3). None for neither."""
    value = (retry_after or "").strip()
    if value.isascii() and value.isdigit():
        return int(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0, round((moment - datetime.now(UTC)).total_seconds())) if moment.tzinfo else None
