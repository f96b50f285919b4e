"""The product's colour, as the one value that the style sheets derive everything from."""

from flask import Response

from blueprints._guards import public
from blueprints.ops import ops
from portal.context import current_settings


@ops.get("/brand.css")
@public
def brand() -> Response:
    """`--brand` from `PRODUCT_ACCENT`. A sheet of its own, since the policy allows no inline styles."""
    return Response(f":root {{ --brand: {current_settings().product_accent}; }}\n", mimetype="text/css")
