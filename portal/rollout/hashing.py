"""Which organizations a percentage means: always the same ones, and only more of them when it is raised."""

from hashlib import sha256

FULL = 100


def bucket(screen: str, organization_id: str) -> int:
    """A number of 0 to 99, the same in every process and for ever.

    The screen is part of it, so that it is not the same organizations that wait for every screen.
    """
    return int.from_bytes(sha256(f"{screen}:{organization_id}".encode()).digest()[:8]) % FULL


def is_within(percent: int, screen: str, organization_id: str) -> bool:
    """Whether the first `percent` of 100 organizations include this one."""
    return bucket(screen, organization_id) < percent
