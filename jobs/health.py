"""The worker's own health over HTTP, for the platform that runs it: `/healthz` and `/readyz`, and nothing else."""

import json
import logging
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jobs.monitor import Monitor

HOST = "0.0.0.0"  # noqa: S104  # nosec B104  # probes come from outside the container; nothing here is secret
MOST_CONNECTIONS = 16
PATIENCE_SECONDS = 3
log = logging.getLogger("portal.jobs")


def serve_health(monitor: Monitor, port: int) -> "HealthServer":
    """Answer on `port` from a thread of its own, until the process ends. Port 0 takes a free one."""
    server = HealthServer(monitor, port)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    log.info("worker health", extra={"port": server.server_port})
    return server


class HealthServer(ThreadingHTTPServer):
    """A thread for each connection, of which there are at most `MOST_CONNECTIONS`, each for a few seconds."""

    daemon_threads = True

    def __init__(self, monitor: Monitor, port: int) -> None:
        super().__init__((HOST, port), HealthHandler)
        self.monitor = monitor
        self.places = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Connections beyond the limit are closed at once."""
        if self.places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Gives its place back at the end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Who hangs up in the middle is no fault of ours."""


class HealthHandler(BaseHTTPRequestHandler):
    """One answer for each connection."""

    server: HealthServer
    timeout = PATIENCE_SECONDS
    server_version, sys_version = "portal", ""

    def do_GET(self) -> None:
        """200 and `ok`, or 503 with the reasons; any other address is 404."""
        if self.path == "/healthz":
            self._answer(HTTPStatus.OK, {"status": "ok"})
        elif self.path == "/readyz":
            faults = self.server.monitor.faults()
            refusal = {"status": "not ready", "reason": "; ".join(faults)}
            status = HTTPStatus.SERVICE_UNAVAILABLE if faults else HTTPStatus.OK
            self._answer(status, refusal if faults else {"status": "ok"})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"status": "not found"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Probes come every few seconds: nothing to log."""

    def _answer(self, status: HTTPStatus, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)
