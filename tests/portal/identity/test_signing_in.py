"""Password, then the second factor, and only then a session; unknown devices are told of."""

import multiprocessing
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.actor import Origin
from portal.errors import GoneError, InvalidInputError, TooManyAttemptsError
from portal.extensions import db
from portal.identity import signing_in, throttle
from portal.identity.devices import forget_devices
from portal.identity.models import KnownDevice, User, UserSession
from portal.identity.second_factor import WRONG_CODE
from portal.identity.sessions import find_session
from portal.identity.signing_in import (
    PENDING_LASTS,
    Browser,
    PendingSignIn,
    finish_sign_in,
    pending_user,
    sign_in,
)
from portal.kit.clock import utcnow
from portal.kit.tokens import digest
from tests.factories import PASSWORD, PASSWORD_HASH, World
from tests.portal.identity import racing
from tests.portal.identity.accounts import (
    AGENT,
    BROWSER,
    ORIGIN,
    OWNER,
    entries,
    session_of,
    started,
    switch_on,
    told,
    user_of,
)
from tests.support.totp import code_now

STAFF = "lead@portal.example"


def enter(browser: Browser = BROWSER, email: str = OWNER) -> str:
    """Sign in where no second factor is on; the token."""
    db.session.rollback()  # guesses are counted in a transaction of their own
    token = sign_in(email, PASSWORD, browser)
    db.session.commit()
    assert isinstance(token, str)
    return token


def half_way(email: str = OWNER, browser: Browser = BROWSER) -> PendingSignIn:
    """The password was right."""
    db.session.rollback()
    pending = sign_in(email, PASSWORD, browser)
    db.session.commit()
    assert isinstance(pending, PendingSignIn)
    return pending


def sessions_count() -> int:
    return db.session.scalar(select(func.count()).select_from(UserSession)) or 0


def test_without_a_second_factor_the_password_is_enough(world: World) -> None:
    found = session_of(enter())
    assert found.second_factor_at is None
    assert found.is_proved(utcnow())


@pytest.mark.parametrize("engine_name", ["postgres"])  # SQLite has one writer: there nothing comes in between
@pytest.mark.parametrize("ending", [{"password_hash": "another"}, {"disabled_at": utcnow()}])
def test_a_password_that_is_changed_while_it_is_checked_does_not_sign_in(
    world: World, monkeypatch: pytest.MonkeyPatch, ending: dict[str, object]
) -> None:
    verify, before = signing_in.verify_password, sessions_count()
    db.session.commit()

    def verify_slowly(stored: str | None, password: str) -> bool:
        monkeypatch.setattr(signing_in, "verify_password", verify)
        found = verify(stored, password)
        with db.engine.begin() as elsewhere:
            elsewhere.execute(update(User).where(User.email == OWNER).values(ending))
        return found

    monkeypatch.setattr(signing_in, "verify_password", verify_slowly)
    with pytest.raises(InvalidInputError):
        sign_in(OWNER, PASSWORD, BROWSER)
    db.session.rollback()
    assert sessions_count() == before


def test_with_one_there_is_no_session_before_the_code(world: World) -> None:
    key, _ = switch_on()
    before = sessions_count()
    pending = half_way()
    assert sessions_count() == before
    token = finish_sign_in(pending, code_now(key, 1), BROWSER)
    db.session.commit()
    assert session_of(token).second_factor_at is not None
    assert sessions_count() == before + 1


def test_the_session_that_the_browser_held_ends_with_the_second_step(world: World) -> None:
    key, _ = switch_on()
    old = started()
    browser = replace(BROWSER, old_token=old)
    pending = half_way(browser=browser)
    assert find_session(old) is not None
    finish_sign_in(pending, code_now(key, 1), browser)
    db.session.commit()
    assert find_session(old) is None


def test_a_recovery_code_signs_in_once(world: World) -> None:
    _, made = switch_on()
    finish_sign_in(half_way(), made.codes[0], BROWSER)
    db.session.commit()
    with pytest.raises(InvalidInputError, match=WRONG_CODE):
        finish_sign_in(half_way(), made.codes[0], BROWSER)


@pytest.mark.parametrize("code", ["", "000000", "12345", "AAAA-BBBB-CCCC-DDDD", "used", "recovery"])
def test_every_wrong_code_gets_the_same_words(world: World, code: str) -> None:
    key, made = switch_on()
    for right in (made.codes[0], code_now(key, 1)):
        finish_sign_in(half_way(), right, BROWSER)
        db.session.commit()
    typed = {"used": code_now(key, 1), "recovery": made.codes[0]}.get(code, code)
    with pytest.raises(InvalidInputError) as refusal:
        finish_sign_in(half_way(), typed, BROWSER)
    assert (refusal.value.message, refusal.value.field) == (WRONG_CODE, "code")


def test_what_is_pending_is_over_after_ten_minutes(world: World) -> None:
    key, _ = switch_on()
    pending = half_way()
    assert pending.ends_at <= utcnow() + PENDING_LASTS <= utcnow() + timedelta(minutes=10)
    late = replace(pending, ends_at=utcnow() - timedelta(seconds=1))
    with pytest.raises(GoneError):
        finish_sign_in(late, code_now(key, 1), BROWSER)
    assert finish_sign_in(pending, code_now(key, 1), BROWSER)


@pytest.mark.parametrize(
    "changes",
    [
        {"password_hash": PASSWORD_HASH + "x"},
        {"disabled_at": utcnow()},
    ],
)
def test_what_is_pending_dies_with_the_password_and_the_account(
    world: World, changes: dict[str, object]
) -> None:
    key, _ = switch_on()
    pending = half_way()
    db.session.execute(update(User).where(User.email == OWNER).values(changes))
    db.session.commit()
    with pytest.raises(GoneError):
        finish_sign_in(pending, code_now(key, 1), BROWSER)


def test_what_is_pending_for_one_is_nothing_for_another(world: World) -> None:
    """Not even where both have the same password."""
    switch_on()
    other, _ = switch_on("admin@acme.example")
    pending = replace(half_way(), user_id=user_of("admin@acme.example").id)
    with pytest.raises(GoneError):
        finish_sign_in(pending, code_now(other, 1), BROWSER)


def test_without_a_second_factor_nothing_is_pending(world: World) -> None:
    pending = PendingSignIn(user_of().id, "guessed", utcnow() + timedelta(minutes=5))
    with pytest.raises(GoneError):
        pending_user(pending)


def guess(pending: PendingSignIn, browser: Browser) -> None:
    with pytest.raises(InvalidInputError):
        finish_sign_in(pending, "000000", browser)
    db.session.rollback()


def test_guessing_codes_is_limited_for_account_and_address(world: World) -> None:
    key, _ = switch_on()
    pending = half_way()
    for _ in range(throttle.SECOND_FACTOR_BY_ACCOUNT_AND_ADDRESS.count):
        guess(pending, BROWSER)
    with pytest.raises(TooManyAttemptsError):
        finish_sign_in(pending, code_now(key, 1), BROWSER)
    db.session.rollback()
    elsewhere = replace(BROWSER, origin=Origin("198.51.100.7", AGENT))
    assert finish_sign_in(pending, code_now(key, 1), elsewhere)


def test_guessing_from_many_addresses_is_limited_and_known_devices_still_get_in(world: World) -> None:
    key, _ = switch_on()
    finish_sign_in(half_way(), code_now(key, 1), BROWSER)
    db.session.commit()
    pending = half_way()
    for number in range(throttle.SECOND_FACTOR_BY_ACCOUNT.count):
        guess(pending, Browser(Origin(f"198.51.100.{number}"), f"an-unknown-device-{number:030}"))
    with pytest.raises(TooManyAttemptsError):
        finish_sign_in(pending, "000000", Browser(Origin("198.51.100.250"), "yet-another-device" * 3))
    db.session.rollback()
    guess(pending, BROWSER)


def test_a_known_device_does_not_guess_from_many_addresses_either(world: World) -> None:
    key, _ = switch_on()
    finish_sign_in(half_way(), code_now(key, 1), BROWSER)
    db.session.commit()
    pending = half_way()
    for number in range(throttle.SECOND_FACTOR_BY_ACCOUNT.count):
        guess(pending, replace(BROWSER, origin=Origin(f"198.51.100.{number}")))
    with pytest.raises(TooManyAttemptsError):
        finish_sign_in(pending, "000000", replace(BROWSER, origin=Origin("198.51.100.250")))


def test_the_right_code_starts_the_count_from_zero(world: World) -> None:
    _, made = switch_on()
    for round_ in range(3):
        pending = half_way()
        for _ in range(throttle.SECOND_FACTOR_BY_ACCOUNT_AND_ADDRESS.count - 1):
            guess(pending, BROWSER)
        finish_sign_in(pending, made.codes[round_], BROWSER)
        db.session.commit()


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_processes_with_the_same_code_one_gets_in(app: Flask, world: World, kind: str) -> None:
    key, made = switch_on()
    pending, processes = half_way(), 3
    code = code_now(key, 1) if kind == "app" else made.codes[0]
    before = sessions_count()
    db.session.remove()
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(processes), context.Queue()
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    racers = [
        context.Process(target=racing.finish, args=(url, pending, code, f"{n}" * 43, start, results))
        for n in range(processes)
    ]
    for racer in racers:
        racer.start()
    found = sorted(results.get(timeout=90) for _ in racers)
    for racer in racers:
        racer.join(30)
    assert found == ["InvalidInputError"] * (processes - 1) + ["in"]
    assert sessions_count() == before + 1


def test_the_first_device_is_remembered_silently_and_another_is_told(world: World) -> None:
    enter()
    enter()
    assert told("new-device") == []
    enter(Browser(ORIGIN, "another-device-of-the-same-person-000000000"))
    payload = told("new-device")[0]
    assert (payload["device"], payload["address"]) == ("Firefox on Windows", ORIGIN.address)
    assert payload["about"] == [user_of().id]
    assert [row.after for row in entries("security:device:added")] == [{"device": "Firefox on Windows"}]
    enter(Browser(ORIGIN, "another-device-of-the-same-person-000000000"))
    assert len(told("new-device")) == 1


def test_a_device_is_known_to_one_person_only_and_only_its_hash_is_kept(world: World) -> None:
    enter()
    enter(email="admin@acme.example")
    enter(Browser(ORIGIN, "another-device-of-the-same-person-000000000"), "admin@acme.example")
    assert len(told("new-device")) == 1
    rows = db.session.scalars(select(KnownDevice)).all()
    assert {row.token_hash for row in rows} == {
        digest(BROWSER.device),
        digest("another-device-of-the-same-person-000000000"),
    }


def test_a_refused_sign_in_makes_no_device_known(world: World) -> None:
    switch_on()
    guess(half_way(), BROWSER)
    assert db.session.scalar(select(func.count()).select_from(KnownDevice)) == 0


def test_devices_that_nobody_uses_are_forgotten(world: World) -> None:
    enter()
    enter(Browser(ORIGIN, "another-device-of-the-same-person-000000000"))
    old = update(KnownDevice).where(KnownDevice.token_hash == digest(BROWSER.device))
    db.session.execute(old.values(last_seen_at=utcnow() - timedelta(days=500)))
    assert forget_devices(utcnow() - timedelta(days=400)) == 1
    assert forget_devices(utcnow() - timedelta(days=400)) == 0
