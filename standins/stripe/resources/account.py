"""The account itself: the one that the secret key belongs to."""

from standins.stripe.routes import Call, Route
from standins.stripe.store import Obj

ACCOUNT_ID = "acct_1StandIn00000000"
ACCOUNT_NAME = "Stripe stand-in"
ACCOUNT_COUNTRY = "US"


def retrieve_account(call: Call) -> Obj:
    """The account with the members that identify it."""
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "business_profile": {"name": ACCOUNT_NAME, "support_email": None, "url": None},
        "charges_enabled": True,
        "country": ACCOUNT_COUNTRY,
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": True,
        "type": "standard",
    }


ROUTES = [Route("GET", "/v1/account", retrieve_account)]
