"""Amounts in words, and rounding. An amount is an integer of minor units with a lower-case currency."""

from fractions import Fraction

# Stripe's documented zero-decimal and three-decimal currencies; every other has two.
_NONE = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)
_THREE = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
TIMES = "\N{MULTIPLICATION SIGN}"
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def decimals(currency: str) -> int:
    """How many decimals the currency has."""
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def shown(amount: int, currency: str) -> str:
    """`$1,234.50`, `¥1,200`, `KWD 1.234`."""
    places = decimals(currency)
    whole, rest = divmod(abs(amount), 10**places)
    digits = f"{whole:,}" + (f".{rest:0{places}d}" if places else "")
    sign = "-" if amount < 0 else ""
    return f"{sign}{_SIGNS.get(currency, currency.upper() + ' ')}{digits}"


def share(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole`, rounded half away from zero."""
    exact = Fraction(abs(amount) * part, whole)
    return int(exact + Fraction(1, 2)) * (1 if amount >= 0 else -1)
