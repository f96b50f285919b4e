"""Form bodies in bracket form: decoding to a tree, and coercion by a declaration of what a request takes."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from babel import Locale

from standins.stripe.errors import invalid, missing, unknown

Check = Callable[[Any, str], Any]
Fields = Mapping[str, Check]

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=x` as `{"a": {"b": {"0": "x"}}}`; `a[]=x` counts up. Raises ApiError for a malformed name."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        found = _NAME.match(name)
        if not found:
            raise invalid(name, f"Invalid parameter name: {name}")
        keys = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
        node = tree
        for key in keys[:-1]:
            child = node.setdefault(key or str(len(node)), {})
            if not isinstance(child, dict):
                raise invalid(name, f"Invalid {found[1]}: it is given as a value and as a hash")
            node = child
        node[keys[-1] or str(len(node))] = value
    return tree


def parse(
    tree: Mapping[str, Any], fields: Fields, required: Iterable[str] = (), at: str = ""
) -> dict[str, Any]:
    """The tree with its values coerced; an undeclared or a missing parameter is an ApiError."""
    result = {}
    for name, value in tree.items():
        param = f"{at}[{name}]" if at else name
        if name not in fields:
            raise unknown(param)
        result[name] = fields[name](value, param)
    for name in required:
        if tree.get(name, "") == "":
            raise missing(f"{at}[{name}]" if at else name)
    return result


def text(value: Any, param: str) -> str:
    """A string of at most 5,000 characters."""
    if not isinstance(value, str):
        raise invalid(param, f"Invalid string: {value}")
    if len(value) > 5000:
        raise invalid(param, f"Invalid string: {param} must be at most 5000 characters", "string_too_long")
    return value


def email(value: Any, param: str) -> str:
    """A string that looks like a mail address."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text(value, param)):
        raise invalid(param, f"Invalid email address: {value}", "email_invalid")
    return text(value, param)


def url(value: Any, param: str) -> str:
    """An http or https address."""
    if not re.fullmatch(r"https?://[^\s/]+\S*", text(value, param)):
        raise invalid(param, "Not a valid URL", "url_invalid")
    return text(value, param)


def integer(value: Any, param: str) -> int:
    """A whole number, as Stripe writes amounts and times (Unix seconds)."""
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,15}", value):
        raise invalid(param, f"Invalid integer: {value}", "parameter_invalid_integer")
    return int(value)


def natural(value: Any, param: str) -> int:
    """A whole number that is not negative."""
    if integer(value, param) < 0:
        raise invalid(param, f"Invalid non-negative integer: {value}", "parameter_invalid_integer")
    return int(value)


def percent(value: Any, param: str) -> float:
    """A number above 0 and at most 100."""
    if (
        not isinstance(value, str)
        or not re.fullmatch(r"\d{1,3}(\.\d{1,4})?", value)
        or not 0 < float(value) <= 100
    ):
        raise invalid(param, f"Invalid decimal: {value}; must be a number above 0 and at most 100.")
    return float(value)


def boolean(value: Any, param: str) -> bool:
    """`true` or `false`."""
    if value not in ("true", "false"):
        raise invalid(param, f"Invalid boolean: {value}")
    return bool(value == "true")


def now_or_time(value: Any, param: str) -> int | str:
    """A time, or the word `now` or `unchanged`."""
    return value if value in ("now", "unchanged") else integer(value, param)


def up_to(value: Any, param: str) -> int | None:
    """Where a tier ends: a whole number, or `inf`, which is None."""
    return None if value == "inf" else natural(value, param)


def one_of(*allowed: str) -> Check:
    """One of these words."""

    def check(value: Any, param: str) -> Any:
        if value not in allowed:
            raise invalid(param, f"Invalid {param}: must be one of {', '.join(allowed)}")
        return value

    return check


def clearable(inner: Check) -> Check:
    """The empty string clears the field: it becomes None."""
    return lambda value, param: None if value == "" else inner(value, param)


def record(fields: Fields, required: Iterable[str] = ()) -> Check:
    """A hash with these members and no others."""
    needs = tuple(required)

    def check(value: Any, param: str) -> Any:
        if not isinstance(value, dict):
            raise invalid(param, "Invalid object")
        return parse(value, fields, needs, param)

    return check


def list_of(inner: Check, most: int | None = None) -> Check:
    """An array of at most `most`, written with numbers or with `[]`; the empty string is the empty array."""

    def check(value: Any, param: str) -> Any:
        if value == "":
            return []
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise invalid(param, "Invalid array")
        if most is not None and len(value) > most:
            raise invalid(param, f"Array {param} exceeded maximum {most} allowed elements.")
        return [inner(value[key], f"{param}[{key}]") for key in sorted(value, key=int)]

    return check


def metadata(value: Any, param: str) -> dict[str, str]:
    """String pairs; `{"": ""}` stands for "clear all" (see `merged`)."""
    if value == "":
        return {"": ""}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise invalid(param, "Metadata values must be strings")
    if any(len(key) > 40 or len(item) > 500 for key, item in value.items()):
        raise invalid(param, "Metadata keys have at most 40 and values at most 500 characters")
    return value


def merged(old: Mapping[str, str], change: Mapping[str, str]) -> dict[str, str]:
    """Metadata after a change: an empty value removes its key."""
    if "" in change:
        return {}
    return {key: value for key, value in {**old, **change}.items() if value != ""}


def time_range(value: Any, param: str) -> dict[str, int]:
    """`created=1` or `created[gte]=1`, as bounds."""
    if isinstance(value, str):
        return {"gte": integer(value, param), "lte": integer(value, param)}
    bounds = record(dict.fromkeys(("gt", "gte", "lt", "lte"), integer))
    return dict(bounds(value, param))


def text_up_to(length: int) -> Check:
    """A string of at most `length` characters."""

    def check(value: Any, param: str) -> str:
        if len(text(value, param)) > length:
            told = f"Invalid string: {param} must be at most {length} characters"
            raise invalid(param, told, "string_too_long")
        return str(value)

    return check


def country(value: Any, param: str) -> str:
    """A country by its two letters (ISO 3166-1)."""
    if text(value, param).upper() not in _countries():
        raise invalid(param, f"Country '{value}' is unknown.", "country_code_invalid")
    return str(value).upper()


@cache
def _countries() -> frozenset[str]:
    codes = map(str, Locale("en").territories)
    return frozenset(code for code in codes if re.fullmatch("[A-Z]{2}", code)) - {"ZZ"}


_PARTS: Fields = dict.fromkeys(("city", "line1", "line2", "postal_code", "state"), clearable(text))
ADDRESS: Check = clearable(record({**_PARTS, "country": clearable(country)}))
CUSTOM_FIELDS: Check = list_of(
    record({"name": text_up_to(40), "value": text_up_to(140)}, ("name", "value")), most=4
)
LIST: Fields = {"limit": natural, "starting_after": text, "ending_before": text}
