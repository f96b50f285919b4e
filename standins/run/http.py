"""The few HTTP calls that the demo makes to its own children, never through a proxy."""

import json
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0


def call(method: str, url: str, body: object = None) -> int | None:
    """The status of the answer, or None when there is none in time. A body goes as JSON."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    headers = {} if body is None else {"Content-Type": "application/json"}
    try:
        connection.request(method, parts.path or "/", None if body is None else json.dumps(body), headers)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
