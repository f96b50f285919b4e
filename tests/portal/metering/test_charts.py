import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from portal.metering.charts import daily_chart, monthly_chart
from portal.metering.queries import DailyUsage, MonthlyUsage
from portal.metering.svg import NAMESPACE, UnsafeSvgError, check_safe, inline_svg

ROOT = Path(__file__).parents[3]
FIRST = date(2026, 10, 25)
DAYS = [DailyUsage(FIRST + timedelta(days=n), 1000 + n * 37 % 500) for n in range(30)]
MONTHS = [MonthlyUsage(date(2025 + (n == 11), (n + 1) % 12 + 1, 1), 40_000 + n * 1_500) for n in range(12)]


def parts(svg: str, tag: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(svg).findall(f".//{{{NAMESPACE}}}{tag}")


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in parts(svg, "text")]


def tooltips(svg: str) -> list[str]:
    return [str(element.text) for element in parts(svg, f"path/{{{NAMESPACE}}}title")]


@pytest.mark.parametrize("accent", ["var(--accent)", "#3b5bdb"])
@pytest.mark.parametrize("unit", ["API calls", "<script>alert(1)</script>"])
def test_a_chart_passes_a_strict_policy_and_follows_the_theme(accent: str, unit: str) -> None:
    svg = daily_chart(DAYS, unit=unit, accent=accent, last_is_open=True)
    root = ElementTree.fromstring(svg)
    check_safe(root)
    assert not re.search(r"<(script|style|foreignObject|a|image|use)\b|\sstyle=|\son\w+=|href=|url\(", svg)
    colours = {element.get(kind) for element in root.iter() for kind in ("fill", "stroke")}
    assert colours <= {None, "none", "currentColor", accent}
    assert "font-family" not in svg


def test_a_chart_is_one_picture_that_says_what_it_shows() -> None:
    svg = daily_chart(DAYS, unit="API calls", last_is_open=True)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("width") == "100%"
    assert root.get("height") is None
    assert root.get("viewBox")
    title, description = (root.find(f"{{{NAMESPACE}}}{tag}") for tag in ("title", "desc"))
    assert title is not None
    assert description is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text == "API calls a day, Oct 25, 2026 to Nov 23, 2026"
    total = sum(day.quantity for day in DAYS)
    assert description.text == (
        f"{total:,} in total. Highest: 1,499 (Sat, Nov 21, 2026). Last: 1,073 (Mon, Nov 23, 2026, so far)."
    )


def test_there_is_one_bar_a_day_with_its_value_and_only_two_labels() -> None:
    svg = daily_chart(DAYS, unit="API calls")
    assert len(tooltips(svg)) == 30
    assert "Sun, Oct 25, 2026: 1,000" in tooltips(svg)
    assert {"October 2026", "November 2026", "25", "23", "1.5K", "1.1K", "0"} <= set(texts(svg))


def test_every_month_is_labelled() -> None:
    svg = monthly_chart(MONTHS, unit="API calls")
    assert len(tooltips(svg)) == 12
    assert {"Feb", "Dec", "Jan", "40K", "41.5K", "56.5K", "2025", "2026"} <= set(texts(svg))


@pytest.mark.parametrize("quantities", [[0] * 30, [0, 1], [7], [10**15, 3]])
def test_the_axis_starts_at_zero_and_steps_in_whole_numbers(quantities: list[int]) -> None:
    rows = [DailyUsage(FIRST + timedelta(days=n), quantity) for n, quantity in enumerate(quantities)]
    shown = texts(daily_chart(rows, unit="API calls"))
    assert "0" in shown
    assert not any(text.endswith("M") for text in shown)


def test_two_charts_on_a_page_do_not_share_ids() -> None:
    ids = re.findall(r' id="([^"]+)"', daily_chart(DAYS, unit="a") + monthly_chart(MONTHS, unit="a"))
    assert len(ids) == len(set(ids)) == 4


def test_the_same_figures_are_drawn_once_and_other_figures_again() -> None:
    assert daily_chart(DAYS, unit="API calls") is daily_chart(list(DAYS), unit="API calls")
    changed = [*DAYS[:-1], DailyUsage(DAYS[-1].day, 9)]
    assert daily_chart(changed, unit="API calls") != daily_chart(DAYS, unit="API calls")


def test_threads_may_draw_at_the_same_time() -> None:
    many = [[DailyUsage(FIRST, quantity)] for quantity in range(8)]
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda rows: daily_chart(rows, unit="API calls"), many))
    assert len(set(drawn)) == 8


def test_altair_is_not_loaded_before_the_first_chart() -> None:
    program = (
        "import portal.metering.charts, sys;"
        "sys.exit(any(name in sys.modules for name in ('altair', 'vl_convert', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60).returncode == 0


@pytest.mark.parametrize(
    "inside",
    [
        "<script>1</script>",
        "<style>*{}</style>",
        "<foreignObject/>",
        "<image href='https://x.example/a.png'/>",
        "<a href='javascript:1'><text>x</text></a>",
        "<path d='M0,0' fill='red' onload='1'/>",
        "<path d='M0,0' fill='red' style='fill:red'/>",
        "<path d='M0,0' fill='url(https://x.example/#a)'/>",
        "<text xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='#a'>x</text>",
    ],
)
def test_anything_but_plain_shapes_is_refused(inside: str) -> None:
    with pytest.raises(UnsafeSvgError):
        inline_svg(f"<svg xmlns='{NAMESPACE}'>{inside}</svg>", title="t", description="d")
