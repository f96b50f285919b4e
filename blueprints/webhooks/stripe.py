"""Stripe's webhook: verify, store, commit, answer. The worker does the rest."""

from flask import Response, make_response, request

from blueprints._guards import public
from blueprints._limits import limiter
from blueprints.webhooks import webhooks
from portal.extensions import csrf, db
from portal.stripe_mirror.receiving import store_event


@webhooks.post("/stripe")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.exempt
@public
def receive_stripe_event() -> Response:
    """2xx only after the event is committed; Stripe sends again whatever was not."""
    store_event(request.get_data(cache=False), request.headers.get("Stripe-Signature", ""))
    db.session.commit()
    return make_response("", 204)
