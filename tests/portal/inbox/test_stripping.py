# ruff: noqa: RUF001 - the letters of other languages are meant
"""What a person asked for stays; what was put around it goes."""

import pytest

from portal.inbox.automatic import is_automatic
from portal.inbox.language import detect_language
from portal.inbox.redaction import redact
from portal.inbox.stripping import strip_body, strip_subject

BELOW = [
    "-- \nIda Berg\nNorthwind Ltd",
    "Kind regards\nIda Berg\nHead of Finance\nNorthwind Ltd | +49 30 555 0199\nwww.northwind.example",
    "Mit freundlichen Grüßen\nIda Berg",
    "Cordialement,\nIda Berg",
    "Un saludo\nIda",
    "Cordiali saluti,\nIda Berg",
    "Atenciosamente,\nIda Berg",
    "Met vriendelijke groet,\nIda van den Berg",
    "Pozdrawiam\nIda Berg",
    "Saygılarımla\nIda Berg",
    "Med vänlig hälsning\nIda Berg",
    "Med venlig hilsen\nIda Berg",
    "Ystävällisin terveisin\nIda Berg",
    "S pozdravem\nIda Berg",
    "Üdvözlettel\nIda Berg",
    "С уважением,\nИда Берг",
    "Sent from my iPhone",
    "Von meinem iPhone gesendet",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Verzonden vanaf mijn iPhone",
    "Wysłane z iPhone'a",
    "iPhone'umdan gönderildi",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Lähetetty iPhonesta",
    "Odesláno z iPhonu",
    "Отправлено с iPhone",
    "iPhoneから送信",
    "发自我的iPhone",
    "Get Outlook for Android",
    "On Tue, 3 Mar 2026 at 10:00, Help <help@acme.example> wrote:\n> Hello\n> Ida",
    "Am Di., 3. März 2026 um 10:00 Uhr schrieb Help <help@acme.example>:\n> Hallo",
    "Le mar. 3 mars 2026 à 10:00, Help <help@acme.example>\na écrit :\n> Bonjour",
    "El mar, 3 mar 2026 a las 10:00, Help (<help@acme.example>) escribió:\n> Hola",
    "Il giorno mar 3 mar 2026 alle ore 10:00 Help ha scritto:\n> Ciao",
    "Em ter., 3 de mar. de 2026 às 10:00, Help escreveu:\n> Oi",
    "Op di 3 mrt 2026 om 10:00 schreef Help:\n> Hoi",
    "wt., 3 mar 2026 o 10:00 Help <help@acme.example> napisał(a):\n> Witaj",
    "Den tis 3 mars 2026 kl 10:00 skrev Help <help@acme.example>:\n> Hej",
    "вт, 3 мар. 2026 г. в 10:00, Help пишет:\n> Привет",
    "Help <help@acme.example>, 3 Mar 2026 Sal, 10:00 tarihinde şunu yazdı:\n> Merhaba",
    "ti 3. maalisk. 2026 klo 10.00 Help kirjoitti:\n> Hei",
    "-----Ursprüngliche Nachricht-----\nVon: Help\nGesendet: Montag",
    "From: Help <help@acme.example>\nSent: Monday, 2 March 2026\nTo: Ida\nSubject: Bill\n\nHere it is.",
    "This e-mail and any attachments are confidential and intended solely for the addressee.",
    "Diese E-Mail enthält vertrauliche Informationen und ist nur für den Empfänger bestimmt.",
    "You received this message because you are subscribed to the group.",
]
ABOVE = [
    "##- Please type your reply above this line -##",
    "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein. -##",
    "[EXTERNAL]",
    "CAUTION: This email originated from outside the organization. Do not click links.",
    "Achtung: Diese E-Mail kommt von außerhalb des Unternehmens.",
]
REQUEST = "Where can I find the bill for March?\nThe link in the mail leads nowhere."


@pytest.mark.parametrize("below", BELOW)
def test_what_stands_below_is_taken_away(below: str) -> None:
    assert strip_body(f"{REQUEST}\n\n{below}") == REQUEST


@pytest.mark.parametrize("above", ABOVE)
def test_banners_are_taken_away(above: str) -> None:
    assert strip_body(f"{above}\n\n{REQUEST}\n\nThanks,\nIda\n\nSent from my iPad") == REQUEST


@pytest.mark.parametrize(
    "text",
    [
        "Thanks,\nIda",
        "unsubscribe",
        "Sent from my iPhone",
        "This message is confidential: somebody read my account",
        "On Monday I wrote: nobody has answered so far",
        "I tried this\n--\nand then it failed, can you help?",
        "Best plan for five people?\nThanks in advance",
        "Hello\n\nThis e-mail of yours is confidential, why did Bob get it?",
        "Please compare 3 < 5 and tell <ida@northwind.example> about it",
        "Regards the bill:\nWho pays it?",
    ],
)
def test_the_request_itself_is_never_taken_away(text: str) -> None:
    assert strip_body(text) == text


def test_html_reads_as_the_plain_text_does() -> None:
    html = (
        "<html><head><style>p{}</style></head><body><div style='display:none'>hidden</div>"
        "<p>Where can I find&nbsp;the bill for March?<br>The link in the\n mail leads nowhere.</p>"
        "<p>Kind regards<br>Ida</p>"
        "<div class='gmail_quote'><div>On Tue, 3 Mar 2026 Help wrote:</div>"
        "<blockquote><p>Hello</p></blockquote></div></body></html>"
    )
    assert strip_body(html) == REQUEST


def test_answers_between_quoted_lines_and_bare_forwards_stay() -> None:
    assert strip_body("> Which plan?\nThe small one.\n> How many seats?\nFive.") == "The small one.\nFive."
    forward = "---------- Forwarded message ---------\nFrom: Ann <ann@northwind.example>\n\nPlease add Bob to our plan."
    assert strip_body(forward) == "Please add Bob to our plan."
    assert strip_body(f"Can you do what she asks below?\n\n{forward}") == "Can you do what she asks below?"


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("RE: AW: [EXTERNAL] Fwd:  Bill", "Bill"),
        ("Re:", ""),
        ("(no subject)", ""),
        ("Kein Betreff", ""),
        ("<p>Bill &amp; plan</p>", "Bill & plan"),
        ("VS: Sv: Lasku", "Lasku"),
    ],
)
def test_a_subject_is_without_reply_marks(text: str, subject: str) -> None:
    assert strip_subject(text) == subject


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Bill",
        "Abwesenheitsnotiz: Bill",
        "Réponse automatique : Bill",
        "自動返信: Bill",
        "Mail delivery failed: returning message",
        "Accepted: Call @ Mon",
    ],
)
def test_automatic_messages_are_known_by_their_subject(subject: str) -> None:
    assert is_automatic(subject, "See you")
    assert not is_automatic(f"How do I send an {subject}", "See you")


def test_automatic_messages_are_known_by_their_words_and_headers() -> None:
    assert is_automatic("Re: Bill", "I am currently out of the office until Monday.")
    assert is_automatic("Re: Bill", "", {"auto-submitted": "auto-replied"})
    assert not is_automatic(
        "Re: Bill", "I am out of patience.", {"auto-submitted": "no", "precedence": "list"}
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I change the card?", "en"),
        ("Die Anmeldung lässt mich nicht hinein", "de"),
        ("パスワードを忘れました", "ja"),
        ("请帮我退款", "zh"),
        ("Où est ma facture de mars ?", "fr"),
        ("ok", ""),
        ("[number] [email] 12345", ""),
        ("", ""),
    ],
)
def test_the_language_is_found_or_not_said(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Write to ida.berg@northwind.example", "Write to [email]"),
        ("Call +49 (0)30 555-0199", "Call [number]"),
        ("Card 4242 4242 4242 4242", "Card [number]"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [number]"),
        ("My key is sk_test_abcdefgh1234", "My key is [key]"),
        ("https://a.example/reset?token=xyz", "[link]"),
        ("See https://a.example/help/billing", "See https://a.example/help/billing"),
        ("My name is Ida Berg and I wait", "My name is [name] and I wait"),
        ("Please help\n\nKind regards,\nIda Berg", "Please help\n\nKind regards,\n[name]"),
        ("Paid 1,200.50 twice on 2026-04-01", "Paid 1,200.50 twice on 2026-04-01"),
    ],
)
def test_what_tells_who_wrote_is_redacted(text: str, redacted: str) -> None:
    assert redact(text) == redacted
