"""`python -m standins.help_desks zendesk`: one help desk as a process of its own. SIGTERM and SIGINT end it."""

import argparse
from datetime import UTC, datetime, timedelta

from standins.help_desks.inbox import make_inbox
from standins.help_desks.server import MAKERS
from standins.help_desks.world import APP_ID, APP_SECRET, EMAIL, TOKEN, World
from standins.serving import serve


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m standins.help_desks",
        description="Answers for a help desk's API.",
        epilog=f"It takes the token {TOKEN} (Zendesk: of {EMAIL}), Help Scout the app {APP_ID} with {APP_SECRET}.",
    )
    parser.add_argument("vendor", choices=MAKERS)
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 takes any free port")
    parser.add_argument(
        "--tickets", type=int, default=40, metavar="N", help="six hours apart, until yesterday"
    )
    parser.add_argument(
        "--newest", type=datetime.fromisoformat, metavar="TIME", help="when the last was created"
    )
    parser.add_argument("--page-size", type=int, default=1_000, metavar="N", help="no page is longer")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    newest = options.newest or datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    world = World(make_inbox(options.tickets, newest), options.page_size)
    serve(f"{options.vendor} stand-in", MAKERS[options.vendor](world), options.host, options.port)


if __name__ == "__main__":
    main()
