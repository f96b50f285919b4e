"""`docs/scope.md`: the scope as one page, written from `scope.toml` and never by hand."""

import re

from portal.inbox.reasons import all_reasons
from portal.kit.words import long_date, number
from portal.scope.document import Entry, Scope, ScopeError, ScopeFiles, Signature
from portal.scope.signature import digest_of, sign

STAMP = re.compile(r"<!-- written from scope\.toml, ([0-9a-f]{64}) -->\n\Z")


def render_page(scope: Scope) -> str:
    """The page, with a stamp by which a change made by hand is noticed."""
    text = "\n".join([*_head(scope), *_screens(scope), *_support(scope), *_foot(scope)]) + "\n"
    return f"{text}\n<!-- written from scope.toml, {digest_of(text)} -->\n"


def write_signature(files: ScopeFiles, name: str) -> Signature:
    """Sign `scope.toml` as it is and write the page from it. Raises `ScopeError`, `InvalidInputError` (by)."""
    refuse_edited_page(files)
    try:
        text, scope, signature = sign(files.toml.read_text(encoding="utf-8"), name)
    except FileNotFoundError:
        raise ScopeError("There is no scope.toml. Run flask scope draft --audit DIR first.") from None
    files.page.parent.mkdir(parents=True, exist_ok=True)
    files.toml.write_text(text, encoding="utf-8")
    files.page.write_text(render_page(scope), encoding="utf-8")
    return signature


def refuse_edited_page(files: ScopeFiles) -> None:
    """Raises `ScopeError` where somebody changed the page by hand, so that writing it anew would lose that."""
    if not files.page.exists():
        return
    page = files.page.read_text(encoding="utf-8")
    stamp = STAMP.search(page)
    if stamp is None or digest_of(page[: stamp.start() - 1]) != stamp[1]:
        raise ScopeError(
            "docs/scope.md was changed by hand. Put the change into scope.toml, delete docs/scope.md, and try again."
        )


def _head(scope: Scope) -> list[str]:
    audit = scope.audit
    when = (
        f" from {long_date(audit.since)} to {long_date(audit.until)}" if audit.since and audit.until else ""
    )
    asked = sum(entry.count for entry in scope.screens)
    behind = f"Behind it are {number(audit.tickets)} tickets{when}"
    return [
        "# Scope of the customer portal",
        "",
        "What customers do themselves, and what stays with support.",
        f"{behind}: {_share(asked, scope)} of them ask for what a screen does.",
        "",
    ]


def _screens(scope: Scope) -> list[str]:
    rows = sorted(scope.screens, key=lambda entry: -entry.count)
    return [
        "## Screens",
        "",
        "| screen | what people do there | tickets | share | why they wrote |",
        "| --- | --- | ---: | ---: | --- |",
        *(f"{_row(entry, scope)} {_reasons(entry)} |" for entry in rows),
        "",
    ]


def _support(scope: Scope) -> list[str]:
    rows = sorted(scope.support, key=lambda entry: -entry.count)
    return [
        "## Stays with support",
        "",
        "| workflow | how customers ask for it | tickets | share |",
        "| --- | --- | ---: | ---: |",
        *(_row(entry, scope) for entry in rows),
        "",
        f"Unclear: {number(scope.audit.unclear)} of the tickets, which count for neither side.",
        "",
        "Customers read both lists at `/account/help`, with the address of a person.",
        "",
    ]


def _foot(scope: Scope) -> list[str]:
    signed = scope.signature
    if signed is None:
        return ["**Not signed yet.**"]
    return [f"Signed by {_cell(signed.by)} on {long_date(signed.at)}, checksum `{signed.sha256[:16]}`."]


def _row(entry: Entry, scope: Scope) -> str:
    title, text = _cell(entry.title), _cell(entry.text)
    return f"| {title} | {text} | {number(entry.count)} | {_share(entry.count, scope)} |"


def _reasons(entry: Entry) -> str:
    titles = all_reasons()
    ranked = sorted(entry.tickets.items(), key=lambda item: -item[1])
    found = [
        f"{_cell(titles[reason].title if reason in titles else reason)} {count}"
        for reason, count in ranked
        if count
    ]
    return "; ".join(found) or "nobody wrote"


def _share(count: int, scope: Scope) -> str:
    return f"{100 * count / scope.audit.tickets:.0f}%" if scope.audit.tickets else "0%"


def _cell(text: str) -> str:
    """Safe in a table: one line, no bar, no markup."""
    return re.sub(r"([\\|<`*_\[\]])", r"\\\1", " ".join(text.split()))
