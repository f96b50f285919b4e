"""A folder beside the wanted one, in which everything is written first: nothing half written is left, come what may."""

import errno
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from portal.kit.tokens import random_text

STOPPED_BY_SIGTERM = 128 + signal.SIGTERM


@contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """An empty folder on the disk of `out`, for its owner only; gone at the end, also on Ctrl-C and on SIGTERM.

    Raises `OSError`.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = out.parent / f".{out.name}-{random_text(8)}"
    before = signal.signal(signal.SIGTERM, _stop)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def move_in(folder: Path, out: Path) -> None:
    """Put the files of `folder` into `out`, over those of an earlier run; other files there stay.

    Raises `OSError`; where `out` cannot take one of them, before the first is moved.
    """
    # Held back for the moment that it takes, so that the files of two runs are never mixed.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        out.mkdir(exist_ok=True)
        moves = [(path, out / path.name) for path in sorted(folder.iterdir())]
        _refuse_unwritable(out, [target for _, target in moves])
        for path, target in moves:
            path.replace(target)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _refuse_unwritable(out: Path, targets: Iterable[Path]) -> None:
    if not os.access(out, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(out))
    for target in targets:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(STOPPED_BY_SIGTERM)
