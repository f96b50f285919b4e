"""The only importer of Altair and vl-convert; `charts.py` imports it with the first chart.

They take 0.4 s and much memory that a process without charts can do without. Do not fork a process that has
drawn: vl-convert hangs in the child.
"""

from dataclasses import asdict

import altair as alt
import vl_convert
from markupsafe import Markup

from portal.metering.figures import Bar, Figure
from portal.metering.svg import inline_svg

WIDTH, HEIGHT = 720, 190
GAP = 0.14  # of a bar's place, on either side
HEADROOM = 1.12  # for the label above the highest bar
LEAST_TOP = 4  # so that the lines across stand at whole numbers
TICK_BELOW, BAND_BELOW = 15, 32  # pixels under the base line
FAINT, BAND_TINT, QUIET, OPEN = 0.14, 0.045, 0.72, 0.5
INK = "currentColor"


def draw(figure: Figure) -> Markup:
    """The figure as an `<svg>` that is safe inside a page under a strict policy."""
    places = [_place(number, bar) for number, bar in enumerate(figure.bars)]
    stretches = [asdict(band) | {"odd": number % 2} for number, band in enumerate(figure.bands)]
    bars = alt.Chart(alt.InlineData(values=places))
    bands = alt.Chart(alt.InlineData(values=stretches))
    chart = (
        alt.layer(_tint(bands, figure), *_columns(bars, figure), _numbers(bars), _ticks(bars), _names(bands))
        .properties(width=WIDTH, height=HEIGHT, padding=4, background="transparent")
        .configure_view(stroke=None)
        .configure_text(fill=INK, fontSize=11)
    )
    svg = vl_convert.vegalite_to_svg(chart.to_dict(validate=False))
    return inline_svg(svg, title=figure.title, description=figure.description)


def _place(number: int, bar: Bar) -> dict[str, object]:
    return asdict(bar) | {
        "left": number + GAP,
        "right": number + 1 - GAP,
        "middle": number + 0.5,
        "base": 0,
        "opacity": OPEN if bar.is_open else 1,
        "words": f"{bar.name}: {bar.quantity:,}",
    }


def _x(field: str, places: int) -> alt.X:
    return alt.X(field, type="quantitative", axis=None, scale=alt.Scale(domain=[0, places], nice=False))


def _y(figure: Figure) -> alt.Y:
    """The quantity from zero, with faint lines across and short numbers beside them."""
    top = max(LEAST_TOP, HEADROOM * max(bar.quantity for bar in figure.bars))
    axis = alt.Axis(
        title=None,
        domain=False,
        ticks=False,
        tickCount=3,
        labelPadding=8,
        labelFontSize=11,
        labelColor=INK,
        labelOpacity=QUIET,
        gridColor=INK,
        gridOpacity=FAINT,
        labelExpr="replace(upper(format(datum.value, '~s')), 'G', 'B')",
    )
    return alt.Y("quantity", type="quantitative", axis=axis, scale=alt.Scale(domain=[0, top], nice=False))


def _tint(bands: alt.Chart, figure: Figure) -> alt.Chart:
    odd: alt.Chart = bands.transform_filter("datum.odd").mark_rect(
        aria=False, fill=INK, fillOpacity=BAND_TINT
    )
    return odd.encode(x=_x("start", len(figure.bars)), x2="end")


def _columns(bars: alt.Chart, figure: Figure) -> tuple[alt.Chart, alt.Chart]:
    columns = bars.mark_rect(fill=figure.accent, cornerRadiusTopLeft=2, cornerRadiusTopRight=2).encode(
        x="left:Q",
        x2="right",
        y=_y(figure),
        y2="base",
        fillOpacity=alt.FillOpacity("opacity", type="quantitative", scale=None),
        description="words:N",
    )
    nothing = alt.Chart(alt.InlineData(values=[{}]))
    return columns, nothing.mark_rule(stroke=INK, strokeOpacity=0.3).encode(y=alt.datum(0))


def _numbers(bars: alt.Chart) -> alt.Chart:
    texts: alt.Chart = bars.mark_text(dy=-6, fontWeight=600)
    return texts.encode(x="middle:Q", y="quantity:Q", text="label:N")


def _ticks(bars: alt.Chart) -> alt.Chart:
    texts: alt.Chart = bars.mark_text(opacity=QUIET, fontSize=10.5)
    return texts.encode(x="middle:Q", y=alt.value(HEIGHT + TICK_BELOW), text="tick:N")


def _names(bands: alt.Chart) -> alt.Chart:
    texts: alt.Chart = bands.mark_text(align="left", dx=4, fontWeight=600)
    return texts.encode(x="start:Q", y=alt.value(HEIGHT + BAND_BELOW), text="name:N")
