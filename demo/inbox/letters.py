"""Letters around a phrase: greeting, sign-off, and what mail programs add."""

from datetime import datetime, timedelta
from random import Random

from babel.dates import format_date

from demo.inbox.people import Requester, mate_of

PLANS = ("Pro", "Team", "Business")
GREETINGS = {
    "en": ("Hi,", "Hello,", "Hi there,", "Good morning,", "Dear support team,", ""),
    "de": ("Hallo,", "Guten Tag,", "Sehr geehrte Damen und Herren,"),
    "fr": ("Bonjour,", ""),
    "es": ("Hola,", "Buenas tardes,"),
}
SIGN_OFFS = {
    "en": ("Best regards,", "Thanks,", "Kind regards", "Cheers,", "Thank you in advance,"),
    "de": ("Viele Grüße", "Mit freundlichen Grüßen"),
    "fr": ("Cordialement,", "Merci d'avance,"),
    "es": ("Un saludo,", "Gracias,"),
}
PHONES = {"en": "Sent from my iPhone", "de": "Von meinem iPhone gesendet", "fr": "Envoyé de mon iPhone"}
FOOTER = (
    "This e-mail and any attachment are confidential and meant for the addressee only. "
    "If you have received it in error, please delete it and tell the sender."
)
AWAY = "Out of office: back on Monday", "I am out of the office until {day} and read my mail when I am back."


def compose(phrase: str, language: str, requester: Requester, at: datetime, rng: Random) -> tuple[str, str]:
    """Subject and body of one letter: the phrase, filled in, with what people and their programs put around it."""
    subject, _, text = _filled(phrase, language, requester, at, rng).partition(" | ")
    lines = [rng.choice(GREETINGS[language]), "", text, "", rng.choice(SIGN_OFFS[language]), requester.name]
    body = "\n".join(lines).strip()
    draw = rng.random()
    if draw < 0.12 and language in PHONES:
        body += f"\n\n{PHONES[language]}"
    elif draw < 0.24:
        body += f"\n{requester.company}\n\n--\n{requester.name}\n{requester.company}\n{requester.email}"
    elif draw < 0.32:
        body += f"\n\n{FOOTER}"
    elif draw < 0.38:
        body += _quoted(at)
    return subject, body


def away(requester: Requester, at: datetime) -> tuple[str, str]:
    """An automatic answer to one of our mails."""
    subject, text = AWAY
    day = format_date(at + timedelta(days=5), "long", "en")
    return subject, f"{text.format(day=day)}\n\n{requester.name}"


def _quoted(at: datetime) -> str:
    day = format_date(at - timedelta(days=9), "medium", "en")
    return (
        f"\n\nOn {day}, Support <help@skylark.example> wrote:\n"
        "> Thank you for your message. Your request is closed now.\n> Write back if anything is left."
    )


def _filled(phrase: str, language: str, requester: Requester, at: datetime, rng: Random) -> str:
    mate = mate_of(requester, rng)
    months = [format_date(at - timedelta(days=days), "MMMM", language) for days in (20, 51, -40)]
    amount = rng.randrange(49, 990)
    return phrase.format(
        mate=mate.name,
        mate_mail=mate.email,
        month=months[0],
        other_month=months[1],
        next_month=months[2],
        amount=f"{amount} €" if language == "de" else f"${amount}.00",
        plan=rng.choice(PLANS),
        seats=rng.randrange(12, 80),
        company=requester.company,
        domain=requester.email.partition("@")[2],
    )
