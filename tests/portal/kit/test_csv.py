import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit.csv import Cell, csv_lines, safe_text


def read(lines: list[bytes]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(lines).decode(), newline="")))


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_text_that_looks_like_a_formula_is_quoted(start: str) -> None:
    assert safe_text(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"
    rows = read(list(csv_lines([f"{start}head"], [[f"{start}cell"]])))
    assert rows == [[f"'{start}head"], [f"'{start}cell"]]


@pytest.mark.parametrize("text", ["", "Acme", "a=b", "3 + 4", " =x"])
def test_other_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


def test_numbers_stay_numbers_and_dates_are_iso() -> None:
    moment = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
    row: list[Cell] = [-5, Decimal("-1.50"), Decimal("1E+3"), date(2026, 11, 23), moment, None]
    assert list(csv_lines(["a"], [row]))[1] == b"-5,-1.50,1000,2026-11-23,2026-11-23T07:05:00+00:00,\r\n"


def test_rows_are_rfc_4180_records() -> None:
    lines = list(csv_lines(["name", "note"], [['say "hi"', "two\r\nlines"], ["a,b", "Zoë"]]))
    assert lines == [
        b"name,note\r\n",
        b'"say ""hi""","two\r\nlines"\r\n',
        '"a,b",Zoë\r\n'.encode(),
    ]


def test_rows_are_made_one_at_a_time() -> None:
    endless = ([number] for number in iter(int, 1))
    lines = csv_lines(["n"], endless)
    assert [next(lines) for _ in range(3)] == [b"n\r\n", b"0\r\n", b"0\r\n"]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_any_text_comes_back_whole(rows: list[list[str]]) -> None:
    back = read(list(csv_lines(["a", "b"], rows)))
    assert back[1:] == [[safe_text(cell) for cell in row] for row in rows]
