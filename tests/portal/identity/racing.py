"""A process of its own that finishes a sign-in at the same moment as another."""

from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from portal.errors import PortalError
from portal.extensions import db
from portal.identity.signing_in import Browser, PendingSignIn, finish_sign_in
from tests.conftest import make_settings
from tests.portal.identity.accounts import ORIGIN
from wsgi import create_app


def finish(
    url: str, pending: PendingSignIn, code: str, device: str, start: Barrier, results: "Queue[str]"
) -> None:
    """Puts `in`, or the name of the refusal."""
    app = create_app(make_settings(url))
    with app.app_context():
        start.wait(60)
        try:
            finish_sign_in(pending, code, Browser(ORIGIN, device))
            db.session.commit()
            results.put("in")
        except PortalError as error:
            db.session.rollback()
            results.put(type(error).__name__)
        finally:
            db.session.remove()
            db.engine.dispose()
