"""What every form view does: run a verb, and put what was refused beside its field."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask_wtf import FlaskForm
from wtforms import ValidationError

from portal.billing.queries import ClosedCustomerError
from portal.errors import InvalidInputError, NotFoundError, PortalError, TooManyAttemptsError
from portal.extensions import db

Result = TypeVar("Result")


class PortalForm(FlaskForm):  # type: ignore[misc]
    """Parent of every form. CSRF is checked for all of them before any view runs."""

    form_errors: list[str]

    def refuse(self, error: PortalError) -> None:
        """Put a refusal beside the field it names, or on top."""
        field = self._fields.get(error.field) if error.field else None
        if field is None:
            self.form_errors = [*self.form_errors, error.message]
        else:
            field.errors = [*field.errors, error.message]


class Cleaned:
    """A validator from a cleaner of `portal.kit.text`, so that every field's fault is said at once."""

    def __init__(self, clean: Callable[..., str]) -> None:
        self._clean = clean

    def __call__(self, _form: object, field: Any) -> None:
        """Raises `ValidationError` with the cleaner's words."""
        try:
            self._clean(field.data or "", field=field.name)
        except InvalidInputError as error:
            raise ValidationError(error.message) from None


def carry_out(form: PortalForm, verb: Callable[[], Result]) -> Result | None:
    """The verb's result; None when the form or the verb refused, with the reason in the form and nothing changed.

    Missing things, limits and a closed account are not the form's matter: they pass through.
    """
    if not form.validate():
        return None
    try:
        return verb()
    except (NotFoundError, TooManyAttemptsError, ClosedCustomerError):
        raise
    except PortalError as error:
        db.session.rollback()
        form.refuse(error)
        return None
