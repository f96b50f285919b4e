"""Codes for the day on which the phone is gone: each works once, only hashes are kept."""

import secrets

from sqlalchemy import delete, func, select, update

from portal.extensions import db
from portal.identity.models import RecoveryCode
from portal.kit.clock import utcnow
from portal.kit.tokens import digest

COUNT = 10
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is read as something else
LENGTH, GROUP = 16, 4  # 80 bits: enough that a plain hash keeps them


def replace_codes(user_id: str) -> list[str]:
    """Ten new codes, as they are to be shown; those of before end. Part of the caller's transaction."""
    forget_codes(user_id)
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT)]
    db.session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(user_id, code)) for code in codes)
    return ["-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP)) for code in codes]


def forget_codes(user_id: str) -> None:
    """None of them works any more."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def use_code(user_id: str, typed: str) -> bool:
    """Take a code, in any case of letters and with or without its dashes; False when it is wrong or was used."""
    taken = (
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == _hash(user_id, typed),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=utcnow())
        .returning(RecoveryCode.user_id)
        .execution_options(synchronize_session=False)
    )
    return db.session.scalar(taken) is not None


def is_unused_code(user_id: str, typed: str) -> bool:
    """Whether it would work; it stays unused."""
    wanted = select(RecoveryCode.used_at).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash(user_id, typed)
    )
    row = db.session.execute(wanted).one_or_none()
    return row is not None and row.used_at is None


def codes_left(user_id: str) -> int:
    """How many still work."""
    unused = (
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    )
    return db.session.scalar(unused) or 0


def _hash(user_id: str, typed: str) -> str:
    code = "".join(letter for letter in typed.upper() if letter in ALPHABET)
    return digest(f"{user_id}:{code}")
