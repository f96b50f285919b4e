"""Draws rate ratios with Altair, which `charts.py` imports with the first chart."""

from collections.abc import Sequence

import altair as alt
import vl_convert
from markupsafe import Markup

from portal.deflection.charts import TITLE, RatioMark, in_words
from portal.metering.svg import inline_svg

WIDTH, ROW, FONT = 320, 68, 14
TITLE_AT, LABEL_AT, MARK_AT, THICK, LINE_FROM = 0.2, 0.46, 0.8, 0.04, 0.62  # of a row
SHORTEST, LONGEST = (1 / 4, 2.0), (1 / 32, 16.0)  # the axis shows at least that much, and at most
TICKS = {
    1 / 32: "1/32",
    1 / 16: "1/16",
    1 / 8: "1/8",
    1 / 4: "1/4",
    1 / 2: "1/2",
    1.0: "same",
    2.0: "2x",
    4.0: "4x",
    8.0: "8x",
}
"""Short, so that all of them find room on the longest axis."""
ROOM = 1.15  # beyond the outermost bound
FAINT, STRONG = 0.14, 0.55


def draw(marks: Sequence[RatioMark], accent: str, ink: str) -> Markup:
    """One row a reason, as an `<svg>` that is safe inside a page under a strict policy."""
    domain = _domain(marks)
    rows = alt.Chart(alt.InlineData(values=[_row(*each, domain) for each in enumerate(marks)]))
    ticks = [
        {"at": at, "name": name, "opacity": STRONG if at == 1 else FAINT}
        for at, name in TICKS.items()
        if domain[0] <= at <= domain[1]
    ]
    axis = alt.Chart(alt.InlineData(values=ticks))
    crossings = [
        tick | {"top": number + LINE_FROM, "bottom": number + 1}
        for tick in ticks
        for number in range(len(marks))
    ]
    lines = alt.Chart(alt.InlineData(values=crossings))
    chart = (
        alt.layer(
            *_axis(lines, axis, domain, len(marks), ink), *_marks(rows, domain, len(marks), accent, ink)
        )
        .properties(width=WIDTH, height=ROW * len(marks), padding=4, background="transparent")
        .configure_view(stroke=None)
        .configure_text(fill=ink, fontSize=FONT, baseline="middle")
    )
    svg = vl_convert.vegalite_to_svg(chart.to_dict(validate=False))
    return inline_svg(svg, title=TITLE, description=in_words(marks))


def _domain(marks: Sequence[RatioMark]) -> tuple[float, float]:
    lows = [mark.low / ROOM for mark in marks]
    highs = [(mark.high or LONGEST[1]) * ROOM for mark in marks]
    return max(LONGEST[0], min(SHORTEST[0], *lows)), min(LONGEST[1], max(SHORTEST[1], *highs))


def _row(number: int, mark: RatioMark, domain: tuple[float, float]) -> dict[str, object]:
    """Bounds beyond the axis end at its edge, with an arrow."""
    low, high = max(mark.low, domain[0]), min(mark.high or domain[1], domain[1])
    ratio = mark.ratio or domain[0]
    return {
        "title": mark.title,
        "label": mark.label,
        "words": f"{mark.title}: {mark.label}",
        "low": low,
        "high": high,
        "ratio": min(max(ratio, domain[0]), domain[1]),
        "shows_ratio": mark.ratio is not None and domain[0] <= ratio <= domain[1],
        "left": "◂" if mark.low < domain[0] else "",
        "right": "▸" if mark.high is None or mark.high > domain[1] else "",
        "title_at": number + TITLE_AT,
        "label_at": number + LABEL_AT,
        "middle": number + MARK_AT,
        "top": number + MARK_AT - THICK,
        "bottom": number + MARK_AT + THICK,
    }


def _x(field: str, domain: tuple[float, float]) -> alt.X:
    scale = alt.Scale(type="log", domain=list(domain), nice=False)
    return alt.X(field, type="quantitative", axis=None, scale=scale)


def _y(field: str, rows: int) -> alt.Y:
    scale = alt.Scale(domain=[0, rows], nice=False, reverse=True)
    return alt.Y(field, type="quantitative", axis=None, scale=scale)


def _axis(
    crossings: alt.Chart, axis: alt.Chart, domain: tuple[float, float], rows: int, ink: str
) -> tuple[alt.Chart, alt.Chart]:
    """Lines across the intervals only, so that none goes through a word, and their names below."""
    lines = crossings.mark_rule(stroke=ink, aria=False).encode(
        x=_x("at", domain),
        y=_y("top", rows),
        y2="bottom",
        strokeOpacity=alt.StrokeOpacity("opacity", type="quantitative", scale=None),
    )
    names = axis.mark_text(fontSize=FONT - 1).encode(
        x=_x("at", domain), y=alt.value(ROW * rows + 12), text="name:N"
    )
    return lines, names


def _marks(
    rows: alt.Chart, domain: tuple[float, float], count: int, accent: str, ink: str
) -> tuple[alt.Chart, ...]:
    """Title, figures, and below them the interval with its dot."""
    title_at, label_at, middle = (_y(name, count) for name in ("title_at", "label_at", "middle"))
    left = alt.value(0)
    return (
        rows.mark_text(align="left").encode(x=left, y=title_at, text="title:N"),
        rows.mark_text(align="left", fontWeight=600).encode(x=left, y=label_at, text="label:N"),
        rows.mark_rect(fill=accent, fillOpacity=0.45).encode(
            x=_x("low", domain), x2="high", y=_y("top", count), y2="bottom", description="words:N"
        ),
        rows.transform_filter("datum.shows_ratio")
        .mark_circle(fill=accent, opacity=1, size=80, aria=False)
        .encode(x=_x("ratio", domain), y=middle),
        rows.mark_text(align="right").encode(x=_x("low", domain), y=middle, text="left:N"),
        rows.mark_text(align="left").encode(x=_x("high", domain), y=middle, text="right:N"),
    )
