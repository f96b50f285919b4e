"""Messages that no person wrote: auto-replies, bounces, calendar notices."""

from collections.abc import Mapping

from portal.inbox.stripping.phrases import one_of

BODY_READ = 400

_SENDERS = ("mailer-daemon@", "postmaster@", "noreply-dmarc", "bounce@", "bounces@")


def is_automatic(subject: str, body: str, headers: Mapping[str, str] | None = None) -> bool:
    """Whether subject, body or (with mails) headers say that a machine sent it.

    Headers, with lower-case names: Auto-Submitted (RFC 3834), Precedence, X-Autoreply and kin, a delivery report
    (RFC 3462), an answer to an invitation (RFC 6047), an empty Return-Path.
    """
    if headers and _headers_say_so(headers):
        return True
    if one_of("automatic_subject").match(subject):
        return True
    return one_of("automatic_body").match(" ".join(body[:BODY_READ].split())) is not None


def _headers_say_so(headers: Mapping[str, str]) -> bool:
    if headers.get("auto-submitted", "no").split(";")[0].strip().lower() != "no":
        return True
    if headers.get("precedence", "").strip().lower() in ("auto_reply", "auto-reply", "junk"):
        return True
    if any(
        name in headers
        for name in ("x-autoreply", "x-autorespond", "x-auto-response-type", "x-failed-recipients")
    ):
        return True
    kind = headers.get("content-type", "").lower()
    if kind.startswith("multipart/report") or (kind.startswith("text/calendar") and "method=" in kind):
        return True
    sender = headers.get("from", "").lower()
    return headers.get("return-path", "").strip() == "<>" or any(each in sender for each in _SENDERS)
