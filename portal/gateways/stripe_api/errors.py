"""What can come of a call to Stripe besides its answer."""

from http import HTTPStatus

from portal.errors import InvalidInputError, UnavailableError


class StripeUnavailableError(UnavailableError):
    """Stripe does not answer, or answers with a failure of its own. Trying again later makes sense.

    `retry_after_seconds` is how long Stripe asks to be left alone (its `Retry-After`), None where it does not say.
    What was to be written may have been written: the same again needs the same idempotency key.
    """

    def __init__(
        self, message: str = "Stripe does not answer right now.", *, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StripeRefusedError(InvalidInputError):
    """Stripe understood and said no. Trying the same again does not help.

    `code` and `param` are Stripe's (docs.stripe.com/error-codes), None where it gives none.
    """

    def __init__(
        self,
        message: str = "Stripe did not accept this. Nothing was changed.",
        *,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class SpentKeyError(StripeRefusedError):
    """Something else was written under this idempotency key before. The same with another key may well succeed."""


class BadSignatureError(InvalidInputError):
    """A webhook body that Stripe did not sign, or not within the last five minutes."""

    status = HTTPStatus.BAD_REQUEST
