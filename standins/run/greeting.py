"""What a newcomer reads when the demo is ready."""

from collections.abc import Mapping
from pathlib import Path

from standins.authenticator import KEY

PEOPLE = (
    ("owner@acme.example", "owns Acme: 25 members, Pro plan, 14 months of history"),
    ("admin@ billing@ member@ viewer@acme.example", "the other roles"),
    ("owner@globex.example", "owns Globex: pays by bank transfer, one invoice overdue"),
    ("both@freelance.example", "a member of both"),
    ("support@portal.example lead@portal.example", "staff, with a second factor"),
)
PASSWORD = "portal demo 2026"


def greeting(portal: str, pages: Mapping[str, str], logs: Path) -> str:
    """The portal's address, the people, the stand-ins' pages by name, and how to stop."""
    width = max(len(person) for person, _ in PEOPLE)
    people = "\n".join(f"    {person:<{width}}  {who}" for person, who in PEOPLE)
    others = "\n".join(f"  {name:<20} {url}" for name, url in pages.items())
    return f"""
The portal is ready on {portal}

  Sign in as one of these, with the password "{PASSWORD}":
{people}

  Staff are asked for a code, too: give an authenticator app the secret {KEY},
  or have one printed by: .venv/bin/python -m standins.authenticator

{others}
  {"Logs":<20} {logs}

Ctrl-C stops it all.
"""
