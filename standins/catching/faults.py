"""The ways in which a catcher can be told to fail."""

from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException


@dataclass
class Faults:
    """What happens to what comes next: a mode, for `count` times (None: until changed) and then `ok` again.

    What a mode does, and what `seconds` are for, is said by the catcher that has it.
    """

    mode: str = "ok"
    count: int | None = None
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        self._lock = Lock()

    def set(self, mode: str, count: int | None, seconds: float) -> None:
        with self._lock:
            self.mode, self.count, self.seconds = mode, count, seconds

    def take(self, *modes: str) -> str | None:
        """The mode in force if it is one of `modes`; uses up one of its count."""
        with self._lock:
            if self.mode not in modes or self.count == 0:
                return None
            if self.count is not None:
                self.count -= 1
            return self.mode


def add_control(app: Flask, faults: Faults, modes: Collection[str]) -> None:
    """The addresses under `/_control`: JSON, no authentication, for loopback only."""

    @app.get("/_control/health")
    def health() -> Response:
        return jsonify(status="ok")

    @app.post("/_control/faults")
    def set_faults() -> tuple[Response, int] | Response:
        try:
            faults.set(*_read_wish(request.get_json(), modes))
        except (HTTPException, ValueError) as error:
            return jsonify(error=str(error)), 400
        return jsonify(mode=faults.mode, count=faults.count, seconds=faults.seconds)


def _read_wish(body: object, modes: Collection[str]) -> tuple[str, int | None, float]:
    """Mode, count and seconds. Raises `ValueError`."""
    if not isinstance(body, dict) or body.get("mode") not in modes:
        raise ValueError(f"mode must be one of {', '.join(modes)}")
    count, seconds = body.get("count"), body.get("seconds", 3600.0)
    if count is not None and (not isinstance(count, int) or count < 0):
        raise ValueError("count must be a whole number or absent")
    if not isinstance(seconds, int | float) or seconds < 0:
        raise ValueError("seconds must be a number")
    return str(body["mode"]), count, float(seconds)
