"""Telling the team in Slack by an incoming webhook. The only module that knows how."""

from typing import Any

import requests

from portal.errors import PortalError

CONNECT_SECONDS, ANSWER_SECONDS = 5, 10
"""Together well under the lease of a claimed message."""
LONGEST_WAIT_SECONDS = 3_600
PERMANENT = frozenset({400, 403, 404, 410})
"""Slack's answers to a malformed message, a forbidden or archived channel and a webhook that is gone."""


class SlackNotSentError(PortalError):
    """Slack did not take it. `is_permanent` when it never will; `retry_after_seconds` is how long to leave it."""

    def __init__(self, message: str, *, is_permanent: bool, retry_after_seconds: int = 0) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent
        self.retry_after_seconds = retry_after_seconds


class SlackWebhook:
    """One channel of the team. Its address is the secret: it stands in no error and no log line."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: dict[str, Any], *, idempotency_key: str) -> None:
        """Post one message. Raises `SlackNotSentError`."""
        try:
            answer = requests.post(
                self._url,
                json=message,
                headers={"Idempotency-Key": idempotency_key},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,  # what else Slack says does not matter, and may be without end
            )
        except requests.RequestException as error:  # its text names the address
            text = f"Slack failed: {type(error).__name__}."
            raise SlackNotSentError(text, is_permanent=False) from None
        answer.close()
        if answer.status_code == requests.codes.ok:
            return
        raise SlackNotSentError(
            f"Slack answered {answer.status_code}.",
            is_permanent=answer.status_code in PERMANENT,
            retry_after_seconds=_seconds(answer.headers.get("Retry-After", "")),
        )


def _seconds(text: str) -> int:
    """Slack gives whole seconds; anything else is no wish."""
    return min(int(text), LONGEST_WAIT_SECONDS) if text.isascii() and text.isdigit() else 0
