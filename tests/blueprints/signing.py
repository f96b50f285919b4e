"""What tests of the second factor share: somebody who has one, and steps of signing in."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal.extensions import db
from portal.identity.models import User, UserSession
from portal.identity.recovery_codes import replace_codes
from portal.kit.clock import utcnow
from tests.factories import PASSWORD, World, give_second_factor
from tests.visitor import Visitor

OWNER, STAFF = "owner@acme.example", "lead@portal.example"
NEW = "a quite different one"


def user_of(email: str) -> User:
    return db.session.scalars(select(User).where(User.email == email)).one()


@pytest.fixture
def factor(app: Flask, world: World) -> list[str]:
    """Acme's owner has a second factor of the secret that all test people share; their recovery codes."""
    with app.app_context():
        user = user_of(OWNER)
        give_second_factor(user)
        codes = replace_codes(user.id)
        db.session.commit()
        return codes


def cookie(visitor: Visitor, name: str = "portal_session") -> str:
    found = visitor.client.get_cookie(name)
    return found.value if found else ""


def give_password(visitor: Visitor, email: str = OWNER, **more: str) -> TestResponse:
    return visitor.post("/auth/sign-in", {"email": email, "password": PASSWORD, **more})


def make_stale(app: Flask) -> None:
    """Every proof is eleven minutes old."""
    with app.app_context():
        db.session.execute(update(UserSession).values(proved_at=utcnow() - timedelta(minutes=11)))
        db.session.commit()
