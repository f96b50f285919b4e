# ruff: noqa: RUF001 - the letters of other languages are meant
"""Any CSV is understood by what its columns are called and hold."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import pytest

from portal.inbox.readers.dates import find_order, parse_time
from portal.inbox.ticket import Kind
from tests.portal.inbox.readers.test_reading import read

POLISH = (
    "Numer;Data utworzenia;Status;Klient;E-mail;Temat;Treść\n"
    "7;2026-04-03 10:00;Zamknięte;Łukasz Żak;l@ex.example;Płatność;"
    "Nie mogę zmienić karty płatniczej, proszę o pomoc\n"
)
RUSSIAN = (
    "Номер,Дата создания,Статус,Клиент,Почта,Тема,Сообщение\n"
    "7,03.04.2026 10:00,Закрыт,Иван Петров,i@ex.example,Счёт,"
    "Здравствуйте! Пришлите, пожалуйста, счёт за март.\n"
)
JAPANESE = (
    "番号,作成日時,ステータス,顧客名,メールアドレス,件名,本文\n"
    "7,2026年4月3日 10:00,クローズ,山田太郎,y@ex.example,請求書,"
    "請求書をダウンロードする方法を教えてください。\n"
)
FRENCH = (
    "Numéro\tDate de création\tStatut\tNom du client\tAdresse e-mail\tObjet\tMessage\n"
    "7\t03/04/2026 10:00\tFermé\tZoé Lemaître\tz@ex.example\tReçu\t"
    "Je n'ai pas reçu le reçu de février, où est-il passé ?\n"
)
TURKISH = (
    "Talep No;Oluşturulma Tarihi;Durum;Müşteri;E-posta;Konu;Açıklama\n"
    "7;03.04.2026 10:00;Kapalı;Ayşe Yıldız;a@ex.example;Ödeme;"
    "Kartımı değiştirmek istiyorum, nasıl yapabilirim?\n"
)


@pytest.mark.parametrize(
    ("text", "encoding", "body", "language"),
    [
        (POLISH, "cp1250", "Nie mogę zmienić karty płatniczej, proszę o pomoc", "pl"),
        (RUSSIAN, "cp1251", "Здравствуйте! Пришлите, пожалуйста, счёт за март.", "ru"),
        (RUSSIAN, "koi8_r", "Здравствуйте! Пришлите, пожалуйста, счёт за март.", "ru"),
        (JAPANESE, "cp932", "請求書をダウンロードする方法を教えてください。", "ja"),
        (JAPANESE, "utf-16", "請求書をダウンロードする方法を教えてください。", "ja"),
        (FRENCH, "cp1252", "Je n'ai pas reçu le reçu de février, où est-il passé ?", "fr"),
        (TURKISH, "cp1254", "Kartımı değiştirmek istiyorum, nasıl yapabilirim?", "tr"),
        (TURKISH, "utf-8-sig", "Kartımı değiştirmek istiyorum, nasıl yapabilirim?", "tr"),
    ],
)
def test_encoding_delimiter_and_columns_are_found(
    text: str, encoding: str, body: str, language: str, tmp_path: Path
) -> None:
    found, report = read(tmp_path, text.encode(encoding))
    assert [(each.id, each.body, each.status, each.language) for each in found] == [
        ("7", body, "closed", language)
    ]
    assert found[0].created_at == datetime(2026, 4, 3, 10, tzinfo=UTC)
    assert found[0].requester_email.endswith("@ex.example")
    assert not report.problems


def test_columns_may_be_said(tmp_path: Path) -> None:
    found, report = read(
        tmp_path, "a;b;c\nx1;Bill;Please send it\n", columns={"subject": "b", "body": "C", "id": "nope"}
    )
    assert (found[0].subject, found[0].body) == ("Bill", "Please send it")
    assert "'nope'" in report.problems[0].reason


def test_a_table_without_header_or_with_titles_above_it_is_read(tmp_path: Path) -> None:
    found, _ = read(
        tmp_path,
        "A1,2026-04-01 10:00,ann@ex.example,Cancel my plan\nA2,2026-04-02 10:00,bob@ex.example,I cannot sign in\n",
    )
    assert [(each.id, each.requester_email, each.body) for each in found][1] == (
        "A2",
        "bob@ex.example",
        "I cannot sign in",
    )
    found, _ = read(tmp_path, "Tickets of May\n\nid,created,subject,body\n4,2026-05-01,Bill,Send it\n")
    assert [(each.id, each.subject) for each in found] == [("4", "Bill")]


def test_without_ids_a_ticket_is_known_by_what_it_says(tmp_path: Path) -> None:
    """In any row of any file; said again in the same file, it is a ticket of its own."""
    one, other = "2026-04-01,ann@ex.example,Cancel my plan", "2026-04-01,bob@ex.example,Cancel my plan"
    found, _ = read(tmp_path, f"created,email,body\n{one}\n{other}\n{one}\n")
    first, second, again = (each.id for each in found)
    assert again == f"{first}-2"
    assert first.startswith("row-")
    assert first != second
    found, _ = read(tmp_path, f"created;email;body\n{other}\n{one}\n".replace(",", ";"))
    assert [each.id for each in found] == [second, first]


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Telefon", ("5550142", "5550143")),
        ("Nutzername", ("annb", "bobc")),
        ("Phone number", ("+49 30 55501", "030 55502")),
        ("Customer ID", ("77", "77")),
        ("Reference", ("ann@ex.example", "bob@ex.example")),
        ("", ("+4930555014", "+4930555015")),
        ("", ("Refund", "Password")),
    ],
)
def test_no_id_is_made_of_what_tells_a_person(header: str, values: tuple[str, str], tmp_path: Path) -> None:
    rows = [f"{value},2026-04-01,Please cancel my plan, number {n}" for n, value in enumerate(values)]
    found, _ = read(tmp_path, "\n".join([f"{header},created,body", *rows]))
    assert len(found) == 2
    assert all(each.id.startswith("row-") for each in found)
    found, _ = read(tmp_path, "Conversation ID (long);Subject\n215470000123456;Send the bill\n")
    assert [(each.id, each.subject) for each in found] == [("215470000123456", "Send the bill")]


@pytest.mark.parametrize("first", ["T-7,email,", "8001,", "Please cancel my plan as I do not need it,"])
def test_without_header_the_first_row_counts_and_is_nowhere_quoted(first: str, tmp_path: Path) -> None:
    rows = f"{first}Cancel my plan\n" + first.replace("7", "9").replace("8001", "8002") + "I cannot sign in\n"
    found, report = read(tmp_path, rows)
    assert len(found) == 2
    assert report.files[0].notes["header"] == "none, the first row was read as a ticket"
    assert "plan" not in report.files[0].notes["columns"]


def test_what_a_cell_says_is_in_no_problem(tmp_path: Path) -> None:
    long = "What did Ida Berg want to know from us?"
    content = f"id,{long},created,minutes\n1,Send the bill,Ida Berg 5 Maple Street,Ida Berg\n"
    content += "2,Send the receipt,2026-04-31,5\n3,Send the quote,2026-04-01,5\n4,Send it,2026-04-02,5\n"
    _, report = read(tmp_path, content, columns={"body": long})
    assert [(each.line, each.field, each.reason) for each in report.problems] == [
        (2, "created", "is no date that can be"),
        (2, "minutes", "is no length of time"),
        (3, "created", "is no date that can be: '2026-04-31'"),
    ]
    assert "Ida" not in str(report)


def test_a_carriage_return_is_no_end_of_the_audit(tmp_path: Path) -> None:
    found, report = read(tmp_path, 'id,subject,body\r\n1,a,Send\rthe bill\r\n2,b,"Delete\rit"\r\n')
    assert [(each.id, each.body) for each in found] == [("1", "Send the bill"), ("2", "Delete it")]
    found, _ = read(tmp_path, "id,subject,body\r1,a,Send the bill\r2,b,Delete it\r")
    assert [(each.id, each.body) for each in found] == [("1", "Send the bill"), ("2", "Delete it")]
    assert not report.problems


def test_a_quote_that_never_closes_costs_no_other_ticket(tmp_path: Path) -> None:
    found, report = read(
        tmp_path, 'id,subject,body\n1,a,first\n2,b,"open\n3,c,"third, ""quoted"""\n4,d,say "fourth"\n'
    )
    assert [(each.id, each.body) for each in found] == [
        ("1", "first"),
        ("2", "open"),
        ("3", 'third, "quoted"'),
        ("4", 'say "fourth"'),
    ]
    assert [problem.line for problem in report.problems] == [3]


def test_a_row_that_does_not_fit_the_header_is_named(tmp_path: Path) -> None:
    found, report = read(
        tmp_path, "id,body,status\n1,Send the bill,open\n2,Send, the, bill,open\n3,Delete my data,spam\n"
    )
    assert [(each.id, each.kind) for each in found] == [("1", Kind.REQUEST), ("3", Kind.SPAM)]
    assert [(problem.line, report.files[0].left_out) for problem in report.problems] == [(3, 1)]


def test_minutes_follow_the_unit_of_their_column(tmp_path: Path) -> None:
    for header, value, minutes in (
        ("Minutes", "12,5", 12.5),
        ("Time spent (sec)", "90", 1.5),
        ("Time tracked", "01:30", 90),
        ("Aufwand (Std.)", "0,5", 30),
        ("Aufwand (h)", "0,25", 15),
        ("Hours spent", "0.25", 15),
        ("Zeit (h)", "1,5", 90),
        ("Temps passé (h)", "0,5", 30),
        ("Tiempo dedicado (h)", "0,5", 30),
    ):
        found, _ = read(tmp_path, f'id;body;{header}\n1;Send the bill;"{value}"\n2;Delete it;\n')
        assert [each.agent_minutes for each in found] == [minutes, None], header


LONG = "Die Rechnung für März ist nicht angekommen, bitte schicken Sie sie noch einmal."


def test_a_strangers_german_spreadsheet_is_read_as_it_is(tmp_path: Path) -> None:
    """Of two columns named as the text the longer is the text, the short one the subject; hours are no minutes."""
    content = (
        "Fall-Nr.;Datum;Kundenname;Mailadresse;Anliegen;Text der Anfrage;Beantwortet am;Erledigt am;"
        "Bearbeiter;Aufwand (h)\n"
    )
    for n in (1, 2):
        content += f"F-{n};31.12.2026 14:05;Jörg Groß;j@ex.example;Rechnung fehlt;{LONG};31.12.2026 15:05;;Uwe;0,25\n"
    found, report = read(tmp_path, content.encode("cp1252"))
    assert [(each.id, each.subject, each.body, each.agent_minutes) for each in found] == [
        ("F-1", "Rechnung fehlt", LONG, 15),
        ("F-2", "Rechnung fehlt", LONG, 15),
    ]
    who = {(each.created_at, each.requester_name, each.requester_email, each.assignee) for each in found}
    assert who == {(datetime(2026, 12, 31, 14, 5, tzinfo=UTC), "Jörg Groß", "j@ex.example", "Uwe")}
    assert report.files[0].notes["minutes"] == "Aufwand (h): hours, unless written as HH:MM"
    assert (report.problems, report.files[0].notes.get("unread")) == ([], None)


@pytest.mark.parametrize(
    ("header", "cells", "subject", "body"),
    [
        ("Anfrage;Nachricht des Kunden", ("Zugang gesperrt", LONG), "Zugang gesperrt", LONG),
        ("Schilderung;Antwort des Teams", (LONG, f"{LONG} {LONG}"), "", LONG),
        ("Demande;Texte du message", ("Accès refusé", LONG), "Accès refusé", LONG),
        ("Request type;Comment", ("No access", LONG), "No access", LONG),
        ("Consulta;Texto del mensaje", ("Sin acceso", LONG), "Sin acceso", LONG),
        ("Consulta;Descripción", ("Sin acceso", LONG), "Sin acceso", LONG),
        ("Message;Reply text", ("Send me the bill", LONG), "", "Send me the bill"),
        ("本文;回答内容", ("請求書をください", LONG), "", "請求書をください"),
        (
            "Message;Request URL",
            ("Send me the bill", f"https://ex.example/{'a' * 90}"),
            "",
            "Send me the bill",
        ),
    ],
)
def test_of_several_columns_named_as_the_text_the_one_that_was_asked_is_it(
    header: str, cells: tuple[str, ...], subject: str, body: str, tmp_path: Path
) -> None:
    rows = [f"T-{n}" + "".join(f';"{cell}"' for cell in cells) for n in (1, 2)]
    found, report = read(tmp_path, "\n".join([f"ID;{header}", *rows]))
    assert [(each.subject, each.body) for each in found] == [(subject, body)] * 2
    is_unread = not subject and " " in cells[1]
    assert report.files[0].notes.get("unread") == (
        f"long texts that are not read: {header.split(';')[-1]}" if is_unread else None
    )


@pytest.mark.parametrize(
    ("text", "order", "hour"),
    [
        ("03.04.2026, 14:05 Uhr", "dmy", 14),
        ("4/3/2026 2:05 PM", "mdy", 14),
        ("3. April 2026 14:05", "dmy", 14),
        ("Apr 3, 2026 2:05 PM", "dmy", 14),
        ("3 avr. 2026 à 14h05", "dmy", 14),
        ("2026年4月3日 午後2:05", "dmy", 14),
        ("Fri, 03 Apr 2026 16:05:00 +0200", "dmy", 14),
        ("3 апреля 2026 г., 14:05", "dmy", 14),
        ("1775225100", "dmy", 14),
        ("1775225100000", "dmy", 14),
        ("46115.586805556", "dmy", 14),
        ("2026-04-03T14:05:00Z", "mdy", 14),
        ("03-Apr-2026 14:05", "dmy", 14),
    ],
)
def test_a_time_is_read_however_it_is_written(text: str, order: Literal["dmy", "mdy"], hour: int) -> None:
    assert parse_time(text, order, UTC) == datetime(2026, 4, 3, hour, 5, tzinfo=UTC)


def test_a_time_without_zone_is_of_the_zone_that_was_said(tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=2))
    found, _ = read(
        tmp_path,
        "id,created,body\n1,2026-04-03 14:05,Send it\n2,2026-04-03 14:05+00:00,Delete it\n",
        time_zone=zone,
    )
    assert [each.created_at.hour for each in found if each.created_at] == [12, 14]


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["01/02/2026", "13/02/2026"], "dmy"),
        (["01/02/2026", "01/13/2026"], "mdy"),
        (["01/03/2026", "02/03/2026", "01/04/2026", "03/04/2026"], "dmy"),
        (["03/01/2026", "03/02/2026", "04/01/2026", "04/03/2026"], "mdy"),
        (["01.02.2026"], "dmy"),
        (["1/2/2026 3:00 PM"], "mdy"),
    ],
)
def test_whether_the_day_or_the_month_comes_first_is_found_over_the_whole_file(
    values: list[str], order: str
) -> None:
    assert find_order(values)[0] == order


@pytest.mark.parametrize("text", ["31.04.2026", "2026-13-01", "1890-01-01", "soon", "12", "99/99/9999"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_time(text, "dmy", UTC) is None


def test_a_table_without_texts_says_what_to_rename(tmp_path: Path) -> None:
    found, report = read(tmp_path, "foo,bar\n1,2\n3,4\n")
    assert not found
    assert report.problems[0].reason == (
        "has no column that holds a subject or a text: rename one to subject or body (found: foo, bar)"
    )
