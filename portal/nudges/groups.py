"""Who is in the control group: one of ten people, always the same ones."""

from hashlib import sha256

from portal.nudges.models import NudgeGroup

CONTROL_PERCENT = 10
SALT = "control group of nudges"
"""Not what flags of screens are drawn with, so that who is in the control group says nothing about any flag."""


def drawn_group(user_id: str) -> NudgeGroup:
    """The group of somebody who is in none yet: by a hash of their id, the same in every process."""
    number = int.from_bytes(sha256(f"{SALT}:{user_id}".encode()).digest()[:8]) % 100
    return NudgeGroup.CONTROL if number < CONTROL_PERCENT else NudgeGroup.NUDGED
