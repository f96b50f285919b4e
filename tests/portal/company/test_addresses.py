"""Addresses by country: what Stripe has is kept, a city is any text, and codes are put in their form."""

from dataclasses import replace

import pytest

from portal.company.addresses import check_address, countries, parts_of, parts_with, postal_lines, to_fill
from portal.gateways.stripe_objects import AddressSnapshot

TOKYO = AddressSnapshot("1-1 Chiyoda", "", "Chiyoda-ku", "Tokyo", "100-0001", "JP")
AT_STRIPE = [
    TOKYO,
    AddressSnapshot("1 Raffles Pl", "", "Downtown", "", "048616", "SG"),
    AddressSnapshot("Sheikh Zayed Rd", "", "Jumeirah", "Dubai", "", "AE"),
    AddressSnapshot("1 Main St", "", "Los Angeles", "California", "90001", "US"),
    AddressSnapshot("1 Main St", "", "Los Angeles", "Calif.", "90001", "US"),
    AddressSnapshot("Leopoldstr. 1", "", "München", "Bayern", "80331", "DE"),
    AddressSnapshot("", "Rear house", "Berlin", "", "", "DE"),
]


def as_sent(known: AddressSnapshot) -> AddressSnapshot:
    """What a form with the fields of the country brings back when nobody touches it."""
    filled = to_fill(known)
    parts = parts_with(known.country, known)
    for part in parts:
        assert not part.choices or getattr(filled, part.name) in dict(part.choices)
    return AddressSnapshot(country=known.country, **{part.name: getattr(filled, part.name) for part in parts})


@pytest.mark.parametrize("known", AT_STRIPE, ids=lambda known: f"{known.country}-{known.state}")
def test_what_stripe_has_is_shown_and_kept(known: AddressSnapshot) -> None:
    assert check_address(as_sent(known), known) == (known, {})
    lines = " ".join(postal_lines(known)).casefold()
    assert all(part.casefold() in lines for part in (known.city, known.state, known.line1, known.line2))


def test_a_part_that_a_country_does_not_have_survives_a_new_street() -> None:
    typed = replace(as_sent(TOKYO), line1="2-2 Marunouchi")
    assert check_address(typed, TOKYO) == (replace(TOKYO, line1="2-2 Marunouchi"), {})
    assert check_address(typed)[0].city == ""  # nobody had it
    assert postal_lines(TOKYO) == ["1-1 Chiyoda", "Chiyoda-ku, TOKYO", "100-0001", "Japan"]


@pytest.mark.parametrize(
    "address",
    [
        AddressSnapshot("Av. Paulista 1", "", "Sao Paulo", "SP", "01310-100", "BR"),
        AddressSnapshot("1 Chang'an Ave", "", "Beijing", "Beijing Shi", "100000", "CN"),
        AddressSnapshot("7 Xinyi Rd", "", "Xinyi", "Taipei City", "110", "TW"),
    ],
    ids=lambda address: address.country,
)
def test_a_city_is_any_text(address: AddressSnapshot) -> None:
    assert check_address(address) == (address, {})
    assert "city" in check_address(replace(address, city=""))[1]


def test_a_second_line_is_no_street() -> None:
    typed = AddressSnapshot("", "Rear house", "Berlin", "", "10115", "DE")
    assert check_address(typed)[1] == {"line1": "Write a street and number."}


def test_a_state_is_stored_and_shown_in_latin_letters_where_it_has_such_a_name() -> None:
    cyrillic_and_others = {"AM", "CN", "EG", "IR", "JP", "KP", "KR", "RU", "TW", "TH", "UA", "AE", "VN"}
    for code, _ in countries():
        for part in parts_of(code):
            stored = [value for value, _ in part.choices]
            assert len(set(stored)) == len(stored)
            assert code not in cyrillic_and_others or all(value.isascii() for value in stored)


@pytest.mark.parametrize(
    ("country", "written", "stored"),
    [("AE", "إمارة دبيّ", "Dubai"), ("AE", "dubai", "Dubai"), ("US", "California", "CA"), ("US", "ca", "CA")],
)
def test_a_state_is_found_by_code_and_by_name(country: str, written: str, stored: str) -> None:
    typed = AddressSnapshot("1 Main St", "", "Anywhere", written, "90001", country)
    assert to_fill(typed).state == stored
    assert check_address(typed)[0].state == stored


@pytest.mark.parametrize(
    ("country", "state", "typed", "stored"),
    [
        ("NL", "", "1012 ab", "1012 AB"),
        ("NL", "", "1012AB", "1012 AB"),
        ("NL", "", "NL-1012 ab", "1012 AB"),
        ("GB", "", "sw1a2aa", "SW1A 2AA"),
        ("GB", "", "SW1A  2AA", "SW1A 2AA"),
        ("DE", "", "D-10115", "10115"),
        ("DE", "", "DE 10115", "10115"),
        ("SE", "", "SE-111 22", "111 22"),
        ("SE", "", "11122", "11122"),
        ("FR", "", "75001", "75001"),
        ("JP", "Tokyo", "1000001", "100-0001"),
        ("US", "CA", "90001-1234", "90001-1234"),
        ("AD", "", "AD500", "AD500"),
    ],
)
def test_a_postal_code_is_put_in_the_form_of_its_country(
    country: str, state: str, typed: str, stored: str
) -> None:
    cleaned, errors = check_address(AddressSnapshot("Street 1", "", "Town", state, typed, country))
    assert (cleaned.postal_code, "postal_code" in errors) == (stored, False)


@pytest.mark.parametrize(
    ("country", "state", "typed"), [("DE", "", "A-10115"), ("DE", "", "D-1011"), ("US", "CA", "10115")]
)
def test_a_code_of_another_place_is_refused(country: str, state: str, typed: str) -> None:
    errors = check_address(AddressSnapshot("Street 1", "", "Town", state, typed, country))[1]
    assert errors["postal_code"].startswith("Check the")
