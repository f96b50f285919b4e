"""Checking the whole log: every row against its hash and its chain, every chain against its head."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Engine, func, select
from sqlalchemy.engine import Connection

from portal.audit.chain import AuditKey
from portal.audit.findings import Finding, Kind, Report, positions
from portal.audit.gaps import Settling
from portal.audit.guards import missing_guards
from portal.audit.heads import Head, all_heads
from portal.audit.models import AuditEntry
from portal.audit.rows import logged_rows
from portal.audit.walk import ChainWalk, Check, Gap

WHOLE_LOG = "portal_audit"


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment of the log, however long it reads; nobody's writes wait for it."""
    options = (
        {"sqlite_begin": "BEGIN"}
        if engine.dialect.name == "sqlite"
        else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )
    with engine.connect().execution_options(**options) as connection:
        yield connection


def count_rows(connection: Connection) -> int:
    """How many rows a check will read."""
    return connection.scalar(select(func.count()).select_from(AuditEntry)) or 0


def verify_log(
    connection: Connection,
    keys: Mapping[str, AuditKey],
    exported: Mapping[str, Head] | None = None,
    on_row: Callable[[], None] = lambda: None,
) -> Report:
    """Read every row of a `snapshot` and tell what does not hold.

    `exported` are heads that were kept elsewhere (`portal.audit.heads`): without them nobody can tell a chain that was
    taken back to an earlier state, head and all, from one that never went on.
    """
    report = Report()
    for text in missing_guards(connection):
        report.add(Finding(Kind.UNGUARDED, WHOLE_LOG, None, text))
    heads, known = all_heads(connection), dict(exported or {})
    check = Check(keys, report)
    for chain, rows in groupby(logged_rows(connection), key=attrgetter("chain")):
        walk = _walk(str(chain), check, known.get(chain))
        for row in rows:
            walk.step(row)
            report.rows += 1
            on_row()
        _finish(walk, heads.pop(chain, None), known.pop(chain, None))
    for chain, head in heads.items():  # chains of which no row is left
        _finish(_walk(chain, check, known.get(chain)), head, known.pop(chain, None))
    for chain, kept in known.items():
        text = f"the chain is gone; when its head was exported it had {kept.position} rows"
        report.add(Finding(Kind.ROLLED_BACK, chain, kept.position, text))
    return report


def _walk(chain: str, check: Check, kept: Head | None) -> ChainWalk:
    check.report.chains += 1
    return ChainWalk(chain, check, watched=kept.position if kept else None)


def _finish(walk: ChainWalk, head: Head | None, kept: Head | None) -> None:
    report = walk.check.report
    for key_id, (first, count) in walk.unknown.items():
        text = f"{count} rows are signed with the key {key_id}, which AUDIT_SECRETS does not hold"
        report.add(Finding(Kind.UNKNOWN_KEY, walk.chain, first, text))
    _meet_head(walk, head)
    _take_off_summary(walk)
    Settling(walk, report).settle()
    if kept is not None:
        _compare(walk, head, kept)


def _meet_head(walk: ChainWalk, head: Head | None) -> None:
    last = walk.between[-1] if walk.between else None
    if head and last and last.values and last.belongs and last.values["hash"] == head.hash:
        walk.promote_last()
    end = head.position if head else walk.position
    if head is None:
        text = "the chain has rows, but its head is missing"
        walk.check.report.add(Finding(Kind.HEAD, walk.chain, walk.position, text))
    elif head.position < walk.position:
        text = f"the head stands at row {head.position}, but the rows go on to {walk.position}"
        walk.check.report.add(Finding(Kind.HEAD, walk.chain, head.position, text))
    elif head.position == walk.position and head.hash != walk.hash:
        text = "the head does not carry the hash of the last row"
        walk.check.report.add(Finding(Kind.HEAD, walk.chain, head.position, text))
    if walk.between or end > walk.position:
        walk.gaps.append(Gap(walk.position + 1, max(end, walk.position), walk.between, is_end=True))


def _take_off_summary(walk: ChainWalk) -> None:
    """Rows at the start that a signed summary tells of are not missing."""
    gap = walk.gaps[0] if walk.gaps and walk.gaps[0].first == 1 else None
    if gap is None or walk.summary is None or gap.is_end:
        return
    walk.check.report.cuts += 1
    last = walk.summary.last_position
    if gap.last == last and not gap.suspects and walk.first_link != walk.summary.last_hash:
        text = f"the summary of {positions(1, last)} does not fit the row that follows"
        walk.check.report.add(Finding(Kind.SUMMARY, walk.chain, last + 1, text))
    gap.first = last + 1


def _compare(walk: ChainWalk, head: Head | None, kept: Head) -> None:
    """Against the head that was kept elsewhere."""
    cut, found = walk.summary, walk.watched_hash
    if cut and kept.position == cut.last_position:
        found = cut.last_hash
    text = None
    if max(walk.position, head.position if head else 0) < kept.position:
        text = f"the chain ends at row {walk.position}; when its head was exported it had {kept.position}"
    elif found is not None and found != kept.hash:
        text = f"row {kept.position} is not the one that was there when the head was exported"
    if text:
        walk.check.report.add(Finding(Kind.ROLLED_BACK, walk.chain, kept.position, text))
