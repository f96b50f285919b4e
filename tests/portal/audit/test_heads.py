"""Heads that are kept elsewhere can be believed, or are refused."""

import json
import logging

import pytest
from sqlalchemy import text

from jobs.note_audit_heads import note_audit_heads
from jobs.schedule import TIMETABLE
from jobs.work import Work
from portal.audit.chain import AuditKey, audit_keys
from portal.audit.heads import BadHeadsFileError, Head, heads_digest, heads_file, read_heads_file
from portal.context import current_settings
from portal.extensions import db
from portal.kit.clock import utcnow
from tests.factories import World
from tests.portal.audit.tampering import heads, write

KEY = AuditKey.derive("a secret that is long enough for a key of the log")
OLD = AuditKey.derive("the secret that was used before it, long enough too")
HEADS = {"org_b": Head(3, "b" * 64), "org_a": Head(70_000, "a" * 64), "portal": Head(1, "c" * 64)}


def test_a_file_reads_as_it_was_written() -> None:
    text = heads_file(HEADS, OLD, utcnow())
    assert read_heads_file(text, {KEY.id: KEY, OLD.id: OLD}) == HEADS
    assert read_heads_file(text.rstrip("\n"), {OLD.id: OLD}) == HEADS
    assert read_heads_file(heads_file({}, KEY, utcnow()), {KEY.id: KEY}) == {}
    assert json.loads(text.splitlines()[0])["digest"] == heads_digest(HEADS)


def test_the_digest_is_of_the_heads_alone() -> None:
    assert heads_digest(HEADS) == heads_digest(dict(reversed(HEADS.items())))
    assert heads_digest(HEADS) != heads_digest({**HEADS, "portal": Head(2, "c" * 64)})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"position":70000', '"position":69999', "was changed"),
        ('"chain":"org_b"', '"chain":"org_c"', "was changed"),
        ("made_at", "made_up", "was changed"),
        (KEY.id, OLD.id, "does not hold"),
        ('"signature":"', '"signature":"0', "was changed"),
        ('"signed_with"', '"signed"', "not a file of heads"),
        ("{", "", "not a file of heads"),
    ],
)
def test_a_changed_file_is_refused(old: str, new: str, said: str) -> None:
    text = heads_file(HEADS, KEY, utcnow())
    assert old in text
    with pytest.raises(BadHeadsFileError, match=said):
        read_heads_file(text.replace(old, new), {KEY.id: KEY})


@pytest.mark.parametrize("text", ["", "\n", "no json", "[]", "1\n2", '{"signed_with": []}', "null\n"])
def test_what_is_no_file_of_heads_is_refused(text: str) -> None:
    with pytest.raises(BadHeadsFileError):
        read_heads_file(text, {KEY.id: KEY})


def test_a_line_that_was_taken_out_is_missed() -> None:
    lines = heads_file(HEADS, KEY, utcnow()).splitlines()
    del lines[2]
    with pytest.raises(BadHeadsFileError, match="was changed"):
        read_heads_file("\n".join(lines), {KEY.id: KEY})


def test_every_day_the_log_tells_the_digest(world: World, caplog: pytest.LogCaptureFixture) -> None:
    write(world.acme.actor(), 2)
    write(world.globex.actor(), 1)
    caplog.set_level(logging.INFO, "portal.audit")
    assert note_audit_heads(Work("worker")) == 2
    (line,) = [record for record in caplog.records if record.getMessage() == "audit heads"]
    assert (line.chains, line.rows, line.digest) == (2, 3, heads_digest(heads()))  # type: ignore[attr-defined]
    assert note_audit_heads in [row.job for row in TIMETABLE]


def test_the_first_of_the_secrets_signs_and_all_of_them_verify(world: World) -> None:
    write(world.acme.actor(), 1)
    key_id = db.session.scalar(text("SELECT key_id FROM portal_audit"))
    assert list(audit_keys(current_settings())) == [key_id]
