"""Codes of the authenticator app that test people have, always fresh: a portal takes each code once."""

from sqlalchemy import Engine, create_engine, text

from demo.story import STAFF_KEY
from portal.identity.totp import code_at, step_of
from portal.kit.clock import utcnow

FORGET = text(
    "UPDATE second_factors SET last_step = 0 WHERE user_id = (SELECT id FROM users WHERE email = :email)"
)


def code_now(key: str = STAFF_KEY, steps_later: int = 0) -> str:
    """What the app shows now, or so many steps of 30 seconds later."""
    return code_at(key, step_of(utcnow()) + steps_later)


def fresh_code(engine: Engine, email: str, key: str = STAFF_KEY) -> str:
    """The code of this moment. The portal is made to forget that it has taken it: waiting for the next takes 30 s."""
    with engine.begin() as connection:
        connection.execute(FORGET, {"email": email})
    return code_now(key)


def fresh_code_at(database_url: str, email: str, key: str = STAFF_KEY) -> str:
    """The same for a portal that runs as a process of its own."""
    engine = create_engine(database_url)
    try:
        return fresh_code(engine, email, key)
    finally:
        engine.dispose()
