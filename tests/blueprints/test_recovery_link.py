"""The link in the mail that stops a recovery."""

import pytest
from flask import Flask
from sqlalchemy import select

from portal.extensions import db
from portal.kit.tokens import digest
from portal.support.models import Recovery, RecoveryStatus
from tests.blueprints.test_staff import Browse
from tests.blueprints.things import Things


def recovery_behind(token: str) -> Recovery:
    return db.session.scalars(select(Recovery).where(Recovery.token_hash == digest(token))).one()


def test_the_link_in_the_mail_stops_a_recovery_without_signing_in(
    app: Flask, acme: Things, browse: Browse
) -> None:
    visitor, path = browse(None), f"/recoveries/{acme.cancel_token}"
    page = visitor.send("GET", path)
    assert "admin@acme.example" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    with app.app_context():
        assert recovery_behind(acme.cancel_token).status is RecoveryStatus.ASKED
    answer = visitor.send("POST", path)
    assert (answer.status_code, "stays as it is" in answer.text) == (200, True)
    with app.app_context():
        assert recovery_behind(acme.cancel_token).status is RecoveryStatus.CANCELLED
    for method in ("GET", "POST"):
        for again in (path, "/recoveries/unknown"):
            gone = visitor.send(method, again)
            assert (gone.status_code, "nothing to stop any more" in gone.text) == (410, True)


def test_the_link_is_not_logged(acme: Things, browse: Browse, caplog: pytest.LogCaptureFixture) -> None:
    import logging

    from portal.logs import JsonLines

    caplog.set_level(logging.DEBUG)
    for rest in ("", "/more", "?x=1"):
        browse(None).send("GET", f"/recoveries/{acme.cancel_token}{rest}")
    assert acme.cancel_token not in "\n".join(JsonLines().format(record) for record in caplog.records)
