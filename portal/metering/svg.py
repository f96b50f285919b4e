"""Makes the drawing library's SVG fit for a page: safe under a strict policy, small, in the page's font."""

import re
from hashlib import sha256
from xml.etree import ElementTree  # nosec B405

from markupsafe import Markup

NAMESPACE = "http://www.w3.org/2000/svg"
SAFE_TAGS = frozenset({"svg", "g", "path", "rect", "line", "text", "tspan", "title", "desc"})
SAFE_ATTRIBUTES = frozenset(
    {"aria-labelledby", "class", "d", "fill", "fill-opacity", "font-size", "font-weight", "height", "id"}
    | {"opacity", "role", "stroke", "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor"}
    | {"transform", "viewBox", "width", "x", "x2", "y", "y2"}
)
DROPPED_ATTRIBUTES = frozenset(
    {"aria-hidden", "aria-label", "aria-roledescription", "class", "display", "font-family", "height"}
    | {"pointer-events", "role", "version", "width"}
)
COLOUR = re.compile(r"none|transparent|currentColor|#[0-9a-fA-F]{3,8}|[a-z]+|var\(--[a-z0-9-]+\)")
LONG_FRACTION = re.compile(r"(\d+\.\d{2})\d+")


class UnsafeSvgError(ValueError):
    """The drawing holds something that has no place in a page: a script, a style, a link to elsewhere."""


def inline_svg(source: str, *, title: str, description: str) -> Markup:
    """`source` as an `<svg>` that fills its box's width and says `title` and `description` to screen readers.

    A mark's spoken label becomes its tooltip. Text takes the page's font. Raises UnsafeSvgError.
    """
    # The source is what vl-convert wrote in this process, never a document from outside.
    root = ElementTree.fromstring(source)  # noqa: S314 # nosec B314
    _clean(root)
    for element in root.iter():
        _shorten(element)
    name = sha256((source + title).encode()).hexdigest()[:10]
    for tag, text in (("desc", description), ("title", title)):
        said = ElementTree.Element(f"{{{NAMESPACE}}}{tag}", {"id": f"{tag}-{name}"})
        said.text = text
        root.insert(0, said)
    labelled_by = f"title-{name} desc-{name}"
    root.attrib |= {"class": "chart__svg", "width": "100%", "role": "img", "aria-labelledby": labelled_by}
    check_safe(root)
    ElementTree.register_namespace("", NAMESPACE)
    # Only plain shapes are left, and the text in them is escaped by the serializer.
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704  # nosec B704


def check_safe(root: ElementTree.Element) -> None:
    """Raises UnsafeSvgError for anything but plain shapes and text in plain colours."""
    for element in root.iter():
        tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        if tag not in SAFE_TAGS:
            raise UnsafeSvgError(f"element {tag!r}")
        for name, value in element.attrib.items():
            if name not in SAFE_ATTRIBUTES:
                raise UnsafeSvgError(f"attribute {name!r}")
            if name in {"fill", "stroke"} and not COLOUR.fullmatch(value):
                raise UnsafeSvgError(f"colour {value!r}")


def _clean(parent: ElementTree.Element) -> None:
    """Leaves out what is not seen, bottom up, so that an emptied group goes too."""
    for child in list(parent):
        _clean(child)
        tag = child.tag.removeprefix(f"{{{NAMESPACE}}}")
        empty = {"path": _is_unpainted(child), "text": not child.text, "g": len(child) == 0}.get(tag, False)
        if empty or child.get("opacity") == "0":
            parent.remove(child)


def _is_unpainted(path: ElementTree.Element) -> bool:
    return "fill" not in path.attrib and "stroke" not in path.attrib


def _shorten(element: ElementTree.Element) -> None:
    """Leaves out attributes that repeat the default or belong to the page, and digits that nobody sees."""
    if element.get("aria-roledescription") == "rect mark" and (label := element.get("aria-label")):
        tooltip = ElementTree.SubElement(element, f"{{{NAMESPACE}}}title")
        tooltip.text = label
    kept = {name: value for name, value in element.attrib.items() if name not in DROPPED_ATTRIBUTES}
    if kept.get("opacity") == "1":
        del kept["opacity"]
    element.attrib.clear()
    element.attrib |= {name: LONG_FRACTION.sub(r"\1", value) for name, value in kept.items()}
