"""A person without a screen, over real HTTP: reads the form's CSRF token as a browser would."""

import requests

from demo.story import PASSWORD
from tests.support.processes import http
from tests.support.totp import fresh_code_at
from tests.visitor import TOKEN

SECONDS = 20.0


class Caller:
    """One cookie jar at one web server."""

    def __init__(self, url: str, database_url: str = "") -> None:
        """`database_url` is needed to sign in people who have a second factor."""
        self.url = url
        self._database_url = database_url
        self.session = http()
        self._token = ""

    def get(self, path: str) -> requests.Response:
        """A page; redirects are not followed."""
        return self.session.get(f"{self.url}{path}", allow_redirects=False, timeout=SECONDS)

    def post(self, path: str, **data: str) -> requests.Response:
        """A form, with this browser's CSRF token; redirects are not followed."""
        body = {"csrf_token": self._token, **data}
        return self.session.post(f"{self.url}{path}", body, allow_redirects=False, timeout=SECONDS)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Ready for `post`."""
        self._read_token("/auth/sign-in")
        answer = self.post("/auth/sign-in", email=email, password=password)
        assert answer.status_code == 303, answer.text
        if answer.headers["Location"].endswith("/auth/second-factor"):
            self._read_token("/auth/second-factor")
            answer = self.post("/auth/second-factor", code=fresh_code_at(self._database_url, email))
            assert answer.status_code == 303, answer.text
        self._read_token("/account/profile")

    def _read_token(self, path: str) -> None:
        found = TOKEN.search(self.get(path).text)
        assert found, path
        self._token = found[1]
