"""Webhooks: signed, delivered from a background thread, retried with back-off."""

import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import requests

from standins.stripe.store import Obj, Store

TRIES = 10
LONGEST_WAIT = 60.0
REORDER_WINDOW = 0.3


@dataclass
class Manner:
    """How deliveries are made: extra copies, a delay, newest first within a short window, or not at all."""

    duplicate: int = 0
    delay_seconds: float = 0.0
    reorder: bool = False
    paused: bool = False


def signature(secret: str, payload: bytes, at: int) -> str:
    """The value of the Stripe-Signature header."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


class Courier:
    """Delivers what the store has queued. Each event goes out in the order of creation, a failed one again
    after 1, 2, 4 ... seconds (at most 60), ten tries in all; it does not hold up the others."""

    def __init__(self, store: Store, lock: threading.RLock, timeout: float = 10.0) -> None:
        self._store = store
        self._lock = lock
        self._timeout = timeout
        self._wake = threading.Event()
        self._http = requests.Session()
        self._http.trust_env = False
        self.manner = Manner()

    def start(self) -> None:
        """Starts the thread; it ends with the process."""
        threading.Thread(target=self._run, name="courier", daemon=True).start()

    def wake(self) -> None:
        """Says that something may be due."""
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(timeout=0.2)
            self._wake.clear()
            if self.manner.reorder:
                time.sleep(REORDER_WINDOW)
            for seq in self._due() if not self.manner.paused else ():
                if not self.manner.paused:  # it may have been paused since
                    self._deliver(seq)

    def _due(self) -> list[int]:
        with self._lock:
            rows = self._store.db.execute(
                "select seq from deliveries where state = 'pending' and due <= ? order by seq",
                (time.time() - self.manner.delay_seconds,),
            ).fetchall()
        return [row[0] for row in (reversed(rows) if self.manner.reorder else rows)]

    def _deliver(self, seq: int) -> None:
        with self._lock:
            row = self._store.db.execute(
                "select event_id, endpoint_id, attempts from deliveries where seq = ?", (seq,)
            ).fetchone()
            event = self._store.find(row[0], "event") if row else None
            endpoint = self._store.find(row[1], "webhook_endpoint") if row else None
            if event is None or endpoint is None:
                self._store.db.execute("update deliveries set state = 'dropped' where seq = ?", (seq,))
                return
        for _ in range(self.manner.duplicate + 1):
            attempt = self._post(endpoint, event)
        self._note(seq, event["id"], [*json.loads(row[2]), attempt])

    def _post(self, endpoint: Obj, event: Obj) -> Obj:
        payload = json.dumps(event, indent=2).encode()
        now = int(time.time())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (stand-in)",
            "Stripe-Signature": signature(endpoint["_secret"], payload, now),
        }
        attempt: Obj = {"at": time.time(), "status": None, "error": None}
        try:
            with self._http.post(
                endpoint["url"], payload, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                attempt["status"] = answer.status_code
        except requests.RequestException as error:
            attempt["error"] = type(error).__name__
        return attempt

    def _note(self, seq: int, event_id: str, attempts: list[Obj]) -> None:
        status = attempts[-1]["status"]
        done = status is not None and 200 <= status < 300
        state = "delivered" if done else "failed" if len(attempts) >= TRIES else "pending"
        wait = min(2.0 ** (len(attempts) - 1), LONGEST_WAIT)
        with self._lock:
            self._store.db.execute(
                "update deliveries set state = ?, due = ?, attempts = ? where seq = ?",
                (state, time.time() + wait, json.dumps(attempts), seq),
            )
            event = self._store.find(event_id, "event")
            if done and event:
                event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
                self._store.update(event)

    def log(self) -> list[dict[str, Any]]:
        """Every delivery: event, endpoint, state and its attempts, in order of creation."""
        with self._lock:
            rows = self._store.db.execute(
                "select seq, event_id, endpoint_id, state, due, attempts from deliveries order by seq"
            ).fetchall()
            kinds = {row["id"]: row["type"] for row in self._store.all("event")}
        return [
            {
                "seq": seq,
                "event": event,
                "type": kinds.get(event),
                "endpoint": endpoint,
                "state": state,
                "due": due,
                "attempts": json.loads(attempts),
            }
            for seq, event, endpoint, state, due, attempts in rows
        ]
