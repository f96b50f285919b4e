"""One JSON line per event on standard error. Values are escaped by JSON, so no entry can be forged (ASVS V16.4.1)."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time in UTC, level, logger, message, and whatever `extra` was given."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry.update({name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS})
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = record.exc_info[0].__name__
            entry["trace"] = _trace(record)
        return json.dumps(entry, default=str, ensure_ascii=True)


def configure_logging(level: str) -> None:
    """Send everything as JSON lines to standard error; quieten libraries that log addresses and bodies."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler.formatter, JsonLines)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in ("stripe", "urllib3", "weasyprint", "fontTools", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns each second that a long job is long


def _trace(record: logging.LogRecord) -> list[str]:
    """Where it happened, without the error's message: that may quote what a person typed."""
    frames = traceback.extract_tb(record.exc_info[2] if record.exc_info else None)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
