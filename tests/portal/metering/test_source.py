import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, literal_column, select, text

from portal.metering import source as source_module
from portal.metering.queries import daily_usage
from portal.metering.source import MeteringSource, MeteringUnavailable


def usage_total(
    source: MeteringSource, organization: str, first: date, last: date, metric: str = "api_calls"
) -> int:
    return sum(row.quantity for row in daily_usage(source, organization, first, last, metric=metric))


DAY = date(2026, 11, 2)
ENDLESS = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)",
    "postgres": "pg_sleep(3600)",
}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_portal_cannot_write(source: MeteringSource) -> None:
    statement = text(
        "INSERT INTO usage_events VALUES (1, 'org_a', 'api_calls', 1, '2026-11-02') RETURNING id"
    )
    with pytest.raises(MeteringUnavailable) as refusal:
        source.rows(statement)  # type: ignore[arg-type]
    assert "read" in str(refusal.value.__cause__).lower()
    assert usage_total(source, "org_a", DAY, DAY) == 0


@pytest.mark.parametrize("url", ["mysql://h/db", "sqlite://", "sqlite:///:memory:", "not a url", ""])
def test_only_files_and_postgres_are_sources(url: str) -> None:
    with pytest.raises(ValueError, match="METERING_URL"):
        MeteringSource(url)


def test_a_missing_file_is_unavailable_and_is_not_made(tmp_path: Path) -> None:
    source = MeteringSource(f"sqlite:///{tmp_path / 'metering.sqlite'}")
    with pytest.raises(MeteringUnavailable) as refusal:
        usage_total(source, "org_a", DAY, DAY)
    assert refusal.value.status == 503
    assert list(tmp_path.iterdir()) == []


def test_a_source_works_again_when_its_database_is_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a strange & 100% name#1.sqlite'}"
    source = MeteringSource(url)
    with pytest.raises(MeteringUnavailable):
        usage_total(source, "org_a", DAY, DAY)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE usage_events (organization_id, metric, quantity, occurred_at)"))
        connection.execute(
            text("INSERT INTO usage_events VALUES ('org_a', 'api_calls', 3, '2026-11-02 10:00')")
        )
    assert usage_total(source, "org_a", DAY, DAY) == 3
    engine.dispose()


def test_a_table_that_is_not_there_is_unavailable(metering_url: str) -> None:
    engine = create_engine(metering_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE usage_events"))
    engine.dispose()
    with pytest.raises(MeteringUnavailable):
        usage_total(MeteringSource(metering_url), "org_a", DAY, DAY)


def test_a_silent_database_is_unavailable(silent_port: int) -> None:
    with pytest.raises(MeteringUnavailable):
        usage_total(MeteringSource(f"postgres://u:p@127.0.0.1:{silent_port}/x"), "org_a", DAY, DAY)


def test_an_endless_query_is_ended(metering_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "QUERY_TIMEOUT_SECONDS", 1)
    source = MeteringSource(metering_url)
    engine = "sqlite" if metering_url.startswith("sqlite") else "postgres"
    with pytest.raises(MeteringUnavailable):
        source.rows(select(literal_column(ENDLESS[engine])))
    assert source.rows(select(func.abs(-1)))[0][0] == 1
    source.close()
