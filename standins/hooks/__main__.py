"""`python -m standins.hooks`: the webhook catcher as a process of its own. SIGTERM and SIGINT end it."""

import argparse
from pathlib import Path

from standins.catching.faults import Faults
from standins.hooks.pages import create_pages
from standins.hooks.store import Store
from standins.serving import serve


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m standins.hooks", description="Catches webhooks and shows them."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 takes any free port")
    parser.add_argument(
        "--state", type=Path, default=Path("var/hooks"), metavar="FOLDER", help="keeps the webhooks"
    )
    return parser.parse_args()


def main() -> None:
    options = arguments()
    serve("webhook catcher", create_pages(Store(options.state), Faults()), options.host, options.port)


if __name__ == "__main__":
    main()
