"""Money as an integer of minor units with its currency. No floating point, no mixing of currencies."""

import re
from copy import copy
from dataclasses import dataclass
from decimal import Decimal, Inexact, localcontext
from functools import cache
from typing import Self

from babel import Locale
from babel.numbers import NumberPattern, get_currency_symbol, list_currencies

# What one unit of `amount` means is Stripe's rule (docs.stripe.com/currencies, "Zero-decimal currencies" and
# "Three-decimal currencies"), since most amounts come from there. CLDR's digits are for display only and
# differ: ISK and RSD have none in CLDR and two in Stripe's amounts.
ZERO_DECIMAL = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"}
    | {"pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"}
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})

LARGEST_EXPONENT = 18  # a signed 64-bit column holds 18 digits
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


class CurrencyMismatchError(ValueError):
    """Two amounts in different currencies were added, subtracted or compared."""


class UnknownCurrencyError(ValueError):
    """The code is not a lower-case ISO 4217 code."""


class TooManyDigitsError(ValueError):
    """The decimal has more digits than an amount in this currency can have."""


@cache
def _known_currencies() -> frozenset[str]:
    return frozenset(code.lower() for code in list_currencies())


def currency_decimals(currency: str) -> int:
    """Digits after the point of a lower-case ISO code: 0, 2 or 3. Raises UnknownCurrencyError."""
    if currency not in _known_currencies():
        raise UnknownCurrencyError(f"{currency!r} is not a lower-case ISO 4217 currency code")
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


@cache
def _pattern(currency: str, locale: Locale) -> NumberPattern:
    """CLDR's pattern with our digits, and a space between a code of letters and the number ("KWD 1.234")."""
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    decimals = currency_decimals(currency)
    pattern.frac_prec = (decimals, decimals)
    if get_currency_symbol(currency.upper(), locale)[-1].isalpha():
        # CLDR asks for this space (currencySpacing); Babel does not put it in.
        positive, negative = (re.sub("¤$", "¤" + NO_BREAK_SPACE, prefix) for prefix in pattern.prefix)
        pattern.prefix = (positive, negative)
    return pattern


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents, yen, fils) of a lower-case ISO 4217 currency.

    Raises UnknownCurrencyError for another code, and TypeError for an amount that is not an integer.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an integer, not {self.minor!r}")
        currency_decimals(self.currency)

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> Self:
        """Major units ("12.50") as Money; never rounds. Raises TooManyDigitsError, also for infinity."""
        refused = TooManyDigitsError(f"{amount} cannot be an amount in {currency}")
        decimals = currency_decimals(currency)
        if not amount.is_finite() or amount.adjusted() > LARGEST_EXPONENT:
            raise refused
        with localcontext() as context:
            context.traps[Inexact] = True
            try:
                minor = amount.scaleb(decimals)
            except Inexact:
                raise refused from None
        if minor != minor.to_integral_value():
            raise refused
        return cls(int(minor), currency)

    def of(self, minor: int) -> Self:
        """Another amount in the same currency."""
        return type(self)(minor, self.currency)

    def to_decimal(self) -> Decimal:
        """The amount in major units, with all of the currency's digits ("12.50", "1200", "1.234")."""
        return Decimal(f"{self.minor}e-{currency_decimals(self.currency)}")

    def format(self, locale: str = "en_US") -> str:
        """The amount as readers of `locale` write it (CLDR's pattern), with all of the currency's digits."""
        known = Locale.parse(locale)
        pattern = _pattern(self.currency, known)
        code = self.currency.upper()
        return str(pattern.apply(self.to_decimal(), known, currency=code, currency_digits=False))

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency} do not mix")
        return other.minor

    def __add__(self, other: "Money") -> Self:
        return self.of(self.minor + self._same(other))

    def __sub__(self, other: "Money") -> Self:
        return self.of(self.minor - self._same(other))

    def __neg__(self) -> Self:
        return self.of(-self.minor)

    def __mul__(self, times: int) -> Self:
        return self.of(self.minor * times)

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __bool__(self) -> bool:
        """Whether there is any amount at all."""
        return self.minor != 0
