"""Verbs of API keys. A key belongs to the organization and outlives the member who made it."""

import zlib

from portal.actor import Actor
from portal.api_keys.models import ApiKey
from portal.api_keys.queries import count_live_keys, get_key
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.errors import ConflictError
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.kit.text import clean_line
from portal.kit.tokens import ALPHABET, digest, random_text
from portal.notifications.events import Event, announce
from portal.permissions import Permission
from portal.team.authority import lock_organization

KIND = "ptl"
SECRET_LENGTH = 32  # 62**32 is a little over 2**190
CHECKSUM_LENGTH = 6
SHOWN_LENGTH = 12
MAXIMUM_LIVE = 100


def create_key(actor: Actor, name: str) -> tuple[ApiKey, str]:
    """A new key and its secret, which is not kept and cannot be shown again.

    Raises `InvalidInputError` (name) and `ConflictError` at the limit of live keys.
    """
    actor.require(Permission.API_KEYS_MANAGE)
    name = clean_line(name, field="name", maximum=80, label="The name")
    organization = lock_organization(actor, Permission.API_KEYS_MANAGE)
    if count_live_keys(organization.id) >= MAXIMUM_LIVE:
        raise ConflictError(f"There are {MAXIMUM_LIVE} keys in use. Revoke one first.", field="name")
    secret = new_key_secret()
    key = ApiKey(
        organization_id=organization.id,
        name=name,
        prefix=secret[:SHOWN_LENGTH],
        secret_hash=digest(secret),
        created_by_name=actor.name,
        created_at=utcnow(),
    )
    db.session.add(key)
    db.session.flush()
    record(
        actor,
        Action.API_KEY_CREATED,
        Change("api_key", key.id, name, None, {"name": name, "prefix": key.prefix}),
    )
    announce(Event.API_KEY_CREATED, actor, {"key": name, "prefix": key.prefix})
    return key, secret


def revoke_key(actor: Actor, key_id: str) -> ApiKey:
    """Refuse this key from the next call on. Raises `NotFoundError`; revoking twice changes nothing."""
    actor.require(Permission.API_KEYS_MANAGE)
    key = get_key(actor.organization, key_id, lock=True)
    if key.revoked_at is None:
        key.revoked_at = utcnow()
        change = Change(
            "api_key", key.id, key.name, {"revoked": False}, {"revoked": True, "prefix": key.prefix}
        )
        record(actor, Action.API_KEY_REVOKED, change)
        announce(Event.API_KEY_REVOKED, actor, {"key": key.name, "prefix": key.prefix})
    return key


def new_key_secret() -> str:
    """`ptl_`, 32 random characters of base 62, and a CRC-32 of them, so that a wrong key is refused without a query."""
    body = random_text(SECRET_LENGTH)
    return f"{KIND}_{body}{_checksum(body)}"


def is_well_formed(secret: str) -> bool:
    """Whether the checksum fits: false for anything that was not made by `new_key_secret`."""
    body, checksum = secret[len(KIND) + 1 : -CHECKSUM_LENGTH], secret[-CHECKSUM_LENGTH:]
    return secret.startswith(f"{KIND}_") and len(body) == SECRET_LENGTH and _checksum(body) == checksum


def _checksum(body: str) -> str:
    value = zlib.crc32(body.encode())
    letters = ""
    for _ in range(CHECKSUM_LENGTH):
        value, remainder = divmod(value, len(ALPHABET))
        letters = ALPHABET[remainder] + letters
    return letters
