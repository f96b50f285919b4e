"""The product's start page."""

from flask import Response

from blueprints._guards import public
from blueprints._htmx import page
from blueprints.product import product


@product.get("/")
@public
def home() -> Response:
    """What stands where the product itself would be."""
    return page("product/home.html")
