"""`python -m standins.vies`: the register of VAT numbers as a process of its own. SIGTERM and SIGINT end it."""

import argparse

from standins.catching.faults import Faults
from standins.serving import serve
from standins.vies.server import create_register


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m standins.vies", description="Answers for the EU's register of VAT numbers."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 takes any free port")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    serve("vies stand-in", create_register(Faults()), options.host, options.port)


if __name__ == "__main__":
    main()
