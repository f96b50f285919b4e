"""The test cards: their numbers, tokens and what happens when they are attached or charged."""

from dataclasses import dataclass

from standins.stripe.errors import ApiError, declined

Refusal = tuple[str, str | None, str]
_GENERIC = "Your card was declined."


@dataclass(frozen=True)
class TestCard:
    """A card number with its behaviour; a refusal is (code, decline code, message). `must_confirm`: every charge
    is confirmed with the bank first (3-D Secure).

    https://docs.stripe.com/testing
    """

    __test__ = False  # not a test class

    number: str
    brand: str
    token: str
    attach: Refusal | None = None
    charge: Refusal | None = None
    must_confirm: bool = False


_DECLINED = ("card_declined", "generic_decline", _GENERIC)
_FUNDS = ("card_declined", "insufficient_funds", "Your card has insufficient funds.")
_EXPIRED = ("expired_card", None, "Your card has expired.")
_CVC = ("incorrect_cvc", None, "Your card's security code is incorrect.")

CARDS = (
    TestCard("4242424242424242", "visa", "visa"),
    TestCard("4000056655665556", "visa", "visa_debit"),
    TestCard("5555555555554444", "mastercard", "mastercard"),
    TestCard("378282246310005", "amex", "amex"),
    TestCard("4000002760003184", "visa", "authenticationRequired", must_confirm=True),
    TestCard(
        "4000008260003178",
        "visa",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        charge=_FUNDS,
        must_confirm=True,
    ),
    TestCard("4000000000000341", "visa", "chargeCustomerFail", charge=_DECLINED),
    TestCard("4000000000000002", "visa", "visa_chargeDeclined", attach=_DECLINED, charge=_DECLINED),
    TestCard(
        "4000000000009995", "visa", "visa_chargeDeclinedInsufficientFunds", attach=_FUNDS, charge=_FUNDS
    ),
    TestCard("4000000000000069", "visa", "chargeDeclinedExpiredCard", attach=_EXPIRED, charge=_EXPIRED),
    TestCard("4000000000000127", "visa", "chargeDeclinedIncorrectCvc", attach=_CVC, charge=_CVC),
)


def by_token(token: str) -> TestCard | None:
    """The card behind `pm_card_...` or `tok_...`."""
    name = token.removeprefix("pm_card_").removeprefix("tok_")
    known = token.startswith(("pm_card_", "tok_"))
    return next((card for card in CARDS if known and card.token == name), None)


def by_number(number: str) -> TestCard:
    """The card with this number. ApiError 402 for a number that fails its check digit, and for one that is
    not of a test card (test mode takes no others)."""
    digits = number.replace(" ", "").replace("-", "")
    found = next((card for card in CARDS if card.number == digits), None)
    if found:
        return found
    if not digits.isdigit() or not 12 <= len(digits) <= 19 or not _has_check_digit(digits):
        raise _refused("incorrect_number", "Your card number is incorrect.", "number")
    raise _refused("card_declined", "Your card was declined. Only test cards are taken here.", "number")


def _refused(code: str, message: str, param: str) -> ApiError:
    error = declined(code, "test_mode_live_card" if code == "card_declined" else None, message)
    error.param = param
    return error


def _has_check_digit(digits: str) -> bool:
    doubled = [int(digit) * 2 if index % 2 else int(digit) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def check_expiry(month: int, year: int, today: tuple[int, int]) -> None:
    """ApiError 402 for a month that does not exist or an expiry before `today` (year, month)."""
    if not 1 <= month <= 12:
        raise _refused("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    if not today[0] <= year <= today[0] + 50 or (year, month) < today:
        raise _refused("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")


def check_cvc(card: TestCard, cvc: str) -> None:
    """ApiError 402 for a security code of the wrong length."""
    if not cvc.isdigit() or len(cvc) != (4 if card.brand == "amex" else 3):
        raise _refused("invalid_cvc", "Your card's security code is invalid.", "cvc")
