"""The product's start page."""

from flask import Response

from blueprints._guards import public
from blueprints._htmx import page
from blueprints.nudges._note import current_note, showing
from blueprints.product import product


@product.get("/")
@public
def home() -> Response:
    """What stands where the product itself would be."""
    note = current_note()
    return showing(note, page("product/home.html", note=note))
