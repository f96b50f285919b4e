"""Asking a help desk: waiting when it says so, trying again when it stumbles, giving up in one clear line."""

import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from portal.config import LOOPBACK_HOSTS
from portal.gateways.help_desks.errors import HelpDeskRefusedError, HelpDeskUnavailableError
from portal.kit.clock import utcnow

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
LONGEST_ANSWER = 64 * 1024 * 1024
BACK_OFF_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Between tries of a request that got no proper answer; then it has failed."""
LONGEST_WAIT_SECONDS = 3_600.0
"""Freshdesk counts the requests of some plans by the hour; who asks for more is answered another day."""
UNSAID_WAIT_SECONDS = 15.0
MOST_WAITS = 10
NOT_TAKEN = frozenset({HTTPStatus.UNAUTHORIZED})
NO_TOKEN_FOR = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})
Tree = dict[str, Any]
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` as JSON gives it; `has_next` is what the `Link` header says (RFC 8288)."""

    body: Any
    has_next: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """What errors say of a help desk: its name, the setting that holds the secret, what that must be allowed."""

    name: str
    secret: str
    rights: str


class _BusyError(Exception):
    """Asked too often: `seconds` is how long to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class _StumbleError(Exception):
    """No proper answer, which may be better the next time."""


class _ExpiredError(Exception):
    """The token is not taken."""


class _MissingError(Exception):
    """There is nothing at this address."""


class Authorization(AuthBase):
    """Sets the header itself, so that nothing in a `.netrc` takes its place. It stands in no error and no log line."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.value:
            request.headers["Authorization"] = self.value
        return request


class Client:
    """One help desk's API at `base`. Only addresses below it are asked; redirects are not followed.

    `renew` gets a new token where one can be had: asked once when a token is refused.
    """

    def __init__(self, desk: Desk, base: str, authorization: Authorization, pause: Pause) -> None:
        parts = urlsplit(base)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
            raise HelpDeskRefusedError(f"{desk.name} is asked over https only.")
        self._name, self._base, self._host = desk.name, base.rstrip("/"), parts.hostname
        self._desk, self._authorization, self._pause = desk, authorization, pause
        self._session = requests.Session()
        self.headers: Mapping[str, str] = {}
        self.renew: Callable[[], None] | None = None

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """What is at `path`. Raises `HelpDeskRefusedError` and `HelpDeskUnavailableError`, as all do."""
        return self._there("GET", path, params=params)

    def find(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer | None:
        """The same, or None where it is not there any more."""
        try:
            return self._patiently("GET", path, params=params)
        except _MissingError:
            return None

    def post(self, path: str, body: Tree) -> Answer:
        """A question that is too long for an address: it changes nothing, so it may be asked twice."""
        return self._there("POST", path, json=body)

    def exchange(self, path: str, form: Mapping[str, str]) -> Answer:
        """Credentials for a token. Raises `HelpDeskRefusedError` where they are not taken (RFC 6749, 5.2)."""
        nobody = Authorization("")
        return self._there("POST", path, data=form, auth=nobody, renews=False, refusals=NO_TOKEN_FOR)

    def refused(self) -> HelpDeskRefusedError:
        """The one line about a token that is not taken."""
        return HelpDeskRefusedError(f"{self._name} refused {self._desk.secret}: wrong, expired or revoked.")

    def odd(self, what: str) -> HelpDeskUnavailableError:
        """The one line about an answer that the published reference does not have."""
        return HelpDeskUnavailableError(f"{self._name} gave an answer that cannot be read: {what}.")

    def _there(self, method: str, path: str, **what: Any) -> Answer:
        try:
            return self._patiently(method, path, **what)
        except _MissingError:
            message = f"{self._name} has nothing at {self._host}{path}: is the account's name right?"
            raise HelpDeskUnavailableError(message) from None

    def _patiently(
        self, method: str, path: str, *, renews: bool = True, refusals: Set[int] = NOT_TAKEN, **what: Any
    ) -> Answer:
        waits = stumbles = 0
        while True:
            try:
                return self._once(method, path, what, refusals)
            except _ExpiredError:
                if self.renew is None or not renews:
                    raise self.refused() from None
                self.renew()
                renews = False
            except _BusyError as busy:
                waits += 1
                self._check_wait(busy.seconds, waits)
                self._pause(busy.seconds)
            except _StumbleError as stumble:
                if stumbles == len(BACK_OFF_SECONDS):
                    raise HelpDeskUnavailableError(f"{self._name} failed: {stumble}.") from None
                self._pause(BACK_OFF_SECONDS[stumbles])
                stumbles += 1

    def _check_wait(self, seconds: float, waits: int) -> None:
        if seconds > LONGEST_WAIT_SECONDS or waits > MOST_WAITS:
            minutes = max(1, round(seconds / 60))
            message = f"{self._name} takes no more requests for now: try again in {minutes} min or later."
            raise HelpDeskUnavailableError(message)

    def _once(self, method: str, path: str, what: Mapping[str, Any], refusals: Set[int]) -> Answer:
        try:
            answer = self._session.request(
                method,
                self._base + path,
                **{"auth": self._authorization, **what},
                headers={"Accept": "application/json", **self.headers},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            with answer:
                self._sort(answer, refusals)
                return Answer(_tree(answer), "next" in answer.links)
        except (requests.RequestException, HTTPError, ValueError, RecursionError) as error:
            raise _StumbleError(type(error).__name__) from None  # its text may hold what was sent

    def _sort(self, answer: requests.Response, refusals: Set[int]) -> None:
        """Nothing for an answer to read; else raises what it means."""
        status = answer.status_code
        if status == HTTPStatus.OK:
            return
        if status in refusals:
            raise _ExpiredError
        if status == HTTPStatus.FORBIDDEN:
            message = f"{self._name} does not let {self._desk.secret} read tickets: {self._desk.rights}."
            raise HelpDeskRefusedError(message)
        if status == HTTPStatus.NOT_FOUND:
            raise _MissingError
        seconds = _wait(answer.headers)
        if status == HTTPStatus.TOO_MANY_REQUESTS or (
            status == HTTPStatus.SERVICE_UNAVAILABLE and seconds is not None
        ):
            raise _BusyError(UNSAID_WAIT_SECONDS if seconds is None else seconds)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _StumbleError(f"status {status}")
        raise HelpDeskUnavailableError(f"{self._name} answered with status {status}.")


def _tree(answer: requests.Response) -> Any:
    """Raises `ValueError` for what is cut short, too long or no JSON."""
    content = answer.raw.read(LONGEST_ANSWER + 1, decode_content=True)
    if len(content) > LONGEST_ANSWER:
        raise ValueError("too long")
    return json.loads(content)


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, at least one.

    `Retry-After` is seconds or a date (RFC 9110); Help Scout has a header of its own, and Intercom says at which
    Unix second it counts anew.
    """
    said = headers.get("Retry-After") or headers.get("X-RateLimit-Retry-After", "")
    reset = headers.get("X-RateLimit-Reset", "")
    if said.isascii() and said.isdigit():
        return max(1.0, float(said))
    if said:
        return _until(said)
    if reset.isascii() and reset.isdigit():
        return max(1.0, int(reset) - utcnow().timestamp())
    return None


def _until(date: str) -> float | None:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(1.0, (at.replace(tzinfo=at.tzinfo or UTC) - utcnow()).total_seconds())
