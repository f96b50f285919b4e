"""The hash chain: what is hashed, with which key. Pure functions; the format never changes without a new version."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from portal.config import Settings

START = "0" * 64
"""What the first row of a chain gives as the hash before it."""
HASHED = (
    "chain",
    "position",
    "organization_id",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "entity_type",
    "entity_id",
    "entity_name",
    "before",
    "after",
    "reason",
    "address",
    "agent",
    "request_id",
    "created_at",
    "previous_hash",
)
fields_of = itemgetter(*HASHED)


@dataclass(frozen=True, slots=True)
class AuditKey:
    """A key of the chain. Keyed, so that who can write to the database alone cannot make a row that verifies."""

    id: str
    secret: bytes

    @classmethod
    @lru_cache(maxsize=16)
    def derive(cls, secret: str) -> "AuditKey":
        """The key of one of `AUDIT_SECRETS`; its id tells keys apart and gives nothing away."""
        key = hmac.digest(secret.encode(), b"portal audit chain 1", "sha256")
        return cls(hashlib.sha256(key).hexdigest()[:8], key)

    def sign(self, message: bytes) -> str:
        """HMAC-SHA256 in hex (RFC 2104)."""
        mac = _keyed(self.secret).copy()
        mac.update(message)
        return mac.hexdigest()


@lru_cache(maxsize=16)
def _keyed(secret: bytes) -> hmac.HMAC:
    """With the key worked in, for copies."""
    return hmac.new(secret, digestmod="sha256")


def audit_keys(settings: Settings) -> dict[str, AuditKey]:
    """Every key by its id, the one that signs first. `AUDIT_SECRETS`, else `SECRET_KEY`."""
    secrets = settings.audit_secrets or (settings.secret_key,)
    keys = [AuditKey.derive(secret.get_secret_value()) for secret in secrets]
    return {key.id: key for key in keys}


def row_hash(key: AuditKey, row: Mapping[str, Any]) -> str:
    """The hash of one row: the key over its fields in a fixed order, the hash of the row before it among them."""
    return key.sign(encode(fields_of(row)).encode("utf-8", "surrogatepass"))


def _as_text(value: object) -> str:
    """What JSON has no form for: times in UTC, to the microsecond and without a zone."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return str(value)


encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_as_text).encode
