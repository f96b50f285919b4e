"""Whether the portal does what was signed, no less and no more."""

from collections.abc import Collection, Iterator

from portal.inbox.reasons import OTHER, all_reasons
from portal.scope.document import Scope, ScopeError, ScopeFiles, parse_scope
from portal.scope.page import render_page
from portal.scope.screens import is_placed, screen_of
from portal.scope.signature import is_unchanged


def check_scope(files: ScopeFiles, endpoints: Collection[str]) -> list[str]:
    """What is wrong, a line each; none where all is well. `endpoints` are those of the running portal's routes."""
    try:
        text = files.toml.read_text(encoding="utf-8")
        scope = parse_scope(text)
        return [*_of_text(files, text, scope), *_of_routes(scope, endpoints), *_of_reasons(scope)]
    except FileNotFoundError:
        return ["scope.toml: there is none. Run flask scope draft --audit DIR."]
    except UnicodeDecodeError:
        return ["scope.toml cannot be read: it is not UTF-8."]
    except ScopeError as error:
        return [error.message]


def _of_text(files: ScopeFiles, text: str, scope: Scope) -> Iterator[str]:
    if scope.signature is None:
        yield "scope.toml is not signed. Run flask scope sign --by NAME."
        return
    if not is_unchanged(text, scope.signature):
        signed = f"{scope.signature.by} signed it on {scope.signature.at}"
        yield f"scope.toml was changed since {signed}, or the name or the day was."
    page = files.page.read_text(encoding="utf-8") if files.page.exists() else ""
    if page != render_page(scope):
        yield "docs/scope.md is not what the signed scope.toml says. Run flask scope sign --by NAME, which writes it."


def _of_routes(scope: Scope, endpoints: Collection[str]) -> Iterator[str]:
    signed = {entry.key for entry in scope.screens}
    served = set[str]()
    for endpoint in sorted(endpoints):
        screen = screen_of(endpoint)
        if not is_placed(endpoint):
            yield f"{endpoint}: this route belongs to no signed screen. Place it in portal/scope/screens.py."
        elif screen is not None:
            served.add(screen.name)
            if screen.name not in signed:
                yield f"{endpoint}: this route belongs to the screen {screen.name}, which is not signed."
    for name in sorted(signed - served):
        yield f"screens.{name}: this screen is signed and has no route."


def _of_reasons(scope: Scope) -> Iterator[str]:
    """Each reason to write stands at one place, so that none is promised twice or by nobody."""
    places = [reason for entry in scope.entries for reason in entry.tickets]
    for reason in all_reasons():
        if reason != OTHER and places.count(reason) != 1:
            yield f"{reason}: this reason has to stand at one place of scope.toml, not at {places.count(reason)}."
    for reason in sorted(set(places) - all_reasons().keys()):
        yield f"{reason}: there is no such reason."
