"""Files in forms: only the views that take one take a larger body than a form needs."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, request

View = TypeVar("View", bound=Callable[..., Any])
ROOM_FOR_FIELDS = 100_000


def takes_file(largest_bytes: int) -> Callable[[View], View]:
    """Beside a guard: the view's body may hold a file of `largest_bytes`."""

    def mark(view: View) -> View:
        view.largest_body = largest_bytes + ROOM_FOR_FIELDS  # type: ignore[attr-defined]
        return view

    return mark


def allow_file() -> None:
    """Before the body is read. Strangers too may send as much: looking up who asks comes after reading, since on
    SQLite it begins the write transaction, which must not wait for a slow sender."""
    view = current_app.view_functions.get(request.endpoint or "")
    if largest := getattr(view, "largest_body", None):
        request.max_content_length = largest
