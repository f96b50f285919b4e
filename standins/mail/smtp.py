"""The SMTP side, and the ways in which it can be told to fail."""

import asyncio
from dataclasses import dataclass
from threading import Lock
from typing import Literal, get_args

from aiosmtpd.smtp import SMTP, Envelope, Session

from standins.mail.store import Store

Mode = Literal["ok", "451", "550", "hang", "drop_after_data"]
MODES: tuple[str, ...] = get_args(Mode)
MAX_MAIL_BYTES = 30_000_000


@dataclass
class Faults:
    """What happens to the next mails.

    - `ok`: taken. `451`: refused for now, after the data. `550`: the recipient is refused.
    - `hang`: no answer to the data for `seconds`, then 451; nothing is kept.
    - `drop_after_data`: the mail is kept, but the connection ends before the sender hears of it.

    With `count`, only so many mails (for 550: recipients) fail, then `ok` again.
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


class Handler:
    """What aiosmtpd calls; its names and arguments are that library's."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._faults.take("550"):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self._faults.take("451", "hang", "drop_after_data")
        if fault == "hang":
            await asyncio.sleep(self._faults.seconds)
        if fault in {"451", "hang"}:
            return "451 4.3.0 Try again later"
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        self._store.add(raw, envelope.mail_from or "", list(envelope.rcpt_tos))
        if fault == "drop_after_data" and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
            await asyncio.sleep(1)  # the lost connection cancels this handler here, before it can answer
        return "250 2.0.0 Caught"


async def start_smtp(host: str, port: int, store: Store, faults: Faults) -> asyncio.Server:
    """Listens; its sockets say on which port when `port` is 0. Raises `OSError` when the port is taken."""
    loop = asyncio.get_running_loop()
    handler = Handler(store, faults)

    def session() -> SMTP:
        return SMTP(handler, data_size_limit=MAX_MAIL_BYTES, enable_SMTPUTF8=True, hostname="mail.example")

    return await loop.create_server(session, host, port)
