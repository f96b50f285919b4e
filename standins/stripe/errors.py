"""Errors in the shape in which Stripe's API tells them."""

from typing import Any


class ApiError(Exception):
    """Ends a request with an error body.

    `keep` says that what was written before the error stays (a declined payment is a fact), otherwise the
    request leaves no trace and its idempotency key is free again.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        keep: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.keep = keep

    def body(self) -> dict[str, Any]:
        """The JSON body: `{"error": {...}}` without the members that are not set."""
        error = {
            "type": self.kind,
            "code": self.code,
            "decline_code": self.decline_code,
            "param": self.param,
            "message": self.message,
        }
        return {"error": {name: value for name, value in error.items() if value is not None}}


def not_found(kind: str, ident: str, param: str = "id", status: int = 404) -> ApiError:
    """404 `resource_missing`; 400 when the id came in a body."""
    name = kind.rpartition(".")[2].replace("_", " ")
    return ApiError(f"No such {name}: '{ident}'", status=status, code="resource_missing", param=param)


def invalid(param: str, message: str, code: str | None = None) -> ApiError:
    """400 for a value that Stripe would not take."""
    return ApiError(message, code=code, param=param)


def missing(param: str) -> ApiError:
    """400 `parameter_missing`."""
    return ApiError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> ApiError:
    """400 `parameter_unknown`: Stripe does not take it, or this stand-in does not do it."""
    return ApiError(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def wrong_state(message: str, code: str | None = None) -> ApiError:
    """400 for a thing that cannot be done in the state that the object is in."""
    return ApiError(message, code=code)


def declined(code: str, decline_code: str | None, message: str, *, keep: bool = False) -> ApiError:
    """402 `card_error`."""
    return ApiError(message, status=402, kind="card_error", code=code, decline_code=decline_code, keep=keep)
