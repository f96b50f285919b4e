"""Every change of somebody's security is whole or it is not there."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, update

from portal.extensions import db
from portal.identity.models import SecondFactor
from portal.identity.recovery_codes import replace_codes
from portal.identity.second_factor import new_setup
from tests.blueprints.signing import NEW, OWNER, cookie, give_password, user_of
from tests.blueprints.test_transactions import Broken, lasting
from tests.blueprints.web import Browser, start
from tests.conftest import ENGINES
from tests.factories import PASSWORD, give_second_factor
from tests.support.totp import code_now
from tests.visitor import Visitor

Browse = Callable[[str | None], Browser]
Visit = Callable[..., Visitor]


def writing_forms(app: Flask, email: str, codes: list[str]) -> list[tuple[str, dict[str, str]]]:
    """One that works for each route of the security screen, for somebody whose second factor is on."""
    with app.app_context():
        user = user_of(email)
        setup = new_setup(user.id, user.email, "Skylark")
        db.session.execute(update(SecondFactor).values(last_step=0))
        db.session.commit()
    return [
        ("/account/security/password", {"password": PASSWORD, "new_password": NEW, "end_others": "y"}),
        ("/account/security/sessions", {"end": "others"}),
        ("/account/security/confirm", {"password": PASSWORD, "code": codes[0]}),
        ("/account/security/second-factor", {"setup": setup.sealed, "code": code_now(setup.key)}),
        ("/account/security/second-factor/off", {"password": PASSWORD, "code": codes[1]}),
        ("/account/security/codes", {}),
        ("/account/security/codes/kept", {"kept_code": codes[2]}),
    ]


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("what", ["portal_audit", "outbox", "commit"])
def test_a_change_of_security_is_whole_or_not_there(
    app: Flask, factor: list[str], browse: Browse, what: str, engine_name: str
) -> None:
    owner = browse(OWNER)
    start(app, OWNER)
    before, quiet = lasting(app), []
    for path, data in writing_forms(app, OWNER, factor):
        if what == "outbox" and path.endswith(("/confirm", "/kept")):
            continue  # nobody is told of these two
        with Broken(app, what) as fault:
            answer = owner.send("POST", path, data)
        assert answer.status_code == 500, path
        assert "portal_session=" not in answer.headers.get("Set-Cookie", ""), path
        assert lasting(app) == before, path
        quiet += [path] if not fault.hits else []
    assert quiet == []


def test_every_change_of_security_works_where_nothing_is_broken(
    app: Flask, factor: list[str], browse: Browse
) -> None:
    """The other half of the rule above."""
    for number, (path, _) in enumerate(writing_forms(app, OWNER, factor)):
        with app.app_context():
            user = user_of(OWNER)
            user.password_hash = user_of("admin@acme.example").password_hash
            db.session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
            give_second_factor(user)
            codes = replace_codes(user.id)
            db.session.commit()
        owner = browse(OWNER)
        start(app, OWNER)
        before = lasting(app)
        answer = owner.send("POST", path, writing_forms(app, OWNER, codes)[number][1])
        assert answer.status_code in (201, 303), path
        assert lasting(app) != before, path


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("what", ["portal_audit", "outbox", "commit"])
def test_the_second_step_is_whole_or_not_there(
    app: Flask, factor: list[str], visit: Visit, what: str, engine_name: str
) -> None:
    visitor = visit()
    give_password(visitor)
    before = lasting(app)
    data = {"csrf_token": visitor.csrf_token(), "code": factor[0]}
    with Broken(app, what):
        answer = visitor.client.post("/auth/second-factor", data=data)
    assert (answer.status_code, cookie(visitor)) == (500, "")
    assert lasting(app) == before
    give_password(visitor)
    assert visitor.post("/auth/second-factor", {"code": factor[0]}).status_code == 303, "it is still unused"
