"""Signing the scope: who, when, and a hash of the text, so that a later change of any of them shows.

A checksum, no proof: whoever can write the file can sign it anew.
"""

from dataclasses import replace
from datetime import date
from hashlib import sha256

from portal.kit.clock import utcnow
from portal.kit.text import clean_line
from portal.scope.document import SIGNED, Scope, ScopeError, Signature, parse_scope, render_signature


def digest_of(text: str) -> str:
    """SHA-256 of a text, in hex. Line ends of another system are the same text."""
    return sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def signable(text: str) -> str:
    """What is signed of `scope.toml`: all of it, comments too, but for the signature.

    Raises `ScopeError` when the signature is not the last thing in the file.
    """
    text = text.replace("\r\n", "\n")
    body, mark, tail = text.partition(f"\n{SIGNED}\n")
    if not mark:
        return text
    signature = parse_scope(text).signature
    if signature is None or SIGNED + "\n" + tail != render_signature(signature):
        raise ScopeError(f"scope.toml: nothing but the signature may stand in and after {SIGNED}.")
    return body


def sign(text: str, name: str) -> tuple[str, Scope, Signature]:
    """The file with a new signature in place of any old one, what it says, and the signature.

    Raises `ScopeError`, and `InvalidInputError` for a name that is empty or cannot be shown.
    """
    by = clean_line(name, field="by", maximum=120, label="The name")
    body = signable(text).rstrip("\n") + "\n"
    scope = parse_scope(body)
    at = utcnow().date()
    signature = Signature(by, at, _digest_of_all(body, by, at))
    return f"{body}\n{render_signature(signature)}", replace(scope, signature=signature), signature


def is_unchanged(text: str, signature: Signature) -> bool:
    """Whether text, name and day are still those that were signed. Raises `ScopeError`."""
    return _digest_of_all(signable(text), signature.by, signature.at) == signature.sha256


def _digest_of_all(body: str, by: str, at: date) -> str:
    return digest_of(f"{body}\nby {by}\nat {at}\n")
