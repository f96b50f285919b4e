# ruff: noqa: RUF001 - the letters of other languages are meant
"""Text without what tells who wrote it: for outputs and for what is kept."""

import re

from portal.inbox.stripping.signoffs import name_after_sign_off

_EMAIL = re.compile(
    r"\b[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\b|\b[\w.+%-]+\s?(?:\(at\)|\[at\])\s?[\w.-]+\b", re.IGNORECASE
)
_LINK = re.compile(r"\b(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)
_PLAIN_LINK = re.compile(r"(?:https?://|www\.)[\w.-]+(?:/[a-z_-]{1,24}){0,3}/?[.,;:!?)]*", re.IGNORECASE)
_KEY = re.compile(
    r"\b(?:sk|pk|rk|whsec|ghp|gho|github_pat|glpat|xox[abprs]|key|tok|token|secret|pat|api)[_-][\w-]{8,}\b"
    r"|\bAKIA[0-9A-Z]{12,}\b|\beyJ[\w-]{8,}(?:\.[\w-]+){1,2}"
    r"|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    r"|\b(?=[\w/+-]*\d)(?=[\w/+-]*[A-Za-z])[A-Za-z0-9_/+-]{20,}={0,2}",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,3})?\b")
_TAX_ID = re.compile(r"\b[A-Z]{2,3}U?\d{8,12}\b")
_PASSWORD = re.compile(
    r"(?i:\b(passwor[dt]|passwd|kennwort|mot de passe|contraseña|senha|wachtwoord|hasło))\s*[:=]\s*\S+"
)
_NUMBER = re.compile(r"(?<![\w.,])\+?\(?\d(?:[\s().\-–/]{0,2}\d){4,}")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?|\d\d?[./-]\d\d?[./-]\d{2}(?:\d\d)?")
_AFTER_WORDS = re.compile(
    r"(?i:\b(my name is|i am called|mein name ist|ich heiße|je m'appelle|mi chiamo|me llamo|mijn naam is))"
    r"\s+[A-ZÀ-Þ][\w'’-]*(?:\s+[A-ZÀ-Þ][\w'’-]*){0,2}"
)  # fmt: skip


def _link(match: re.Match[str]) -> str:
    return match[0] if _PLAIN_LINK.fullmatch(match[0]) else "[link]"


def _number(match: re.Match[str]) -> str:
    return match[0] if _DATE.fullmatch(match[0]) else "[number]"


def redact(text: str) -> str:
    """`text` with `[email]`, `[link]`, `[key]`, `[number]` and `[name]` in the place of what could tell a person.

    Links are kept where they end in plain words; numbers up to four digits, amounts and dates stay; names are found
    where people put them: after a sign-off and after "my name is". A name in the middle of a sentence is not found.
    """
    text = name_after_sign_off(text, "[name]")
    text = _AFTER_WORDS.sub(r"\1 [name]", text)
    text = _LINK.sub(_link, text)
    text = _EMAIL.sub("[email]", text)
    text = _PASSWORD.sub(r"\1: [key]", text)
    text = _IBAN.sub("[number]", text)
    text = _TAX_ID.sub("[number]", text)
    text = _KEY.sub("[key]", text)
    return _NUMBER.sub(_number, text)
