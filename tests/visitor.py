"""A visitor: a browser without a screen, who reads the form's CSRF token as a real one would."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from portal.extensions import db
from tests.factories import PASSWORD
from tests.support.totp import fresh_code

TOKEN = re.compile(r'name="csrf_token"(?: type="hidden")? value="([^"]+)"')


class Visitor:
    """One cookie jar."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()

    def get(self, path: str, *, htmx: bool = False, **more: Any) -> TestResponse:
        """A page, or with `htmx` the fragment."""
        return self.client.get(path, headers=self._headers(htmx), **more)

    def post(
        self,
        path: str,
        data: dict[str, Any] | None = None,
        *,
        htmx: bool = False,
        method: str = "POST",
        **more: Any,
    ) -> TestResponse:
        """A form, with this browser's CSRF token."""
        body = {"csrf_token": self.csrf_token(), **(data or {})}
        return self.client.open(path, method=method, data=body, headers=self._headers(htmx), **more)

    def csrf_token(self) -> str:
        """The token that this browser's forms carry."""
        for path in ("/account/profile", "/auth/sign-in"):
            found = TOKEN.search(self.client.get(path).text)
            if found:
                return found[1]
        raise AssertionError("no form with a CSRF token was found")

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Sign in, by the second step too where it is asked for; the answer is not followed."""
        answer = self.post("/auth/sign-in", {"email": email, "password": password})
        if answer.headers.get("Location") != "/auth/second-factor":
            return answer
        with self.app.app_context():
            code = fresh_code(db.engine, email)
        return self.post("/auth/second-factor", {"code": code})

    @staticmethod
    def _headers(htmx: bool) -> dict[str, str]:
        return {"HX-Request": "true"} if htmx else {}
