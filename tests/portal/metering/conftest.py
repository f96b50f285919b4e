from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from portal.metering.source import MeteringSource

Add = Callable[..., None]
TIMES = {"sqlite": "TEXT", "postgres": "TIMESTAMP", "postgres-tz": "TIMESTAMPTZ", "postgres-text": "TEXT"}


@pytest.fixture(params=TIMES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """The engine, and the type that the product chose for its times."""
    return str(request.param)


@pytest.fixture
def metering_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An empty metering database, with the product's table."""
    if engine_name == "sqlite":
        url = f"sqlite:///{tmp_path / 'metering.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_url")
        _set_the_clock_to_tokyo(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE usage_events (id INTEGER PRIMARY KEY, organization_id TEXT NOT NULL,"
                f" metric TEXT NOT NULL, quantity BIGINT NOT NULL, occurred_at {TIMES[engine_name]} NOT NULL)"
            )
        )
    engine.dispose()
    return url


def _set_the_clock_to_tokyo(url: str) -> None:
    """Days are UTC whatever time zone the product's database is set to."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'"))
    engine.dispose()


@pytest.fixture
def add(metering_url: str) -> Iterator[Add]:
    """Writes one event as the product would."""
    is_sqlite = metering_url.startswith("sqlite")
    engine = create_engine(metering_url, connect_args={} if is_sqlite else {"options": "-c timezone=UTC"})
    numbers = iter(range(1, 10_000))
    sql = text(
        "INSERT INTO usage_events VALUES (:id, :organization_id, :metric, :quantity,"
        + (" :at)" if is_sqlite else " CAST(CAST(:at AS TEXT) AS TIMESTAMPTZ))")
    )

    def write(at: str, quantity: int, organization_id: str = "org_a", metric: str = "api_calls") -> None:
        values = {"id": next(numbers), "organization_id": organization_id, "metric": metric}
        with engine.begin() as connection:
            connection.execute(sql, values | {"quantity": quantity, "at": at})

    yield write
    engine.dispose()


@pytest.fixture
def source(metering_url: str) -> Iterator[MeteringSource]:
    source = MeteringSource(metering_url)
    yield source
    source.close()
