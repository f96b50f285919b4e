"""Draws the ranking with Altair, which `charts.py` imports with the first chart."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import altair as alt
import vl_convert
from markupsafe import Markup

from portal.inbox.charts import FILLS, ReasonBar, in_words
from portal.metering.svg import inline_svg

WIDTH, ROW = 340, 31
HEADROOM = 1.3  # for the label at the end of the longest bar
TITLE_AT, BAR_START, BAR_END = 0.26, 0.5, 0.86  # of a row
LEGEND_AT, LEGEND_ABOVE, SWATCH = (0, 126, 270), -14, 9
FONT = 12


def draw(bars: Sequence[ReasonBar], accent: str, ink: str) -> Markup:
    """The bars from the longest down, as an `<svg>` that is safe inside a page under a strict policy."""
    places = [_place(number, bar) for number, bar in enumerate(bars)]
    rows = alt.Chart(alt.InlineData(values=places))
    chart = (
        alt.layer(
            _columns(rows, bars, accent),
            _titles(rows, bars, ink),
            _numbers(rows, bars, ink),
            *_legend(accent, ink),
        )
        .properties(width=WIDTH, height=ROW * len(bars), padding=4, background="transparent")
        .configure_view(stroke=None)
    )
    svg = vl_convert.vegalite_to_svg(chart.to_dict(validate=False))
    return inline_svg(svg, title="Tickets by reason", description=in_words(bars))


def _place(number: int, bar: ReasonBar) -> dict[str, object]:
    return asdict(bar) | {
        "top": number + BAR_START,
        "bottom": number + BAR_END,
        "middle": number + (BAR_START + BAR_END) / 2,
        "title_at": number + TITLE_AT,
        "base": 0,
        "fill": FILLS[bar.who],
        "words": f"{bar.title}: {bar.label}, {bar.who}",
    }


def _x(bars: Sequence[ReasonBar], field: str) -> alt.X:
    scale = alt.Scale(domain=[0, HEADROOM * max(bar.tickets for bar in bars)], nice=False)
    return alt.X(field, type="quantitative", axis=None, scale=scale)


def _y(bars: Sequence[ReasonBar], field: str) -> alt.Y:
    scale = alt.Scale(domain=[0, len(bars)], nice=False, reverse=True)
    return alt.Y(field, type="quantitative", axis=None, scale=scale)


def _columns(rows: alt.Chart, bars: Sequence[ReasonBar], accent: str) -> alt.Chart:
    columns: alt.Chart = rows.mark_rect(fill=accent, stroke=accent, strokeWidth=1).encode(
        x=_x(bars, "base"),
        x2="tickets",
        y=_y(bars, "top"),
        y2="bottom",
        fillOpacity=alt.FillOpacity("fill", type="quantitative", scale=None),
        description="words:N",
    )
    return columns


def _titles(rows: alt.Chart, bars: Sequence[ReasonBar], ink: str) -> alt.Chart:
    texts: alt.Chart = rows.mark_text(align="left", baseline="middle", fill=ink, fontSize=FONT)
    return texts.encode(x=alt.value(0), y=_y(bars, "title_at"), text="title:N")


def _numbers(rows: alt.Chart, bars: Sequence[ReasonBar], ink: str) -> alt.Chart:
    texts: alt.Chart = rows.mark_text(
        align="left", baseline="middle", dx=6, fill=ink, fontSize=FONT, fontWeight=600
    )
    return texts.encode(x=_x(bars, "tickets"), y=_y(bars, "middle"), text="label:N")


def _legend(accent: str, ink: str) -> Iterator[alt.Chart]:
    """What the three kinds of bars are, above the bars."""
    nothing = alt.Chart(alt.InlineData(values=[{}]))
    for left, (who, fill) in zip(LEGEND_AT, FILLS.items(), strict=True):
        yield nothing.mark_rect(
            fill=accent, fillOpacity=fill, stroke=accent, strokeWidth=1, aria=False
        ).encode(
            x=alt.value(left),
            x2=alt.value(left + SWATCH),
            y=alt.value(LEGEND_ABOVE - SWATCH / 2),
            y2=alt.value(LEGEND_ABOVE + SWATCH / 2),
        )
        yield nothing.mark_text(
            text=who, align="left", baseline="middle", fill=ink, fontSize=FONT - 2
        ).encode(x=alt.value(left + SWATCH + 6), y=alt.value(LEGEND_ABOVE))
