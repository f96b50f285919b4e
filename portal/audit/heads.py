"""The last row of every chain, to be kept where who can write to the database cannot write.

The file is lines of JSON: what it is, one line a chain, and a signature by the audit key over all lines before it.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.engine import Connection

from portal.audit.chain import AuditKey, encode
from portal.audit.models import AuditHead
from portal.errors import InvalidInputError

FORMAT = "portal audit heads 1"
log = logging.getLogger("portal.audit")


class BadHeadsFileError(InvalidInputError):
    """A file of heads that cannot be believed."""


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of a chain's last row."""

    position: int
    hash: str


def all_heads(connection: Connection) -> dict[str, Head]:
    """The head of every chain, by the chain's name."""
    statement = select(AuditHead.chain, AuditHead.position, AuditHead.hash)
    rows = connection.execute(statement, execution_options={"stream_results": True, "yield_per": 1000})
    return {row.chain: Head(row.position, row.hash) for row in rows}


def heads_digest(heads: Mapping[str, Head]) -> str:
    """SHA-256 in hex over every head, in the order of the chains' names: the same for the same heads."""
    digest = hashlib.sha256()
    for line in _lines(heads):
        digest.update(line.encode())
    return digest.hexdigest()


def heads_file(heads: Mapping[str, Head], key: AuditKey, made_at: datetime) -> str:
    """The file's text."""
    first = {
        "format": FORMAT,
        "made_at": made_at.isoformat(),
        "chains": len(heads),
        "digest": heads_digest(heads),
    }
    body = "".join([encode(first) + "\n", *_lines(heads)])
    return body + encode({"signed_with": key.id, "signature": key.sign(body.encode())}) + "\n"


def read_heads_file(text: str, keys: Mapping[str, AuditKey]) -> dict[str, Head]:
    """The heads in a file. Raises `BadHeadsFileError` unless it is whole and one of the keys has signed it."""
    body, _, last = text.rstrip("\n").rpartition("\n")
    body += "\n"
    try:
        signed = json.loads(last)
        key = keys.get(str(signed["signed_with"]))
        if key is None:
            raise BadHeadsFileError("The heads are signed with a key that AUDIT_SECRETS does not hold.")
        if key.sign(body.encode()) != signed["signature"]:
            raise BadHeadsFileError("The signature of the heads does not fit: the file was changed.")
        lines = [json.loads(line) for line in body.splitlines()[1:]]
        return {line["chain"]: Head(int(line["position"]), str(line["hash"])) for line in lines}
    except (ValueError, KeyError, TypeError):
        raise BadHeadsFileError("This is not a file of heads.") from None


def note_heads(connection: Connection) -> int:
    """Put the digest of all heads on one line of the log; returns how many they are.

    Such lines are usually kept elsewhere. It is the `digest` that `flask audit-log head` writes at the same time: the
    line vouches for a file that was kept.
    """
    heads = all_heads(connection)
    rows = sum(head.position for head in heads.values())
    log.info("audit heads", extra={"digest": heads_digest(heads), "chains": len(heads), "rows": rows})
    return len(heads)


def _lines(heads: Mapping[str, Head]) -> Iterable[str]:
    for chain in sorted(heads):
        head = heads[chain]
        yield encode({"chain": chain, "position": head.position, "hash": head.hash}) + "\n"
