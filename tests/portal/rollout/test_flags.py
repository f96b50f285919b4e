"""Flags: who may set them, to whom a screen is open now, and when it was before."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from portal.actor import Actor, ActorKind, Origin, system_actor
from portal.audit.models import AuditEntry
from portal.errors import ForbiddenError, InvalidInputError
from portal.extensions import db
from portal.identity.models import Organization
from portal.identity.queries import user_by_email
from portal.identity.sessions import find_session, start_session
from portal.kit.tokens import new_id
from portal.permissions import StaffRole
from portal.rollout.hashing import bucket, is_within
from portal.rollout.models import FlagChange
from portal.rollout.overview import all_flags
from portal.rollout.queries import Opening, closed_screens, is_open, opening_histories
from portal.rollout.service import AlwaysOpenError, set_for_organization, set_percent
from tests.factories import World, make_organization

LEAD = Actor(ActorKind.STAFF, "usr_lead", "Lead", staff_role=StaffRole.LEAD)
WHY = "The pilot begins"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def on(screen: str, organization_id: str, is_on: bool | None) -> bool:
    return set_for_organization(LEAD.within(organization_id), screen, is_on, WHY)


def test_raising_a_percentage_only_adds_organizations() -> None:
    ids = [new_id("org") for _ in range(2_000)]
    within = [{key for key in ids if is_within(percent, "billing", key)} for percent in range(101)]
    assert all(lower <= higher for lower, higher in pairwise(within))
    assert (within[0], within[100]) == (set(), set(ids))
    assert 0.21 < len(within[25]) / len(ids) < 0.29
    assert bucket("billing", "org_fixed") == 89, "what has been opened stays open in every later version"
    assert len(within[25] & {key for key in ids if is_within(25, "usage", key)}) < 0.4 * len(within[25])


def test_one_organization_wins_over_the_percentage(world: World) -> None:
    acme, globex = world.acme.organization_id, world.globex.organization_id
    assert closed_screens(acme) == frozenset()
    assert set_percent(LEAD, "billing", 0, WHY)
    assert on("billing", acme, True)
    assert on("usage", globex, False)
    assert closed_screens(acme) == frozenset()
    assert closed_screens(globex) == {"billing", "usage"}
    assert not is_open(globex, "usage")
    assert on("billing", acme, None)
    assert closed_screens(acme) == {"billing"}, "the percentage decides again"
    assert not on("billing", acme, None), "it is so already"
    assert not set_percent(LEAD, "billing", 0, WHY)
    assert len(db.session.scalars(select(FlagChange)).all()) == 4


def test_the_session_knows_what_is_closed(world: World) -> None:
    set_percent(LEAD, "billing", 0, WHY)
    on("billing", world.acme.organization_id, True)
    on("team", world.acme.organization_id, False)
    for email, closed in (("owner@acme.example", {"team"}), ("owner@globex.example", {"billing"})):
        user = user_by_email(email)
        assert user
        found = find_session(start_session(user, Origin()))
        assert found
        assert found.closed_screens == closed


def test_only_leads_and_only_with_a_reason(world: World) -> None:
    support = replace(LEAD, staff_role=StaffRole.SUPPORT, organization_id=world.acme.organization_id)
    for actor in (support, world.acme.actor(), system_actor(world.acme.organization_id)):
        with pytest.raises(ForbiddenError):
            set_percent(actor, "billing", 10, WHY)
        with pytest.raises(ForbiddenError):
            set_for_organization(actor, "billing", False, WHY)
    for screen, percent, why, field in (
        ("billing", 10, " ", "reason"),
        ("billing", 101, WHY, "percent"),
        ("x", 1, WHY, "screen"),
    ):
        with pytest.raises(InvalidInputError) as refused:
            set_percent(LEAD, screen, percent, why)
        assert refused.value.field == field
    for screen in ("security", "profile", "notifications", "help"):
        with pytest.raises(AlwaysOpenError):
            set_percent(LEAD, screen, 0, WHY)
        with pytest.raises(AlwaysOpenError):
            on(screen, world.acme.organization_id, False)


def test_a_percentage_is_told_to_staff_and_an_exception_to_the_customer(world: World) -> None:
    set_percent(LEAD, "billing", 30, WHY)
    on("billing", world.acme.organization_id, False)
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    told = {row.chain: (row.action, row.before, row.after, row.reason, row.actor_name) for row in rows}
    assert told == {
        "usr_lead": ("screen:percentage:changed", {"percent": 100}, {"percent": 30}, WHY, "Lead"),
        world.acme.organization_id: (
            "screen:organization:changed",
            {"open": "by percentage"},
            {"open": "no"},
            WHY,
            "Lead",
        ),
    }


def test_history_says_when_a_screen_was_open(world: World) -> None:
    acme, globex = world.acme.organization_id, world.globex.organization_id
    late = make_organization("Late").id
    organizations = {row.id: row for row in db.session.scalars(select(Organization))}
    organizations[acme].created_at = organizations[globex].created_at = BEGIN
    organizations[late].created_at = BEGIN + timedelta(days=5)
    days = [BEGIN + timedelta(days=day) for day in range(10)]
    for day, percent, organization_id, is_on in (
        (1, 0, None, None),
        (2, None, acme, True),
        (3, None, acme, False),
        (4, None, acme, False),
        (6, 100, None, None),
        (8, None, acme, None),
    ):
        db.session.add(
            FlagChange(
                screen="team",
                percent=percent,
                organization_id=organization_id,
                is_on=is_on,
                why=WHY,
                actor_name="Lead",
                at=days[day],
            )
        )
    db.session.flush()
    assert opening_histories("team") == {
        acme: [Opening(days[0], days[1]), Opening(days[2], days[3]), Opening(days[8])],
        globex: [Opening(days[0], days[1]), Opening(days[6])],
        late: [Opening(days[6])],  # it was closed when they came
    }
    always = {acme: [Opening(BEGIN)], globex: [Opening(BEGIN)], late: [Opening(days[5])]}
    assert opening_histories("usage") == always, "never changed: since they came"
    on("usage", acme, False)
    assert opening_histories("usage")[acme][-1].until


@pytest.fixture
def call(app: Flask, world: World) -> Callable[..., Result]:
    return lambda *arguments: app.test_cli_runner().invoke(args=["flags", *arguments])


def test_the_command_sets_and_lists(world: World, call: Callable[..., Result]) -> None:
    assert call("set", "billing", "--percent", "0", "--why", WHY).exit_code == 0
    done = call("set", "billing", "--org", "Acme", "--on", "--why", WHY)
    assert done.stdout == "billing: 0%, open to 1 of 2 organizations; Acme on\n"
    assert "security: always open\n" in call("list").stdout
    assert f'"exceptions": {{"{world.acme.organization_id}": true}}' in call("list", "--json").stdout
    flag = next(flag for flag in all_flags() if flag.screen.name == "billing")
    assert (flag.percent, flag.open_to) == (0, 1)
    assert (
        call("set", "billing", "--org", world.acme.organization_id, "--by-percent", "--why", WHY).exit_code
        == 0
    )
    assert not is_open(world.acme.organization_id, "billing")
    again = json.loads(call("set", "billing", "--percent", "0", "--why", WHY, "--json").stdout)
    assert (again["changed"], again["flag"]["percent"], again["flag"]["open_to"]) == (False, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("billing", "--percent", "5"), "Missing option '--why'"),
        (("billing", "--percent", "101", "--why", WHY), "101 is not in the range"),
        (("billing", "--percent", "5", "--org", "Acme", "--why", WHY), "Give --percent, or --org"),
        (("billing", "--org", "Acme", "--why", WHY), "goes with --org"),
        (("billing", "--org", "Nowhere", "--on", "--why", WHY), "no organization of this id or name"),
        (("security", "--percent", "0", "--why", WHY), "Security is always open"),
        (("bills", "--percent", "0", "--why", WHY), "There is no screen bills"),
    ],
)
def test_the_command_refuses(call: Callable[..., Result], arguments: tuple[str, ...], said: str) -> None:
    result = call("set", *arguments)
    assert result.exit_code != 0
    assert said in result.stderr
    assert db.session.scalars(select(FlagChange)).all() == []
