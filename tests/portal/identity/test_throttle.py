"""Guesses are counted in the database, per value and window, whatever becomes of the request."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from portal.errors import TooManyAttemptsError
from portal.extensions import db
from portal.identity import throttle
from portal.identity.models import AttemptCounter
from portal.identity.throttle import Limit, count_attempt, delete_finished_windows, forget_attempts
from portal.kit.clock import utcnow

THREE = Limit("test", 3, timedelta(minutes=5))


def exhaust(value: str = "198.51.100.7") -> None:
    for _ in range(THREE.count):
        count_attempt(THREE, value)


def end_windows() -> None:
    db.session.execute(update(AttemptCounter).values(window_ends_at=utcnow() - timedelta(seconds=1)))
    db.session.commit()


def test_the_limit_holds_and_says_when_it_ends(app: Flask) -> None:
    with app.app_context():
        exhaust()
        with pytest.raises(TooManyAttemptsError, match="5 minutes") as refusal:
            count_attempt(THREE, "198.51.100.7")
    assert 290 <= refusal.value.retry_after_seconds <= 300


def test_another_value_and_another_limit_have_their_own_count(app: Flask) -> None:
    with app.app_context():
        exhaust()
        count_attempt(THREE, "198.51.100.8")
        count_attempt(Limit("other", 3, timedelta(minutes=5)), "198.51.100.7")


def test_a_window_ends_and_does_not_slide(app: Flask) -> None:
    with app.app_context():
        exhaust()
        before = db.session.scalars(db.select(AttemptCounter.window_ends_at)).one()
        db.session.rollback()
        with pytest.raises(TooManyAttemptsError):
            count_attempt(THREE, "198.51.100.7")
        assert db.session.scalars(db.select(AttemptCounter.window_ends_at)).one() == before
        db.session.rollback()
        end_windows()
        exhaust()


def test_a_count_stays_when_the_request_rolls_back(app: Flask) -> None:
    with app.app_context():
        for _ in range(THREE.count):
            count_attempt(THREE, "a")
            db.session.rollback()
        with pytest.raises(TooManyAttemptsError):
            count_attempt(THREE, "a")


def test_the_right_answer_starts_from_zero(app: Flask) -> None:
    with app.app_context():
        exhaust()
        forget_attempts(THREE, "198.51.100.7")
        db.session.commit()
        exhaust()


def test_no_address_is_kept(app: Flask) -> None:
    with app.app_context():
        exhaust()
        row = db.session.scalars(db.select(AttemptCounter)).one()
        assert len(row.key) == 64
        assert "198.51.100.7" not in row.key


def test_finished_windows_are_forgotten(app: Flask) -> None:
    with app.app_context():
        exhaust()
        end_windows()
        count_attempt(THREE, "b")
        assert delete_finished_windows() == 1
        db.session.commit()
        assert len(db.session.scalars(db.select(AttemptCounter)).all()) == 1


def test_the_limit_on_sign_ins_is_at_most_ten_in_five_minutes() -> None:
    limit = throttle.SIGN_IN_BY_ACCOUNT_AND_ADDRESS
    assert limit.count <= 10
    assert limit.window >= timedelta(minutes=5)
