"""Sending mail by SMTP. The only module that knows how."""

import smtplib
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from portal.errors import PortalError

STEP_SECONDS = 8
CONVERSATION_SECONDS = 30
"""From connecting to the server's word that it has the mail; well under the lease of a claimed message."""


class MailNotSentError(PortalError):
    """The mail did not leave. `is_permanent` when the server will not take it for this recipient, ever (RFC 5321)."""

    def __init__(self, message: str, *, is_permanent: bool) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


class Mailer:
    """A mail server named by a URL: `smtp://` (STARTTLS where offered) or `smtps://`, with optional credentials."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password or "")

    def send(self, message: EmailMessage) -> None:
        """Hand one mail to the server. Raises `MailNotSentError`.

        Sent means that the server took it; how the goodbye goes afterwards does not matter.
        """
        try:
            server = self._connect()
            try:
                self._secure(server)
                server.send_message(message)
            finally:
                with suppress(OSError, smtplib.SMTPException):
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            text = f"the mail server refused the recipient with {code}"
            raise MailNotSentError(text, is_permanent=code >= 500) from error
        except smtplib.SMTPDataError as error:
            text = f"the mail server refused the mail with {error.smtp_code}"
            raise MailNotSentError(text, is_permanent=error.smtp_code >= 500) from error
        except smtplib.SMTPResponseException as error:  # sender, greeting, sign-in: a setting, to be mended
            text = f"the mail server answered {error.smtp_code}"
            raise MailNotSentError(text, is_permanent=False) from error
        except (OSError, smtplib.SMTPException) as error:
            text = f"the mail server failed: {type(error).__name__}"
            raise MailNotSentError(text, is_permanent=False) from error

    def _connect(self) -> smtplib.SMTP:
        if self._is_tls:
            context = ssl.create_default_context()
            return _BoundedSMTPS(self._host, self._port, timeout=STEP_SECONDS, context=context)
        return _BoundedSMTP(self._host, self._port, timeout=STEP_SECONDS)

    def _secure(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if not self._is_tls and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self._user:
            server.login(self._user, self._password)


class _Bounded:
    """A conversation with an end: each step may take `STEP_SECONDS`, all of them `CONVERSATION_SECONDS`."""

    sock: Any
    _ends_at: float | None = None

    def _limit(self) -> None:
        now = time.monotonic()
        self._ends_at = self._ends_at or now + CONVERSATION_SECONDS
        left = self._ends_at - now
        if left <= 0:
            raise TimeoutError("the conversation took too long")
        if self.sock is not None:
            self.sock.settimeout(min(STEP_SECONDS, left))

    def getreply(self) -> Any:
        """Wait for an answer, no longer than is left."""
        self._limit()
        return super().getreply()  # type: ignore[misc]

    def send(self, s: Any) -> None:
        """Say something, in no longer than is left."""
        self._limit()
        super().send(s)  # type: ignore[misc]


class _BoundedSMTP(_Bounded, smtplib.SMTP):
    pass


class _BoundedSMTPS(_Bounded, smtplib.SMTP_SSL):
    pass
