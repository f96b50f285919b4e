"""Nudges of the demo's year: decided when each screen had just been opened, as the job would have done it."""

from datetime import datetime, timedelta
from random import Random

from demo.deflection import ROLLOUT, SEED
from portal.extensions import db
from portal.nudges.choosing import undecided_wishes
from portal.nudges.models import Nudge, NudgeGroup
from portal.nudges.service import planned

SHOWN_SHARE, DISMISSED_SHARE = 0.7, 0.4


def write_nudges(now: datetime) -> int:
    """How many were written, part of the caller's transaction. No mail is sent of these."""
    random = Random(SEED)  # noqa: S311  # nosec B311: figures for a demo
    mailed: set[str] = set()
    written = 0
    for screen, steps in ROLLOUT.items():
        decided_at = now - timedelta(days=steps[-1][0] - 1)
        for user_id, wishes in sorted(undecided_wishes(decided_at).items()):
            for row in planned(user_id, [wish for wish in wishes if wish.screen == screen]):
                nudge = Nudge(**row, decided_at=decided_at)
                if nudge.group is NudgeGroup.NUDGED:
                    _tell(nudge, mailed, random)
                db.session.add(nudge)
                written += 1
        db.session.flush()
    return written


def _tell(nudge: Nudge, mailed: set[str], random: Random) -> None:
    if nudge.user_id not in mailed:
        mailed.add(nudge.user_id)
        nudge.mailed_at = nudge.decided_at
    if random.random() < SHOWN_SHARE:
        nudge.shown_at = nudge.decided_at + timedelta(days=random.uniform(0, 9))
        if random.random() < DISMISSED_SHARE:
            nudge.dismissed_at = nudge.shown_at + timedelta(days=random.uniform(0, 3))
