"""Mailboxes: a thread is a ticket, its first mail the request, the first answer of the support the first reply."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from portal.inbox.readers.draft import Draft, short_hash
from portal.inbox.readers.mail import Mail, header_of, headers_that_tell, parse, text_of
from portal.inbox.readers.options import ReadOptions, ReadReport
from portal.inbox.readers.streams import byte_lines, chunks
from portal.inbox.readers.values import LATEST, quoted_time

MAIL_KEPT = 4 << 20
"""Bytes of a mail that are read; attachments behind them are passed over."""
FREE_MAILERS = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "yahoo.com",
        "icloud.com",
        "me.com",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "t-online.de",
        "orange.fr",
        "free.fr",
        "libero.it",
        "wp.pl",
        "seznam.cz",
        "mail.ru",
        "yandex.ru",
        "qq.com",
        "163.com",
    ]
)

_FROM = re.compile(rb"From \S+.*\d{2}:\d{2}")
_ESCAPED = re.compile(rb">+From ")
_HEADER = re.compile(r"(?:[A-Za-z][\w-]*:.*\n(?:[ \t].*\n)*){3,}")
_NUMBERED = re.compile(r"(\d{1,12})\.\d+@")


def is_mbox(begin: str) -> bool:
    """Whether the text begins as a mailbox or as a single mail does."""
    if begin.startswith("From ") and "\n" in begin:
        return bool(_HEADER.match(begin.split("\n", 1)[1].replace("\r", "")[:20_000] + "\n"))
    head = begin.replace("\r", "")[:20_000]
    return bool(_HEADER.match(head)) and bool(
        re.search(r"^(?:Message-ID|Received|MIME-Version|Date):", head, re.MULTILINE | re.IGNORECASE)
    )


@dataclass(slots=True)
class _Thread:
    """What the first look at the file has found out about a thread."""

    id: str
    reply_at: datetime | None = None
    assignee: str = ""


def drafts_of_mbox(
    path: Path, options: ReadOptions, report: ReadReport, on_bytes: Callable[[int], None]
) -> Iterator[Draft]:
    """The tickets of a mailbox. The file is read twice: an answer may stand before what it answers."""
    report.files[-1].source = "mbox"
    quiet = ReadReport()
    quiet.start(path.name)
    threads = _Threads(options.support_addresses)
    most = options.most_unpacked
    for _, raw in _mails(chunks(path, quiet, lambda count: on_bytes(count // 2), most), quiet):
        threads.look(header_of(parse(raw, headers_only=True)))
    threads.settle()
    report.files[-1].notes["support"] = ", ".join(sorted(threads.support)) or "nobody answers"
    for number, (line, raw) in enumerate(
        _mails(chunks(path, report, lambda count: on_bytes(count - count // 2), most), report)
    ):
        thread = threads.by_first.get(number)
        if thread is not None:
            yield _draft(raw, line, thread, report)


def _mails(pieces: Iterable[bytes], report: ReadReport) -> Iterator[tuple[int, bytes]]:
    """Each mail with the line in which it begins: a line "From " after an empty one parts them."""
    kept: list[bytes] = []
    begin, size, is_after_empty = 1, 0, True
    for number, line in byte_lines(pieces, report):
        if is_after_empty and _FROM.match(line):
            if kept:
                yield begin, b"".join(kept)
            kept, begin, size = [], number, 0
        elif size <= MAIL_KEPT:
            kept.append(line[1:] if _ESCAPED.match(line) else line)
            size += len(line)
        is_after_empty = not line.strip()
    if any(line.strip() for line in kept):
        yield begin, b"".join(kept)


class _Threads:
    """Puts mails together by In-Reply-To and References, and finds out who is the support."""

    def __init__(self, support: frozenset[str]) -> None:
        self.support = {each.lower() for each in support}
        self.mails: list[Mail] = []
        self.recipients: Counter[str] = Counter()
        self.by_first: dict[int, _Thread] = {}

    def look(self, mail: Mail) -> None:
        """Takes a mail in, in the order of the file."""
        if not mail.answers:
            self.recipients.update(set(mail.recipients))
        self.mails.append(replace(mail, recipients=(), subject="", date=""))

    def settle(self) -> None:
        """Makes the threads, once all mails are known."""
        if not self.support:
            common = self.recipients.most_common(1)
            self.support = {address for address, count in common if count > 1 or len(self.mails) == 1}
        self._domains = {address.split("@")[-1] for address in self.support} - FREE_MAILERS
        roots = self._roots()
        members: dict[int, list[int]] = {}
        for number, root in enumerate(roots):
            members.setdefault(root, []).append(number)
        firsts = {
            first: numbers for numbers in members.values() if (first := self._first(numbers)) is not None
        }
        parts = Counter(_first_part(self.mails[first].message_id) for first in firsts)
        for first, numbers in firsts.items():
            self.by_first[first] = self._thread(first, numbers, parts)

    def _roots(self) -> list[int]:
        """For each mail the first one of its thread (union-find over the ids it answers)."""
        parent = list(range(len(self.mails)))

        def root(number: int) -> int:
            while parent[number] != number:
                parent[number] = parent[parent[number]]
                number = parent[number]
            return number

        owner: dict[str, int] = {}
        for number, mail in enumerate(self.mails):
            for message_id in (mail.message_id, *mail.answers):
                if message_id:
                    one, other = sorted((root(owner.setdefault(message_id, number)), root(number)))
                    parent[other] = one
        return [root(number) for number in range(len(self.mails))]

    def is_support(self, mail: Mail) -> bool:
        """Whether the support wrote it: from its address or its company's domain."""
        return mail.address in self.support or mail.address.split("@")[-1] in self._domains

    def _in_order(self, numbers: list[int]) -> list[int]:
        return sorted(numbers, key=lambda number: (self._is_answer(number), self.mails[number].at or LATEST))

    def _first(self, numbers: list[int]) -> int | None:
        """The mail that asks; None where the support wrote all of the thread."""
        return next(
            (number for number in self._in_order(numbers) if not self.is_support(self.mails[number])), None
        )

    def _thread(self, first: int, numbers: list[int], parts: Counter[str]) -> _Thread:
        mail = self.mails[first]
        answers = (self.mails[each] for each in self._in_order(numbers))
        reply = next((each for each in answers if self.is_support(each) and _is_after(each, mail)), None)
        thread_id = _thread_id(mail, parts)
        return _Thread(thread_id, reply.at, reply.name) if reply else _Thread(thread_id)

    def _is_answer(self, number: int) -> bool:
        """Whether it answers a mail of this file."""
        return bool(self.mails[number].answers)


def _is_after(reply: Mail, request: Mail) -> bool:
    return reply.at is None or request.at is None or reply.at >= request.at


def _first_part(message_id: str) -> str:
    match = _NUMBERED.match(message_id)
    return match[1] if match else message_id


def _thread_id(mail: Mail, parts: Counter[str]) -> str:
    """The number at the beginning of the Message-ID where that names one thread only, else a hash of the whole.

    A Message-ID may hold who wrote, and where they work. `""` where there is none.
    """
    part = _first_part(mail.message_id)
    if not part or (part != mail.message_id and parts[part] == 1):
        return part
    return f"mail-{short_hash(mail.message_id)}"


def _draft(raw: bytes, line: int, thread: _Thread, report: ReadReport) -> Draft:
    message = parse(raw)
    mail = header_of(message)
    if mail.at is None:
        reason = f"is no date that can be{quoted_time(mail.date)}" if mail.date else "is missing"
        report.problem(line, "Date", reason)
    body, is_html = text_of(message)
    return Draft(
        id=thread.id,
        line=line,
        created_at=mail.at,
        first_reply_at=thread.reply_at,
        channel="email",
        requester_name=mail.name,
        requester_email=mail.address,
        assignee=thread.assignee,
        subject=mail.subject,
        body=body,
        is_html=is_html,
        headers=headers_that_tell(message),
    )
