"""Errors that a person can act on. Each knows the HTTP status it is answered with; `blueprints/_errors.py` shows it."""

from http import HTTPStatus
from typing import TypeVar

Found = TypeVar("Found")


class PortalError(Exception):
    """Something the portal refuses or cannot do, said so that it can be shown as it is.

    `message` is plain text for people. `field` names the form field it belongs to, if any. `title` heads the page that
    says so where the usual words of its status would be wrong.
    """

    status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    title: str = ""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFoundError(PortalError):
    """There is no such thing for this actor. Another tenant's thing is answered exactly like a missing one."""

    status = HTTPStatus.NOT_FOUND

    def __init__(self, message: str = "There is nothing at this address.") -> None:
        super().__init__(message)


def or_not_found(found: Found | None) -> Found:
    """`found`, or `NotFoundError` where a query found nothing."""
    if found is None:
        raise NotFoundError
    return found


class ForbiddenError(PortalError):
    """The actor is known, and their role does not allow this."""

    status = HTTPStatus.FORBIDDEN


class InvalidInputError(PortalError):
    """A value was refused by a rule. Shown beside `field`."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ConflictError(PortalError):
    """The request is fine, but not in the present state of things."""

    status = HTTPStatus.CONFLICT


class GoneError(PortalError):
    """A link that was good once and is not any more."""

    status = HTTPStatus.GONE


class TooManyAttemptsError(PortalError):
    """A limit was reached. `retry_after_seconds` says when the next try is allowed."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(PortalError):
    """An outside service does not answer. Nothing was changed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
