from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit.money import (
    CurrencyMismatchError,
    Money,
    TooManyDigitsError,
    UnknownCurrencyError,
    currency_decimals,
)

CURRENCIES = st.sampled_from(["usd", "eur", "jpy", "kwd", "isk", "rsd", "clp"])


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "shown"),
    [
        (123450, "usd", "en_US", "$1,234.50"),
        (-123450, "usd", "en_US", "-$1,234.50"),
        (1200, "jpy", "en_US", "¥1,200"),
        (1234, "kwd", "en_US", "KWD 1.234"),
        (1000, "kwd", "en_US", "KWD 1.000"),
        (123450, "eur", "de_DE", "1.234,50 €"),
        (1200, "jpy", "ja_JP", "¥1,200"),
        (120050, "rsd", "en_US", "RSD 1,200.50"),
        (0, "usd", "en_US", "$0.00"),
    ],
)
def test_money_is_written_with_all_digits_of_its_currency(
    minor: int, currency: str, locale: str, shown: str
) -> None:
    assert plain(Money(minor, currency).format(locale)).replace("￥", "¥") == shown


@pytest.mark.parametrize(
    ("currency", "decimals"), [("jpy", 0), ("krw", 0), ("usd", 2), ("isk", 2), ("kwd", 3), ("tnd", 3)]
)
def test_decimals_follow_the_payment_provider(currency: str, decimals: int) -> None:
    assert currency_decimals(currency) == decimals


@pytest.mark.parametrize("code", ["USD", "us", "usdx", "zzz", "", "us\n"])
def test_only_lower_case_iso_codes_are_currencies(code: str) -> None:
    with pytest.raises(UnknownCurrencyError):
        Money(1, code)


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1)])
def test_minor_units_are_integers(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "usd")  # type: ignore[arg-type]


def test_currencies_do_not_mix() -> None:
    one, other = Money(1, "usd"), Money(1, "eur")
    assert one != other
    for refused in (lambda: one + other, lambda: one - other, lambda: one < other):
        with pytest.raises(CurrencyMismatchError):
            refused()


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.5", "jpy"),
        ("1.234", "usd"),
        ("1.2345", "kwd"),
        ("NaN", "usd"),
        ("Infinity", "usd"),
        ("1e-9", "usd"),
        ("1e999999", "usd"),
        ("1.5000000000000000000000000000000000001", "usd"),
    ],
)
def test_too_many_digits_are_refused_not_rounded(amount: str, currency: str) -> None:
    with pytest.raises(TooManyDigitsError):
        Money.from_decimal(Decimal(amount), currency)


def test_trailing_zeros_are_not_digits_too_many() -> None:
    assert Money.from_decimal(Decimal("12.5000"), "usd") == Money(1250, "usd")


@given(minor=st.integers(-(2**63), 2**63 - 1), currency=CURRENCIES)
def test_decimal_and_back_is_the_same_amount(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.from_decimal(money.to_decimal(), currency) == money


@given(a=st.integers(), b=st.integers(), times=st.integers(-1000, 1000), currency=CURRENCIES)
def test_sums_and_products_are_exact(a: int, b: int, times: int, currency: str) -> None:
    first, second = Money(a, currency), Money(b, currency)
    assert (first + second - second) == first
    assert (first * times) == (times * first) == Money(a * times, currency)
    assert -first + first == first.of(0)
    assert bool(first) is (a != 0)
