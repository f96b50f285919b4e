"""Nobody is in the control group unless a test puts them there."""

import pytest

from portal.nudges.models import NudgeGroup


@pytest.fixture(autouse=True)
def _everybody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.nudges.service.drawn_group", lambda _user_id: NudgeGroup.NUDGED)
