"""Every recorded action has words, and every change is shown field by field."""

import pytest

from portal.actor import Actor, ActorKind, Origin
from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.audit.queries import PAGE_SIZE, entries_page
from portal.audit.service import Change, record
from portal.audit.wording import SENTENCES, describe, field_changes, sentence
from portal.extensions import db
from tests.factories import World


def test_every_action_has_words() -> None:
    assert SENTENCES.keys() == set(Action)
    assert all(words and not words.endswith(".") for words in SENTENCES.values())


def test_the_words_name_the_thing_as_it_is() -> None:
    assert sentence("invitation:mail:sent", "{0.__class__} <b>") == "invited {0.__class__} <b>"
    assert sentence("something:of:tomorrow", "x") == "something:of:tomorrow"


def test_only_what_differs_is_shown() -> None:
    before = {"role": "member", "name": "Ana", "seats": 3, "cancel_at_period_end": False}
    after = {"role": "admin", "name": "Ana", "seats": None, "cancel_at_period_end": True, "color": "red"}
    assert field_changes(before, after) == [
        ("Role", "Member", "Admin"),
        ("Seats", "3", ""),
        ("Ends at period end", "no", "yes"),
        ("color", "", "red"),
    ]
    assert field_changes(None, None) == []


def test_codes_are_shown_in_words_as_on_the_page() -> None:
    before = {"tax_id_type": "eu_vat", "country": "DE", "status": "pending"}
    after = {"tax_id_type": "gb_vat", "country": "GB", "status": "invalid"}
    assert field_changes(before, after, "tax_id") == [
        ("Kind", "EU VAT number", "VAT number"),
        ("Country", "Germany", "United Kingdom"),
        ("Status", "Being looked up", "Not valid"),
    ]
    unknown = {"tax_id_type": "zz_tin", "status": "past_due", "name": "Acme"}
    assert field_changes(None, unknown, "organization") == [
        ("Kind", "", "ZZ TIN"),
        ("Status", "", "Past due"),
        ("Legal name", "", "Acme"),
    ]
    assert field_changes(None, {"name": "Ana"}, "user") == [("Name", "", "Ana")]


def test_the_log_words_a_change_by_what_was_changed(world: World) -> None:
    change = Change("tax_id", "tax_1", "DE1", {"status": "pending"}, {"status": "refused"})
    record(world.acme.actor(), Action.TAX_ID_LOOKED_UP, change)
    [row] = entries_page(world.acme.organization_id).rows
    assert describe(row).changes == [("Status", "Being looked up", "Not on invoices")]


def put(world: World, count: int) -> None:
    for number in range(count):
        record(
            world.acme.actor(), Action.API_KEY_CREATED, Change("api_key", f"key_{number}", f"key {number}")
        )


@pytest.mark.parametrize("count", [0, PAGE_SIZE, PAGE_SIZE + 1, 2 * PAGE_SIZE + 1])
def test_pages_show_every_entry_once_newest_first(world: World, count: int) -> None:
    put(world, count)
    record(world.globex.actor(), Action.API_KEY_CREATED, Change("api_key", "key_g", "theirs"))
    shown, after = [], None
    for _ in range(4):
        page = entries_page(world.acme.organization_id, after)
        shown += [describe(row).sentence for row in page.rows]
        after = page.next_cursor
        if after is None:
            break
    assert shown == [f"created the API key key {number}" for number in reversed(range(count))]


def test_too_long_names_are_cut_and_not_refused(world: World) -> None:
    actor = Actor(
        ActorKind.USER,
        "usr_1",
        "n" * 500,
        world.acme.organization_id,
        None,
        None,
        Origin("::1", "agent", "id"),
    )
    record(actor, Action.SESSION_STARTED, Change("user", "usr_1", "e" * 500))
    db.session.commit()
    entry = db.session.scalars(db.select(AuditEntry)).one()
    assert (len(entry.actor_name), len(entry.entity_name)) == (120, 254)
    assert (entry.address, entry.agent, entry.request_id) == ("::1", "agent", "id")
