"""The caught webhooks: one .body file each, exactly as it came, beside a .json file with path, headers and answer."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from standins.catching.folder import Folder, caught_at

TAKEN = {"200", "drop"}


@dataclass(frozen=True)
class Hook:
    """One POST. `answer` is the status it got, or `hang` or `drop` where it got none."""

    id: str
    body: bytes
    path: str
    headers: tuple[tuple[str, str], ...]
    answer: str

    @property
    def received_at(self) -> datetime:
        """UTC."""
        return caught_at(self.id)

    @property
    def was_taken(self) -> bool:
        """Whether it arrived, whatever the sender knows of it."""
        return self.answer in TAKEN

    @cached_property
    def payload(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """The body as it came."""
        return self.body.decode(errors="replace")

    @property
    def indented(self) -> str:
        """The body for people: JSON in lines, anything else as it came."""
        return self.text if self.payload is None else json.dumps(self.payload, indent=2, ensure_ascii=False)

    @property
    def title(self) -> str:
        """What a list shows of it: Slack's summary of a message, else the path."""
        text = self.payload.get("text") if isinstance(self.payload, dict) else None
        return text if isinstance(text, str) and text else self.path

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "path": self.path,
            "headers": self.headers,
            "body": self.text,
            "payload": self.payload,
            "answer": self.answer,
            "taken": self.was_taken,
            "received_at": self.received_at.isoformat(),
        }


class Store:
    """The folder of webhooks. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder, "body")

    def add(self, body: bytes, path: str, headers: list[tuple[str, str]], answer: str) -> None:
        """Keeps a webhook."""
        self._folder.add(body, {"path": path, "headers": headers, "answer": answer})

    def newest_first(self) -> list[Hook]:
        return [hook for hook_id in self._folder.ids() if (hook := self.get(hook_id)) is not None]

    def get(self, hook_id: str) -> Hook | None:
        """None for an unknown webhook, and for anything that is not an id."""
        found = self._folder.read(hook_id)
        if found is None:
            return None
        body, details = found
        headers = tuple((name, value) for name, value in details["headers"])
        return Hook(hook_id, body, details["path"], headers, details["answer"])

    def clear(self) -> int:
        """Forgets every webhook; how many there were."""
        return self._folder.clear()
