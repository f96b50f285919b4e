"""`python -m standins.mail`: the mail catcher as a process of its own. SIGTERM and SIGINT end it."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path
from threading import Thread

from werkzeug.serving import BaseWSGIServer, make_server

from standins.catching.faults import Faults
from standins.mail.pages import create_pages
from standins.mail.smtp import start_smtp
from standins.mail.store import Store


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m standins.mail", description="Catches mails and shows them."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where the pages listen (default %(default)s)")
    parser.add_argument("--smtp-port", type=int, default=0, metavar="N", help="0 takes any free port")
    parser.add_argument("--http-port", type=int, default=0, metavar="N", help="0 takes any free port")
    parser.add_argument(
        "--state", type=Path, default=Path("var/mails"), metavar="FOLDER", help="keeps the mails"
    )
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    """Until a signal. Raises `OSError` when a port is taken."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    store, faults = Store(options.state), Faults()
    smtp = await start_smtp(options.host, options.smtp_port, store, faults)
    pages = make_server(options.host, options.http_port, create_pages(store, faults), threaded=True)
    Thread(target=pages.serve_forever, daemon=True).start()
    announce(options.host, smtp, pages)
    await stopped.wait()
    smtp.close()
    pages.shutdown()


def announce(host: str, smtp: asyncio.Server, pages: BaseWSGIServer) -> None:
    smtp_port = smtp.sockets[0].getsockname()[1]
    print(f"mail catcher: smtp on {host}:{smtp_port}, pages on http://{host}:{pages.port}", flush=True)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(serve(arguments()))
    except OSError as error:
        sys.exit(f"the mail catcher cannot start: {error}")


if __name__ == "__main__":
    main()
