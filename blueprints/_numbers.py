"""Numbers in addresses."""

from typing import Any

from werkzeug.routing import IntegerConverter, Map

from portal.kit.paging import LARGEST_NUMBER


class BoundedIntegerConverter(IntegerConverter):
    """`<int:message_id>`: a number beyond a database's bigint is no page, and no error of the database either."""

    def __init__(self, url_map: Map, *args: Any, **more: Any) -> None:
        super().__init__(url_map, *args, **{"max": LARGEST_NUMBER, **more})
