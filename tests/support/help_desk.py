"""The help desks as they ask: requests in their published shapes, signed as each of them signs."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import jwt

ZENDESK_SECRET = "zendesk-shared-secret-for-tests-0123456789"
INTERCOM_SECRET = "5c1f2d34-0000-4000-8000-intercom-client"
HELPSCOUT_SECRET = "helpscout-secret-for-tests-0123456789abc"
SECRETS = {
    "zendesk_shared_secret": ZENDESK_SECRET,
    "intercom_client_secret": INTERCOM_SECRET,
    "helpscout_secret": HELPSCOUT_SECRET,
}
PATHS = {
    "zendesk": "/v1/help-desk/zendesk",
    "intercom": "/v1/help-desk/intercom/initialize",
    "helpscout": "/v1/help-desk/helpscout",
}
Request = tuple[str, bytes, dict[str, str]]
"""Path, body and headers of one POST."""


def zendesk_claims(email: str | None, ticket: str = "4711", **more: Any) -> dict[str, Any]:
    """What our app puts into the token, and what Zendesk's proxy adds. A value of None leaves a claim out."""
    now = int(time.time())
    claims = {
        "ticket_id": ticket,
        "requester_email": email,
        "agent_name": "Dana Reyes",
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 60,
        **more,
    }
    return {name: value for name, value in claims.items() if value is not None}


def zendesk_request(
    email: str | None, ticket: str = "4711", secret: str = ZENDESK_SECRET, **more: Any
) -> Request:
    """A request of Zendesk's proxy."""
    key = secret or "\0"  # for HMAC the same as an empty key, which PyJWT does not take
    token = jwt.encode(zendesk_claims(email, ticket, **more), key, algorithm="HS256")
    return PATHS["zendesk"], b"", {"Authorization": f"Bearer {token}"}


def intercom_body(email: str | None, ticket: str = "4711") -> dict[str, Any]:
    """An initialize request for a conversation's details."""
    return {
        "workspace_id": "abc123",
        "workspace_region": "US",
        "admin": {"type": "admin", "id": "814860", "name": "Dana Reyes", "email": "dana@skylark.example"},
        "context": {"conversation_id": int(ticket), "location": "conversation"},
        "conversation": {"type": "conversation", "id": ticket, "created_at": 1633532241},
        "contact": {"type": "contact", "id": "5ba682d2", "role": "user", "email": email, "name": "Any Body"},
    }


def intercom_request(body: dict[str, Any] | bytes, secret: str = INTERCOM_SECRET) -> Request:
    """A request of Intercom's Canvas Kit."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return PATHS["intercom"], raw, {"X-Body-Signature": signature, "Content-Type": "application/json"}


def helpscout_body(email: str | None, ticket: str = "4711", emails: tuple[str, ...] = ()) -> dict[str, Any]:
    """What Help Scout sends when a conversation is loaded."""
    return {
        "ticket": {"id": 190024, "number": int(ticket), "subject": "Where is my invoice"},
        "customer": {"id": 29418, "fname": "Any", "lname": "Body", "email": email, "emails": list(emails)},
        "user": {"id": 4, "fname": "Dana", "lname": "Reyes", "role": "user", "convRedirect": 0},
        "mailbox": {"id": 2, "email": "help@skylark.example"},
    }


def helpscout_request(body: dict[str, Any] | bytes, secret: str = HELPSCOUT_SECRET) -> Request:
    """A request of a Help Scout dynamic app."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha1).digest()).decode()
    return PATHS["helpscout"], raw, {"X-HelpScout-Signature": signature, "Content-Type": "application/json"}


def request_of(source: str, email: str | None, ticket: str = "4711") -> Request:
    """The same question by any of the three."""
    if source == "zendesk":
        return zendesk_request(email, ticket)
    if source == "intercom":
        return intercom_request(intercom_body(email, ticket))
    return helpscout_request(helpscout_body(email, ticket))
