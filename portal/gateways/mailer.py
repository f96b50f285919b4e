"""Sending mail by SMTP. The only module that knows how."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from portal.errors import PortalError

TIMEOUT_SECONDS = 8
"""For each step of the conversation; well under the lease of a claimed message."""


class MailNotSentError(PortalError):
    """The mail did not leave. `is_permanent` when the server refused it for good (a 5xx answer, RFC 5321)."""

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
        """Hand one mail to the server. Raises `MailNotSentError`."""
        try:
            with self._connect() as server:
                self._secure(server)
                server.send_message(message)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
            code = _code(error)
            text = f"the mail server answered {code}"
            raise MailNotSentError(text, is_permanent=500 <= code < 600 and code != 535) from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotSentError(
                f"the mail server failed: {type(error).__name__}", is_permanent=False
            ) from error

    def _connect(self) -> smtplib.SMTP:
        if self._is_tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)

    def _secure(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if not self._is_tls and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self._user:
            server.login(self._user, self._password)


def _code(error: Exception) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max(code for code, _ in error.recipients.values())
    return int(error.smtp_code) if isinstance(error, smtplib.SMTPResponseException) else 0
