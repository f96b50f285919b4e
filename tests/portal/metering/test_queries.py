from collections.abc import Callable
from datetime import date

from portal.metering.queries import (
    DailyUsage,
    ExportRow,
    MonthlyUsage,
    daily_usage,
    export_rows,
    monthly_usage,
)
from portal.metering.source import MeteringSource


def usage_total(
    source: MeteringSource, organization: str, first: date, last: date, metric: str = "api_calls"
) -> int:
    return sum(row.quantity for row in daily_usage(source, organization, first, last, metric=metric))


Add = Callable[..., None]
NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


def test_every_day_is_there_with_zero_for_the_quiet_ones(source: MeteringSource, add: Add) -> None:
    add("2026-11-02T10:00:00Z", 5)
    add("2026-11-02T11:00:00Z", 7)
    days = daily_usage(source, "org_a", date(2026, 10, 31), date(2026, 11, 3))
    assert days == [
        DailyUsage(date(2026, 10, 31), 0),
        DailyUsage(date(2026, 11, 1), 0),
        DailyUsage(date(2026, 11, 2), 12),
        DailyUsage(date(2026, 11, 3), 0),
    ]


def test_both_ends_are_whole_utc_days(source: MeteringSource, add: Add) -> None:
    add("2026-11-01T23:59:59Z", 1)
    add("2026-11-02T00:00:00Z", 10)
    add("2026-11-03T23:59:59.999999Z", 100)
    add("2026-11-04T00:00:00Z", 1000)
    days = daily_usage(source, "org_a", date(2026, 11, 2), date(2026, 11, 3))
    assert [day.quantity for day in days] == [10, 100]
    assert usage_total(source, "org_a", date(2026, 11, 2), date(2026, 11, 3)) == 110


def test_an_organization_sees_only_its_own(source: MeteringSource, add: Add) -> None:
    add("2026-11-02T10:00:00Z", 5)
    add("2026-11-02T10:00:00Z", 70, organization_id="org_b")
    assert usage_total(source, "org_a", *NOVEMBER) == 5
    assert sum(day.quantity for day in daily_usage(source, "org_b", *NOVEMBER)) == 70
    assert monthly_usage(source, "org_b", today=NOVEMBER[1])[-1].quantity == 70
    assert [row.quantity for row in export_rows(source, "org_b", *NOVEMBER)] == [70]
    assert usage_total(source, "org_a' OR '1'='1", *NOVEMBER) == 0


def test_metrics_do_not_add_up(source: MeteringSource, add: Add) -> None:
    add("2026-11-02T10:00:00Z", 5)
    add("2026-11-02T10:00:00Z", 900, metric="storage_gb")
    assert usage_total(source, "org_a", *NOVEMBER) == 5
    assert usage_total(source, "org_a", *NOVEMBER, metric="storage_gb") == 900
    assert sum(day.quantity for day in daily_usage(source, "org_a", *NOVEMBER)) == 5


def test_twelve_months_end_with_the_present_one(source: MeteringSource, add: Add) -> None:
    add("2025-11-30T23:59:59Z", 1)
    add("2025-12-01T00:00:00Z", 2)
    add("2026-02-28T12:00:00Z", 4)
    add("2026-11-23T08:00:00Z", 8)
    months = monthly_usage(source, "org_a", today=date(2026, 11, 23))
    assert len(months) == 12
    assert [month for month in months if month.quantity] == [
        MonthlyUsage(date(2025, 12, 1), 2),
        MonthlyUsage(date(2026, 2, 1), 4),
        MonthlyUsage(date(2026, 11, 1), 8),
    ]
    assert months[0].month == date(2025, 12, 1)


def test_the_export_has_a_row_for_each_day_and_metric_in_use(source: MeteringSource, add: Add) -> None:
    add("2026-11-02T10:00:00Z", 1, metric="storage_gb")
    add("2026-11-02T10:00:00Z", 2)
    add("2026-11-02T11:00:00Z", 3)
    add("2026-11-01T11:00:00Z", 4)
    add("2026-12-01T00:00:00Z", 5)
    assert list(export_rows(source, "org_a", *NOVEMBER)) == [
        ExportRow(date(2026, 11, 1), "api_calls", 4),
        ExportRow(date(2026, 11, 2), "api_calls", 5),
        ExportRow(date(2026, 11, 2), "storage_gb", 1),
    ]


def test_nothing_used_is_zero_not_an_error(source: MeteringSource) -> None:
    assert usage_total(source, "org_a", *NOVEMBER) == 0
    assert list(export_rows(source, "org_a", *NOVEMBER)) == []
    assert {month.quantity for month in monthly_usage(source, "org_a", today=NOVEMBER[0])} == {0}


def test_sums_beyond_32_bits_are_exact(source: MeteringSource, add: Add) -> None:
    for hour in range(3):
        add(f"2026-11-02T{hour:02}:00:00Z", 2**62 // 4 + 1)
    assert usage_total(source, "org_a", *NOVEMBER) == 3 * (2**62 // 4 + 1)
