"""The SMTP side."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from standins.catching.faults import Faults
from standins.mail.store import Store

MODES = ("ok", "451", "550", "hang", "drop_after_data")
"""What can happen to the next mails.

- `ok`: taken. `451`: refused for now, after the data. `550`: the recipient is refused (and a count counts recipients).
- `hang`: no answer to the data for `seconds`, then 451; nothing is kept.
- `drop_after_data`: the mail is kept, but the connection ends before the sender hears of it.
"""
MAX_MAIL_BYTES = 30_000_000


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
