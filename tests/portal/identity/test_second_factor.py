"""The second factor: each code once, secrets sealed, everything told to its person."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from portal.errors import ConflictError, InvalidInputError
from portal.extensions import db
from portal.identity import recovery_codes, second_factor
from portal.identity.models import RecoveryCode, SecondFactor
from portal.identity.second_factor import (
    SETUP_LASTS,
    check_code,
    has_second_factor,
    keep_codes,
    make_codes,
    new_setup,
    open_setup,
    remove_second_factor,
    status_of,
    turn_on,
)
from portal.identity.sessions import find_session
from portal.identity.totp import STEP_SECONDS, code_at, step_of
from portal.kit.tokens import digest
from tests.factories import World, give_second_factor
from tests.portal.identity.accounts import (
    ORIGIN,
    OWNER,
    actor,
    entries,
    session_of,
    started,
    switch_on,
    told,
    user_of,
)
from tests.support.totp import code_now

NOW = datetime(2026, 11, 23, 12, 0, 7, tzinfo=UTC)
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, datetime]:
    """Codes are made and checked at `clock["now"]`."""
    clock = {"now": NOW}
    monkeypatch.setattr(second_factor, "utcnow", lambda: clock["now"])
    return clock


@pytest.fixture
def owner(world: World) -> str:
    """Acme's owner with a second factor of `KEY`; their id."""
    user = user_of()
    give_second_factor(user, KEY)
    db.session.commit()
    return user.id


def takes(code: str, email: str = OWNER) -> bool:
    """Whether the code is taken; what it did is committed."""
    try:
        check_code(actor(email), user_of(email), code)
    except InvalidInputError:
        db.session.rollback()
        return False
    db.session.commit()
    return True


def test_a_code_is_taken_once(owner: str, clock: dict[str, datetime]) -> None:
    code = code_at(KEY, step_of(NOW))
    assert [takes(code), takes(code), takes(f" {code[:3]} {code[3:]}")] == [True, False, False]


def test_a_code_of_before_the_last_one_taken_is_refused(owner: str, clock: dict[str, datetime]) -> None:
    step = step_of(NOW)
    assert takes(code_at(KEY, step + 1))
    assert not takes(code_at(KEY, step))
    assert not takes(code_at(KEY, step - 1))
    clock["now"] = NOW + timedelta(seconds=STEP_SECONDS)
    assert not takes(code_at(KEY, step + 1))
    assert takes(code_at(KEY, step + 2))


@pytest.mark.parametrize(("steps", "fits"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(
    owner: str, clock: dict[str, datetime], steps: int, fits: bool
) -> None:
    assert takes(code_at(KEY, step_of(NOW) + steps)) == fits


def test_a_code_of_somebody_else_is_refused(owner: str, clock: dict[str, datetime]) -> None:
    give_second_factor(user_of("admin@acme.example"))
    db.session.commit()
    assert not takes(code_at(KEY, step_of(NOW)), "admin@acme.example")
    assert not takes(code_at(KEY, step_of(NOW)), "viewer@acme.example")
    assert takes(code_at(KEY, step_of(NOW)))


def test_a_recovery_code_works_once_and_is_told(world: World) -> None:
    _, made = switch_on()
    code, other = made.codes[:2]
    assert takes(code.lower().replace("-", " "))
    assert not takes(code)
    assert takes(other)
    assert status_of(user_of().id).codes_left == 8  # type: ignore[union-attr]
    assert [payload["codes_left"] for payload in told("second-factor-changed")] == [None, 9, 8]
    assert [payload["change"] for payload in told("second-factor-changed")] == [
        "on",
        "code-used",
        "code-used",
    ]


def test_new_recovery_codes_end_the_old_ones(world: World) -> None:
    _, made = switch_on()
    codes = make_codes(actor(), user_of())
    db.session.commit()
    assert len(set(codes) | set(made.codes)) == 20
    assert not takes(made.codes[0])
    assert takes(codes[0])


def test_recovery_codes_are_random_enough_and_easy_to_read(world: World) -> None:
    codes = [code for _ in range(50) for code in recovery_codes.replace_codes(user_of().id)]
    assert len(set(codes)) == 500
    assert all(re.fullmatch(r"([2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}", code) for code in codes)


def test_who_shows_a_code_has_kept_them_and_it_stays_good(world: World) -> None:
    _, made = switch_on()
    with pytest.raises(InvalidInputError):
        keep_codes(actor(), user_of(), "AAAA-BBBB-CCCC-DDDD")
    db.session.rollback()
    assert status_of(user_of().id).codes_kept_at is None  # type: ignore[union-attr]
    db.session.rollback()
    keep_codes(actor(), user_of(), made.codes[3])
    db.session.commit()
    assert status_of(user_of().id).codes_kept_at is not None  # type: ignore[union-attr]
    assert takes(made.codes[3])
    with pytest.raises(InvalidInputError):
        keep_codes(actor(), user_of(), made.codes[3])
    db.session.rollback()
    make_codes(actor(), user_of())
    assert status_of(user_of().id).codes_kept_at is None  # type: ignore[union-attr]


def test_nothing_that_signs_in_is_readable_in_the_database(app: Flask, world: World) -> None:
    key, made = switch_on()
    check_code(actor(), user_of(), made.codes[0])
    db.session.commit()
    tables = [table.name for table in db.metadata.sorted_tables]
    with db.engine.connect() as connection:
        whole = repr([connection.execute(text(f"SELECT * FROM {table}")).all() for table in tables])
    for secret in (key, *made.codes, made.token, *(code.replace("-", "") for code in made.codes)):
        assert secret not in whole


def test_a_sealed_secret_cannot_be_moved_to_somebody_else(owner: str, clock: dict[str, datetime]) -> None:
    give_second_factor(user_of("admin@acme.example"))
    theirs = db.session.get_one(SecondFactor, user_of("admin@acme.example").id)
    theirs.secret = db.session.get_one(SecondFactor, owner).secret
    db.session.commit()
    assert not takes(code_at(KEY, step_of(NOW)), "admin@acme.example")


def test_under_another_secret_key_only_recovery_codes_work(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key, made = switch_on()
    services = app.extensions["portal"]
    other = services.settings.model_copy(
        update={
            "secret_key": type(services.settings.secret_key)("another-secret-key-of-more-than-32-letters")
        }
    )
    monkeypatch.setattr(services, "settings", other)
    assert not takes(code_now(key, 1))
    assert "SECRET_KEY" in caplog.text
    assert key not in caplog.text
    assert takes(made.codes[0])


def test_setting_up_wants_a_code_of_this_secret(world: World) -> None:
    user, token = user_of(), started()
    setup = new_setup(user.id, user.email, "Skylark")
    for code in ("", "000000", code_now(KEY), code_now(setup.key, 3)):
        with pytest.raises(InvalidInputError):
            turn_on(actor(), user_of(), digest(token), setup, code)
        db.session.rollback()
    assert not has_second_factor(user_of().id)


def test_a_setup_is_for_one_person_and_half_an_hour(world: World, clock: dict[str, datetime]) -> None:
    user, other = user_of(), user_of("admin@acme.example")
    setup = new_setup(user.id, user.email, "Skylark")
    assert open_setup(other.id, other.email, "Skylark", setup.sealed) is None
    assert open_setup(user.id, user.email, "Skylark", setup.sealed[:-4] + "AAAA") is None
    assert open_setup(user.id, user.email, "Skylark", "") is None
    assert open_setup(user.id, user.email, "Skylark", "ä") is None
    clock["now"] = NOW + SETUP_LASTS - timedelta(seconds=1)
    assert open_setup(user.id, user.email, "Skylark", setup.sealed) == setup
    clock["now"] = NOW + SETUP_LASTS + timedelta(seconds=1)
    assert open_setup(user.id, user.email, "Skylark", setup.sealed) is None


def test_the_code_that_set_it_up_does_not_sign_in_and_does_not_set_up_twice(world: World) -> None:
    user, token = user_of(), started()
    setup, code = new_setup(user.id, user.email, "Skylark"), ""
    code = code_now(setup.key)
    made = turn_on(actor(), user, digest(token), setup, code)
    db.session.commit()
    assert not takes(code)
    with pytest.raises(ConflictError):
        turn_on(actor(), user_of(), digest(made.token), setup, code)


def test_moving_to_another_app_ends_the_old_one_and_its_codes(world: World) -> None:
    key, made = switch_on()
    other, _ = switch_on()
    assert not takes(code_now(key, 1))
    assert not takes(made.codes[0])
    assert takes(code_now(other, 1))


def test_switching_on_ends_other_sessions_and_renews_this_one(world: World) -> None:
    elsewhere, here = started(), started()
    user = user_of()
    setup = new_setup(user.id, user.email, "Skylark")
    made = turn_on(actor(), user, digest(here), setup, code_now(setup.key))
    db.session.commit()
    assert [find_session(elsewhere), find_session(here)] == [None, None]
    assert session_of(made.token).second_factor_at is not None
    assert [row.after for row in entries("security:second-factor:on")] == [{"sessions_ended": 1}]


def test_it_is_written_into_the_persons_own_chain_and_told_to_them(world: World) -> None:
    switch_on()
    user_id = user_of().id
    row = entries("security:second-factor:on")[0]
    assert (row.chain, row.organization_id, row.actor_id, row.address) == (
        user_id,
        None,
        user_id,
        ORIGIN.address,
    )
    payload = told("second-factor-changed")[0]
    assert (payload["about"], payload["address"], payload["change"]) == ([user_id], ORIGIN.address, "on")
    assert not re.search(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", json.dumps(payload))


def test_after_a_recovery_it_is_gone_with_its_codes(world: World) -> None:
    switch_on()
    staff = actor("lead@portal.example").within(world.acme.organization_id)
    remove_second_factor(staff, user_of())
    db.session.commit()
    assert not has_second_factor(user_of().id)
    assert db.session.query(RecoveryCode).count() == 0
    assert told("second-factor-changed")[-1]["change"] == "removed"
    row = entries("security:second-factor:removed")[0]
    assert (row.organization_id, row.entity_id, row.actor_name) == (None, user_of().id, "Lead")
    with pytest.raises(ConflictError):
        remove_second_factor(staff, user_of())
