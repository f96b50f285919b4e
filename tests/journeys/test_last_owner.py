"""Two owners demote each other at the same moment, through different processes: one of them stays owner."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, text

from tests.journeys.calling import Caller
from tests.journeys.running import Parts

ROUNDS = 50
PEOPLE = ("owner@acme.example", "admin@acme.example")
OURS = """
    select memberships.id, users.email, memberships.role, memberships.organization_id
    from memberships join users on users.id = memberships.user_id
    join organizations on organizations.id = memberships.organization_id
    where organizations.stripe_customer_id is not null and users.email in (:first, :second)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def two_servers(request: pytest.FixtureRequest) -> Parts:
    """Two web servers of two processes each, on one database of each engine."""
    parts: Parts = request.getfixturevalue("parts" if request.param == "sqlite" else "postgres_parts")
    return parts


def give_role(engine: Engine, members: Iterable[str], role: str) -> None:
    """By hand: what the portal would refuse or count."""
    statement = text("update memberships set role = :role where id = :id")
    with engine.begin() as connection:
        for member_id in members:
            connection.execute(statement, {"role": role, "id": member_id})


def owners_left(engine: Engine, organization_id: str, owner: str) -> int:
    """How many owners the organization has."""
    count = text("select count(*) from memberships where organization_id = :organization and role = :owner")
    with engine.connect() as connection:
        return int(connection.execute(count, {"organization": organization_id, "owner": owner}).scalar_one())


def demote(caller: Caller, member_id: str, barrier: Barrier) -> int:
    """At the same moment as the other; the status of the answer."""
    barrier.wait(timeout=20)
    return caller.post(f"/account/team/members/{member_id}/role", role="admin").status_code


def test_two_owners_who_demote_each_other_never_leave_none(two_servers: Parts) -> None:
    engine = two_servers.engine()
    with engine.connect() as connection:
        rows = connection.execute(text(OURS), dict(zip(("first", "second"), PEOPLE, strict=True))).all()
    members = {row.email: row.id for row in rows}
    # As the database writes the roles.
    owner, before = (next(row.role for row in rows if row.email == email) for email in PEOPLE)
    callers = [Caller(url) for url in two_servers.urls]
    for caller, email in zip(callers, PEOPLE, strict=True):
        caller.sign_in(email)
    barrier, refused, left = Barrier(2), 0, []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            give_role(engine, members.values(), owner)
            others = (members[PEOPLE[1]], members[PEOPLE[0]])
            statuses = list(pool.map(demote, callers, others, (barrier, barrier)))
            assert set(statuses) <= {303, 403}, statuses
            left.append(owners_left(engine, rows[0].organization_id, owner))
            refused += statuses.count(403)
    give_role(engine, [members[PEOPLE[0]]], owner)
    give_role(engine, [members[PEOPLE[1]]], before)
    engine.dispose()
    assert left == [1] * ROUNDS
    assert refused <= ROUNDS
