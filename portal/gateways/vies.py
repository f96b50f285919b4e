"""Looking up VAT numbers in VIES, the European Commission's register. The only module that knows how."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from portal.errors import UnavailableError

CONNECT_SECONDS, ANSWER_SECONDS = 4, 8
"""Together well under the lease of a claimed number."""
LONGEST_ANSWER = 65_536
LONGEST_NAME = 200
NOT_A_NUMBER = "INVALID_INPUT"
"""VIES's word for a number that its country could not have given out. Every other error is one of the service."""


class ViesUnavailableError(UnavailableError):
    """VIES, or the member state behind it, gave no answer. That says nothing about the number."""


@dataclass(frozen=True, slots=True)
class ViesAnswer:
    """What the register says. `name` is empty where the member state does not tell."""

    is_valid: bool
    name: str


class ViesRegister:
    """The REST API of VIES (ec.europa.eu/taxation_customs/vies), at `base`. It asks for no key."""

    def __init__(self, base: str) -> None:
        self._url = f"{base.rstrip('/')}/check-vat-number"

    def look_up(self, number: str) -> ViesAnswer:
        """Ask for a number with its prefix, such as `DE136695976`. Raises `ViesUnavailableError`."""
        asked = {"countryCode": number[:2], "vatNumber": number[2:]}
        try:
            answer = requests.post(
                self._url,
                json=asked,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            with answer:
                body = _tree(answer)
        except (requests.RequestException, HTTPError, ValueError, RecursionError) as error:
            raise ViesUnavailableError(f"VIES failed: {type(error).__name__}.") from None
        return _read(body)


def _tree(answer: requests.Response) -> dict[str, Any]:
    """The answer's object. Raises `ValueError` for anything else, such as a page that says the service is down.

    Proxies and a service that is down may say `"valid": false` too: with another status than 200 it is no answer.
    """
    if answer.status_code != HTTPStatus.OK:
        raise ValueError("not an answer")
    content = answer.raw.read(LONGEST_ANSWER, decode_content=True)
    body = json.loads(content)
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return body


def _read(body: dict[str, Any]) -> ViesAnswer:
    """Errors come as an answer too, also with status 200, and then `valid` may stand there as false."""
    wrappers = body.get("errorWrappers")
    errors = (
        [item.get("error") for item in wrappers if isinstance(item, dict)]
        if isinstance(wrappers, list)
        else []
    )
    word = body.get("userError")
    if word not in (None, "", "VALID", "INVALID"):
        errors.append(word)
    if errors == [NOT_A_NUMBER]:
        return ViesAnswer(is_valid=False, name="")
    is_valid = body.get("valid")
    if errors or body.get("actionSucceed") is False or not isinstance(is_valid, bool):
        raise ViesUnavailableError(f"VIES gave no answer: {str(next(iter(errors), 'unknown'))[:60]}.")
    return ViesAnswer(is_valid, _name(body.get("name")))


def _name(said: object) -> str:
    """`---` is how member states say that they do not tell."""
    words = "".join(char if char.isprintable() else " " for char in said) if isinstance(said, str) else ""
    name = " ".join(words.split())[:LONGEST_NAME]
    return name if name.strip("-") else ""
