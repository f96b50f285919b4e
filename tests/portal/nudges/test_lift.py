"""The lift counts people by the group they were put in, and its interval holds the truth."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from portal.extensions import db
from portal.identity.models import Organization
from portal.nudges.lift import LEAST_PEOPLE, Share, difference, lift
from portal.nudges.models import NudgeGroup
from portal.permissions import Role
from tests.factories import Tenant, World, add_member, make_user
from tests.portal.deflection.inbox import audit, ticket
from tests.portal.nudges.writing import DAY, make_nudge, read, used, wrote

NOW = datetime(2026, 10, 1, tzinfo=UTC)
DECIDED = NOW - 70 * DAY


def test_the_interval_is_the_published_one() -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), table II, method 10."""
    found = difference(Share(70, 56), Share(80, 48))
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


@pytest.mark.parametrize(
    ("people", "truth"),
    [
        ((900, 100), (0.3, 0.45)),
        ((450, 50), (0.1, 0.1)),
        ((2_000, 220), (0.05, 0.12)),
        ((180, 20), (0.6, 0.4)),
    ],
)
def test_the_interval_holds_the_truth_of_a_simulated_world(
    people: tuple[int, int], truth: tuple[float, float]
) -> None:
    random, held, runs = np.random.default_rng(5), 0, 4_000
    counts = zip(*(random.binomial(people[each], truth[each], runs) for each in (0, 1)), strict=True)
    for nudged, control in counts:
        found = difference(Share(people[0], int(nudged)), Share(people[1], int(control)))
        assert found is not None
        held += found.low <= truth[0] - truth[1] <= found.high
    assert 0.93 <= held / runs <= 0.98


@pytest.mark.parametrize("groups", [(LEAST_PEOPLE, LEAST_PEOPLE - 1), (LEAST_PEOPLE - 1, 500), (0, 0)])
def test_few_people_are_too_few_to_say(groups: tuple[int, int]) -> None:
    assert difference(Share(groups[0], 0), Share(groups[1], 0)) is None


def test_nobody_and_everybody_are_bounds_too() -> None:
    found = difference(Share(40, 0), Share(40, 40))
    assert found is not None
    assert found.low == found.value == -1
    assert -1 < found.high < -0.8


def decided(tenant: Tenant, role: Role, group: NudgeGroup, **more: Any) -> None:
    make_nudge(tenant, role, **{"group": group, "decided_at": DECIDED, **more})


def outcomes() -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    return {row["name"]: (row["nudged"], row["control"]) for row in lift(NOW)["outcomes"]}


def test_lift_counts_each_person_once_by_what_was_decided(world: World) -> None:
    acme, globex = world.acme, world.globex
    read(DECIDED - 5 * DAY, NOW)
    for tenant in (acme, globex):
        for role in Role:
            group = NudgeGroup.CONTROL if role is Role.VIEWER else NudgeGroup.NUDGED
            decided(tenant, role, group)
    decided(
        acme, Role.OWNER, NudgeGroup.NUDGED, decided_at=DECIDED + DAY, screen="team", reason="team_invite"
    )
    wrote(acme, Role.OWNER, "usage_limits", now=DECIDED, days_ago=-59)
    wrote(acme, Role.OWNER, "team_invite", now=DECIDED, days_ago=-5)
    wrote(acme, Role.ADMIN, "usage_limits", now=DECIDED, days_ago=-61)
    wrote(acme, Role.MEMBER, "team_invite", now=DECIDED, days_ago=-5)
    wrote(globex, Role.MEMBER, "usage_limits", now=DECIDED, days_ago=-5, is_unclear=True)
    wrote(globex, Role.VIEWER, "usage_limits", now=DECIDED, days_ago=-5)
    used(acme, Role.OWNER, "usage", DECIDED + 29 * DAY)
    used(acme, Role.ADMIN, "usage", DECIDED + 31 * DAY)
    used(acme, Role.MEMBER, "team", DECIDED + DAY)
    used(globex, Role.ADMIN, "usage", DECIDED - timedelta(hours=1))
    assert outcomes() == {
        "wrote_again": ({"people": 8, "count": 1}, {"people": 2, "count": 1}),
        "used_screen": ({"people": 8, "count": 1}, {"people": 2, "count": 0}),
    }
    figures = lift(NOW)
    assert (figures["decided"], figures["people"], figures["untold"]) == (11, 10, 2)
    assert not any(row["is_enough"] for row in figures["outcomes"])


def test_whose_time_is_not_over_or_not_read_does_not_count_yet(world: World) -> None:
    read(NOW - 100 * DAY, NOW - 20 * DAY)
    decided(world.acme, Role.OWNER, NudgeGroup.NUDGED, decided_at=NOW - 90 * DAY)
    decided(world.acme, Role.ADMIN, NudgeGroup.NUDGED, decided_at=NOW - 70 * DAY)
    decided(world.acme, Role.MEMBER, NudgeGroup.NUDGED, decided_at=NOW - 29 * DAY)
    found = outcomes()
    assert (found["wrote_again"][0]["people"], found["used_screen"][0]["people"]) == (1, 2)


def test_an_audit_knows_nothing_of_the_time_after_it(world: World) -> None:
    """Of 60 days that are over, and of others that are not, an audit of a month ago cannot know the end."""
    decided(world.acme, Role.OWNER, NudgeGroup.NUDGED, decided_at=NOW - 61 * DAY)
    decided(world.acme, Role.ADMIN, NudgeGroup.NUDGED, decided_at=NOW - 20 * DAY)
    start = NOW - 100 * DAY
    ticket(None, start, audit(start, start, wanted_until=NOW + 90 * DAY, asked_at=NOW - 30 * DAY))
    db.session.commit()
    assert outcomes()["wrote_again"][0]["people"] == 0
    ticket(None, start, audit(start, start, wanted_until=NOW + 90 * DAY, asked_at=NOW + 90 * DAY))
    db.session.commit()
    assert outcomes()["wrote_again"][0]["people"] == 1


def test_enough_people_bring_a_difference_with_its_interval(world: World) -> None:
    """A world in which half of those told use the screen, and a quarter of the others."""
    read(DECIDED - 5 * DAY, NOW)
    organization = db.session.get_one(Organization, world.acme.organization_id)
    tenant = Tenant(world.acme.organization_id, {}, {}, {})
    for number in range(80):
        user = make_user(f"person{number}@acme.example")
        add_member(organization, user, Role.VIEWER)
        tenant.users[Role.VIEWER] = user.id
        group = NudgeGroup.CONTROL if number < 40 else NudgeGroup.NUDGED
        decided(tenant, Role.VIEWER, group)
        if number < 10 or number >= 60:
            used(tenant, Role.VIEWER, "usage", DECIDED + DAY)
    row = next(row for row in lift(NOW)["outcomes"] if row["name"] == "used_screen")
    assert row["is_enough"]
    assert row["difference"] == pytest.approx(0.25)
    assert 0 < row["low"] < 0.25 < row["high"] < 0.5
