"""`python -m demo.inbox`: writes the demo's inbox again beside this file, as it is kept with the code."""

from datetime import UTC, datetime
from pathlib import Path

from demo.inbox.generator import demo_tickets, inbox_csv

FILE = Path(__file__).with_name("support.csv")
UNTIL = datetime(2026, 11, 16, tzinfo=UTC)


def main() -> None:
    """Write the file."""
    FILE.write_bytes(inbox_csv(demo_tickets(UNTIL)))


if __name__ == "__main__":
    main()
