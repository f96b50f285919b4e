"""CSV files that open safely in a spreadsheet: RFC 4180 rows, and text that is never read as a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import TypeAlias

Cell: TypeAlias = str | int | Decimal | date | None

# OWASP ASVS 5.0, V1.2.10, and the full-width forms that some spreadsheets read in the same way.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def safe_text(text: str) -> str:
    """`text`, with a single quote in front if a spreadsheet would take it for a formula."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _cell(value: Cell) -> str | int:
    match value:
        case None:
            return ""
        case str():
            return safe_text(value)
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case _:
            return value


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The header and each row as one UTF-8 record that ends in CRLF, made as it is asked for.

    Text is made safe by `safe_text`; integers and decimals stay numbers, negative ones too; dates and times
    are written in ISO 8601; None is an empty cell.
    """
    yield from csv_rows(chain([header], rows))


def csv_rows(rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The same without a header, to go on with a file."""
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()
