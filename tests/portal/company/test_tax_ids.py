"""Tax ids: what can be one, and the verbs that put them on invoices."""

import pytest

from portal.audit.models import AuditEntry
from portal.billing.queries import ClosedCustomerError
from portal.company.models import TaxId, TaxIdStatus
from portal.company.queries import tax_ids_of
from portal.company.tax_id_checks import TaxIdInvalidError, clean_tax_id, is_same_number
from portal.company.tax_id_types import EU_VAT, TaxIdKind, all_kinds, country_of, kind_of, kinds_of
from portal.company.tax_ids import MOST_TAX_IDS, add_tax_id, look_up_again, remove_tax_id
from portal.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage
from portal.permissions import Role
from portal.stripe_mirror.models import StripeSync
from tests.factories import World
from tests.support import stripe_spec

NUMBER = "DE136695976"


def actions() -> list[str]:
    return list(db.session.scalars(db.select(AuditEntry.action).order_by(AuditEntry.position)))


def topics() -> list[str]:
    return list(db.session.scalars(db.select(OutboxMessage.topic).order_by(OutboxMessage.id)))


def kind(country: str, type_: str = EU_VAT) -> TaxIdKind:
    found = kind_of(country, type_)
    assert found
    return found


def test_every_type_that_stripe_takes_from_a_country_is_known() -> None:
    spec = stripe_spec.load(stripe_spec.sources()[0])
    types = set(spec.schemas["tax_id"]["properties"]["type"]["enum"]) - {"unknown"}
    ours = {known.type for known in all_kinds()}
    assert types - ours == {"eu_oss_vat"}  # of no country
    assert ours <= types


@pytest.mark.parametrize("known", all_kinds(), ids=lambda known: f"{known.country}-{known.type}")
def test_the_example_of_each_kind_is_good_and_the_form_is_asked_for(known: TaxIdKind) -> None:
    assert clean_tax_id(known, known.example) == known.example
    assert country_of(known.type, known.example) == known.country
    with pytest.raises(TaxIdInvalidError, match=rf"for example {known.example}\."):
        clean_tax_id(known, "1")


@pytest.mark.parametrize(
    ("country", "type_", "typed", "stored"),
    [
        ("DE", EU_VAT, " de 136 695 976 ", NUMBER),
        ("DE", EU_VAT, "136695976", NUMBER),
        ("GR", EU_VAT, "EL 094259216", "EL094259216"),
        ("AT", EU_VAT, "U13585627", "ATU13585627"),
        ("AT", EU_VAT, "13585627", "ATU13585627"),
        ("GB", EU_VAT, "XI980780684", "XI980780684"),
        ("GB", "gb_vat", "980 7806 84", "GB980780684"),
        ("US", "us_ein", "911144442", "91-1144442"),
        ("CH", "ch_vat", "CHE107787577 tva", "CHE-107.787.577 TVA"),
        ("BR", "br_cnpj", "16727230000197", "16.727.230/0001-97"),
    ],
)
def test_punctuation_and_prefix_are_put_as_stripe_documents_them(
    country: str, type_: str, typed: str, stored: str
) -> None:
    assert clean_tax_id(kind(country, type_), typed) == stored
    assert clean_tax_id(kind(country, type_), stored) == stored
    assert is_same_number(stored, stored.lower())


def test_a_number_of_northern_ireland_is_for_those_who_write_it() -> None:
    first, *_, last = kinds_of("GB")
    assert (first.type, last.type) == ("gb_vat", EU_VAT)
    assert clean_tax_id(first, "980780684") == "GB980780684"
    assert kinds_of("DE")[0].type == EU_VAT
    for typed in ("980780684", "GB980780684"):
        with pytest.raises(TaxIdInvalidError, match=r"It has XI and 9 digits"):
            clean_tax_id(last, typed)


@pytest.mark.parametrize(
    ("country", "typed", "says"),
    [
        ("DE", "DE136695977", "check digits"),
        (
            "DE",
            "DE12",
            "This is no EU VAT number of Germany. It has DE and 9 digits, for example DE136695976.",
        ),
        ("DE", "ATU13585627", "This is no EU VAT number of Germany"),
        ("DE", "", "This is no"),
        ("DE", "DE" + "1" * 500, "This is no"),
        ("DE", "DE" + "\u0661" * 9, "This is no"),
        ("CY", "CY1", "It has CY, 8 digits and 1 letter, for example CY10259033P."),
        ("BG", "BG1", "It has BG and 9 digits, or BG and 10 digits, for example BG175074752."),
    ],
)
def test_an_impossible_number_is_told_the_form_of_its_country(country: str, typed: str, says: str) -> None:
    with pytest.raises(TaxIdInvalidError) as refusal:
        clean_tax_id(kind(country), typed)
    assert says in refusal.value.message
    assert (refusal.value.status, refusal.value.field) == (422, "value")


def test_a_number_goes_to_the_row_the_log_stripe_and_what_is_told(world: World) -> None:
    made = add_tax_id(world.acme.actor(Role.BILLING), "DE", EU_VAT, "136695976")
    db.session.commit()
    assert (made.value, made.status, made.pushed_at) == (NUMBER, TaxIdStatus.PENDING, None)
    assert made.next_attempt_at is not None
    assert actions() == ["billing:tax-id:added"]
    assert sorted(topics()) == ["billing-details-changed", "customer-tax-ids"]


def test_a_number_without_a_register_is_not_looked_up(world: World) -> None:
    made = add_tax_id(world.acme.actor(), "US", "us_ein", "91-1144442")
    assert (made.status, made.next_attempt_at) == (TaxIdStatus.UNCHECKED, None)


def test_a_removed_number_is_a_tombstone(world: World) -> None:
    made = add_tax_id(world.globex.actor(), "DE", EU_VAT, NUMBER)
    remove_tax_id(world.globex.actor(), made.id)
    db.session.commit()
    assert list(tax_ids_of(world.globex.organization_id)) == []
    assert made.deleted_at is not None
    assert actions() == ["billing:tax-id:added", "billing:tax-id:removed"]
    assert set(topics()) == {"billing-details-changed"}  # Globex is no customer at Stripe
    assert remove_tax_id(world.globex.actor(), made.id) is made, "a second click"
    db.session.commit()
    assert len(actions()) == 2
    add_tax_id(world.globex.actor(), "DE", EU_VAT, NUMBER)


def test_the_same_number_and_a_sixth_are_refused(world: World) -> None:
    actor = world.acme.actor()
    add_tax_id(actor, "DE", EU_VAT, NUMBER)
    with pytest.raises(InvalidInputError, match="already"):
        add_tax_id(actor, "DE", EU_VAT, "136 695 976")
    for ending in range(1, MOST_TAX_IDS):
        add_tax_id(actor, "AE", "ae_trn", f"10000000000000{ending}")
    with pytest.raises(ConflictError):
        add_tax_id(actor, "US", "us_ein", "91-1144442")


@pytest.mark.parametrize(("country", "type_"), [("DE", "us_ein"), ("ZZ", EU_VAT), ("", ""), ("US", EU_VAT)])
def test_a_kind_that_the_country_does_not_have_is_refused(world: World, country: str, type_: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        add_tax_id(world.acme.actor(), country, type_, NUMBER)
    assert refusal.value.field == "type"


def test_only_what_has_a_register_is_looked_up_again(world: World) -> None:
    actor = world.acme.actor()
    listed = add_tax_id(actor, "DE", EU_VAT, NUMBER)
    listed.status, listed.next_attempt_at = TaxIdStatus.INVALID, None
    assert look_up_again(actor, listed.id).status is TaxIdStatus.PENDING
    db.session.commit()
    assert actions()[-1] == "billing:tax-id:lookup-asked"
    with pytest.raises(ConflictError):
        look_up_again(actor, add_tax_id(actor, "US", "us_ein", "91-1144442").id)


def test_another_tenants_number_is_a_missing_one(world: World) -> None:
    made = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    for verb in (remove_tax_id, look_up_again):
        with pytest.raises(NotFoundError):
            verb(world.globex.actor(), made.id)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_who_may_not_manage_billing_changes_no_number(world: World, role: Role) -> None:
    made = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    for verb in (remove_tax_id, look_up_again):
        with pytest.raises(ForbiddenError):
            verb(world.acme.actor(role), made.id)
    with pytest.raises(ForbiddenError):
        add_tax_id(world.acme.actor(role), "US", "us_ein", "91-1144442")
    assert db.session.scalar(db.select(db.func.count(TaxId.id))) == 1


def test_a_number_that_stripe_writes_otherwise_is_the_same_number(world: World) -> None:
    made = add_tax_id(world.acme.actor(), "US", "us_ein", "91-1144442")
    made.value, made.stripe_id = "911144442", "txi_1"
    with pytest.raises(InvalidInputError, match="already"):
        add_tax_id(world.acme.actor(), "US", "us_ein", "91-1144442")


def test_a_form_that_is_sent_twice_adds_once(world: World) -> None:
    actor, sent = world.acme.actor(), ("DE", EU_VAT, NUMBER, "click-1")
    first = add_tax_id(actor, *sent)
    assert add_tax_id(actor, *sent) is first
    db.session.commit()
    assert actions() == ["billing:tax-id:added"]
    with pytest.raises(InvalidInputError, match="already"):
        add_tax_id(actor, "DE", EU_VAT, NUMBER, "click-2")
    remove_tax_id(actor, first.id)
    assert add_tax_id(actor, *sent).id != first.id, "sent again after it was removed"
    assert add_tax_id(world.globex.actor(), *sent).organization_id == world.globex.organization_id


def test_at_a_closed_account_no_number_changes(world: World) -> None:
    made = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    db.session.add(StripeSync(customer_id="cus_acme", deleted_at=utcnow()))
    db.session.commit()
    with pytest.raises(ClosedCustomerError):
        add_tax_id(world.acme.actor(), "US", "us_ein", "91-1144442")
    with pytest.raises(ClosedCustomerError):
        remove_tax_id(world.acme.actor(), made.id)
    add_tax_id(world.globex.actor(), "US", "us_ein", "91-1144442")
