"""A person's own account security: proofs, the password, and the devices signed in."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.errors import ConflictError, InvalidInputError, NotFoundError, TooManyAttemptsError
from portal.extensions import db
from portal.identity import sessions, throttle
from portal.identity.models import UserSession
from portal.identity.passwords import MINIMUM_LENGTH, verify_password
from portal.identity.second_factor import WRONG_CODE, has_second_factor
from portal.identity.security import (
    WRONG_PASSWORD,
    Given,
    change_password,
    end_one_session,
    end_other_sessions,
    prove,
    turn_off,
)
from portal.identity.sessions import PROOF_LASTS, SignedIn, find_session, sessions_of_user
from portal.kit.clock import utcnow
from portal.kit.tokens import digest
from tests.factories import PASSWORD, World
from tests.portal.identity.accounts import (
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

NEW = "a quite different one"
STAFF = "lead@portal.example"


def age(token: str, by: timedelta = PROOF_LASTS) -> SignedIn:
    """The session, its last proof that much older."""
    statement = update(UserSession).where(UserSession.token_hash == digest(token))
    db.session.execute(statement.values(proved_at=utcnow() - by))
    db.session.commit()
    found = session_of(token)
    db.session.rollback()
    return found


def looked(token: str) -> SignedIn:
    """The session; nothing stays open in the database."""
    found = session_of(token)
    db.session.rollback()
    return found


def test_a_proof_lasts_ten_minutes(world: World) -> None:
    token = started()
    assert timedelta(minutes=10) >= PROOF_LASTS
    assert age(token, PROOF_LASTS - timedelta(seconds=20)).is_proved(utcnow())
    assert not age(token, PROOF_LASTS).is_proved(utcnow())


def test_proving_renews_token_and_proof(world: World) -> None:
    old = started()
    before = age(old)
    token = prove(actor(), digest(old), Given(PASSWORD, ""))
    db.session.commit()
    assert find_session(old) is None
    after = looked(token)
    assert (after.session_id, after.second_factor_at) == (before.session_id, None)
    assert after.is_proved(utcnow())
    assert entries("session:identity:confirmed")[0].chain == user_of().id


@pytest.mark.parametrize(
    ("password", "code", "field", "message"),
    [
        ("wrong", "right", "password", WRONG_PASSWORD),
        ("", "right", "password", WRONG_PASSWORD),
        (PASSWORD, "", "code", WRONG_CODE),
        (PASSWORD, "000000", "code", WRONG_CODE),
    ],
)
def test_a_proof_wants_password_and_code(
    world: World, password: str, code: str, field: str, message: str
) -> None:
    key, made = switch_on()
    right = code_now(key, 1)
    given = Given(password, right if code == "right" else code)
    with pytest.raises(InvalidInputError) as refusal:
        prove(actor(), digest(made.token), given)
    assert (refusal.value.field, refusal.value.message) == (field, message)
    db.session.rollback()
    assert prove(actor(), digest(made.token), Given(PASSWORD, right)), (
        "the code was not used up by a wrong password"
    )


def test_the_password_of_somebody_else_never_satisfies(world: World) -> None:
    change_password(actor(), looked(started()), Given(PASSWORD, ""), NEW, end_others=True)
    db.session.commit()
    token = started("admin@acme.example")
    with pytest.raises(InvalidInputError):
        prove(actor("admin@acme.example"), digest(token), Given(NEW, ""))


def test_guessing_inside_a_session_is_limited(world: World) -> None:
    token = started()
    for _ in range(throttle.PROOF_BY_ACCOUNT.count):
        with pytest.raises(InvalidInputError):
            prove(actor(), digest(token), Given("wrong", ""))
        db.session.rollback()
    assert throttle.PROOF_BY_ACCOUNT.count <= 10
    with pytest.raises(TooManyAttemptsError):
        prove(actor(), digest(token), Given(PASSWORD, ""))


def test_a_new_password_ends_the_other_sessions_and_renews_this_one(world: World) -> None:
    elsewhere, here, of_another = started(), started(), started("admin@acme.example")
    token = change_password(actor(), looked(here), Given(PASSWORD, ""), NEW, end_others=True)
    db.session.commit()
    assert [find_session(elsewhere), find_session(here)] == [None, None]
    assert find_session(token) is not None
    assert find_session(of_another) is not None
    assert verify_password(user_of().password_hash, NEW)
    assert [row.after for row in entries("security:password:changed")] == [{"sessions_ended": 1}]
    assert told("password-changed")[0]["others_signed_out"] is True
    assert told("password-changed")[0]["about"] == [user_of().id]


def test_other_sessions_stay_where_that_was_chosen(world: World) -> None:
    elsewhere, here = started(), started()
    change_password(actor(), looked(here), Given(PASSWORD, ""), NEW, end_others=False)
    db.session.commit()
    assert find_session(elsewhere) is not None
    assert told("password-changed")[0]["others_signed_out"] is False


@pytest.mark.parametrize("new", ["short", "x" * (MINIMUM_LENGTH - 1), PASSWORD, "x" * 201])
def test_a_new_password_is_long_and_new(world: World, new: str) -> None:
    session = looked(started())
    with pytest.raises(InvalidInputError) as refusal:
        change_password(actor(), session, Given(PASSWORD, ""), new, end_others=True)
    assert refusal.value.field == "new_password"
    db.session.rollback()
    assert verify_password(user_of().password_hash, PASSWORD)


def test_the_old_password_is_asked_for_however_fresh_the_proof(world: World) -> None:
    session = looked(started())
    with pytest.raises(InvalidInputError) as refusal:
        change_password(actor(), session, Given("", ""), NEW, end_others=True)
    assert refusal.value.field == "password"


def test_a_password_wants_the_code_too_once_the_proof_is_old(world: World) -> None:
    key, made = switch_on()
    session = age(made.token)
    with pytest.raises(InvalidInputError) as refusal:
        change_password(actor(), session, Given(PASSWORD, ""), NEW, end_others=True)
    assert refusal.value.field == "code"
    db.session.rollback()
    change_password(actor(), session, Given(PASSWORD, code_now(key, 1)), NEW, end_others=True)


def test_a_password_is_kept_exactly_as_typed(world: World) -> None:
    new = "  Ünï cödé ﬁ " + "x" * 100 + " "
    change_password(actor(), looked(started()), Given(PASSWORD, ""), new, end_others=True)
    db.session.commit()
    stored = user_of().password_hash
    assert verify_password(stored, new)
    for other in (new.strip(), new[:72], new.lower(), new.replace("ﬁ", "fi")):
        assert not verify_password(stored, other)


def test_switching_off_wants_password_and_code_however_fresh_the_proof(world: World) -> None:
    key, made = switch_on()
    for given in (Given("", code_now(key, 1)), Given(PASSWORD, "")):
        with pytest.raises(InvalidInputError):
            turn_off(actor(), digest(made.token), given)
        db.session.rollback()
    elsewhere = started()
    token = turn_off(actor(), digest(made.token), Given(PASSWORD, code_now(key, 1)))
    db.session.commit()
    assert not has_second_factor(user_of().id)
    assert [find_session(made.token), find_session(elsewhere)] == [None, None]
    assert find_session(token) is not None
    assert told("second-factor-changed")[-1]["change"] == "off"


def test_staff_cannot_switch_it_off(world: World) -> None:
    token = started(STAFF)
    with pytest.raises(ConflictError):
        turn_off(actor(STAFF), digest(token), Given(PASSWORD, code_now()))
    db.session.rollback()
    assert has_second_factor(user_of(STAFF).id)


def test_what_is_off_cannot_be_switched_off(world: World) -> None:
    token = started()
    with pytest.raises(ConflictError):
        turn_off(actor(), digest(token), Given(PASSWORD, ""))


def test_one_device_or_all_others_are_signed_out(world: World) -> None:
    first, second, here = started(), started(), started()
    end_one_session(actor(), looked(first).session_id)
    db.session.commit()
    assert find_session(first) is None
    assert find_session(second) is not None
    assert end_other_sessions(actor(), digest(here)) == 1
    db.session.commit()
    assert find_session(second) is None
    assert find_session(here) is not None
    assert [row.after["sessions_ended"] for row in entries("security:sessions:ended") if row.after] == [1, 1]
    assert [payload["reason"] for payload in told("sessions-ended")] == [None, None]
    assert end_other_sessions(actor(), digest(here)) == 0
    db.session.commit()
    assert len(told("sessions-ended")) == 2


def test_a_device_of_somebody_else_is_a_missing_one(world: World) -> None:
    theirs = looked(started("admin@acme.example"))
    for session_id in (theirs.session_id, "ses_unknown", ""):
        with pytest.raises(NotFoundError):
            end_one_session(actor(), session_id)
    db.session.rollback()
    assert sessions_of_user(theirs.user_id)


def test_the_list_holds_what_is_good_now(world: World) -> None:
    good, ended, idle = started(), started(), started()
    sessions.end_session(digest(ended))
    stale = update(UserSession).where(UserSession.token_hash == digest(idle))
    db.session.execute(stale.values(last_seen_at=utcnow() - timedelta(days=8)))
    db.session.commit()
    assert [row.id for row in sessions_of_user(user_of(OWNER).id)] == [session_of(good).session_id]


def test_all_sessions_of_one_person_end(world: World) -> None:
    mine, other = [started(), started()], started("admin@acme.example")
    assert sessions.end_all_sessions(user_of().id) == 2
    db.session.commit()
    assert [find_session(token) for token in mine] == [None, None]
    assert find_session(other) is not None
