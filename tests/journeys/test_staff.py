"""What support sees and leads do, from signing in to what the customer sees of it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, create_engine, text

from portal.kit.clock import utcnow
from tests.journeys.browsing import Reception, open_screen, row_of, said
from tests.journeys.running import Portal
from tests.journeys.test_screens import assert_sound
from tests.support.processes import wait_until

SUPPORT, LEAD, OWNER = "support@portal.example", "lead@portal.example", "owner@acme.example"
REASON = "Ticket 4711: cannot find the invoice of May"
# Nobody else's journey needs them; one for each of the two runs.
SIGNED_OUT = {True: "Olga Petrova", False: "Paulo Sousa"}
STOPPED, FINISHED = "quentin.marchal@acme.example", "rosa.jimenez@acme.example"
LINK = re.compile(r"http://\S+/recoveries/\S+")


@pytest.fixture
def engine(portal: Portal) -> Iterator[Engine]:
    """The portal's database."""
    engine = create_engine(portal.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def second_lead(engine: Engine) -> Iterator[str]:
    """Somebody of the support, who is a lead for the length of a test."""
    promote = text("UPDATE users SET staff_role = :role WHERE email = :email")
    with engine.begin() as connection:
        connection.execute(promote, {"role": "lead", "email": SUPPORT})
    yield SUPPORT
    with engine.begin() as connection:
        connection.execute(promote, {"role": "support", "email": SUPPORT})


def open_file(page: Page, search: str = "acme") -> None:
    """An organization's page, by the search."""
    page.goto(f"/admin/organizations?q={search}")
    page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()


def give_reason(page: Page, button: str) -> None:
    """Fill the question in, as a dialog or as a page."""
    place = page.get_by_role("dialog").or_(page.get_by_role("main")).last
    place.get_by_label("Reason").fill(REASON)
    place.get_by_role("button", name=button).click()


def test_support_finds_by_what_the_customer_names_and_changes_nothing(
    reception: Reception, engine: Engine
) -> None:
    page = reception.member(SUPPORT)
    with engine.connect() as connection:
        prefix = connection.scalar(text("SELECT prefix FROM api_keys WHERE name = 'Nightly export'"))
        number = connection.scalar(text("SELECT number FROM invoices WHERE source = 'stripe' LIMIT 1"))
        member = connection.scalar(
            text("SELECT m.id FROM memberships m JOIN users u ON u.id = m.user_id LIMIT 1")
        )
    for search, reason in (
        (prefix, f"Key {prefix}"),
        (number, f"Invoice {number}"),
        ("viewer@acme", "Member viewer"),
    ):
        page.goto(f"/admin/organizations?q={search}")
        expect(row_of(page, "Acme")).to_contain_text(reason)
    open_file(page)
    for action in ("Send again", "Record payment", "Actions for", "Handle again"):
        expect(page.get_by_label(action)).to_have_count(0)
    answer = page.goto(f"{page.url.partition('#')[0]}/people/{member}/sign-out")
    assert answer
    assert answer.status == 403


def test_a_lead_acts_with_a_reason_and_the_customer_reads_it(
    reception: Reception, portal: Portal, script: bool
) -> None:
    name = SIGNED_OUT[script]
    email = name.lower().replace(" ", ".") + "@acme.example"
    theirs = reception.guest(email, script=script)
    page = reception.guest(LEAD, script=script)
    open_file(page)
    while not page.get_by_text(email).count():
        page.locator("#people").get_by_role("link", name="Older").click()
    page.get_by_label(f"Actions for {name}").click()
    row_of(page, email).get_by_role("link", name="Sign out everywhere").click()
    give_reason(page, "Sign out everywhere")
    said(page, "They are signed out everywhere.")
    expect(page.locator("#timeline")).to_contain_text(f"signed {email} out on every device")
    theirs.goto("/account/team")
    expect(theirs).to_have_url(re.compile("/auth/sign-in"))
    assert REASON in portal.mails.wait_for_mail(email, subject="You were signed out")["text"]
    owner = reception.member(OWNER, script=script)
    owner.goto("/account/activity")
    entry = owner.get_by_role("listitem").filter(has_text=f"signed {email} out on every device").first
    expect(entry).to_contain_text("Lena Brandt")
    expect(entry).to_contain_text(REASON)


def test_a_reason_that_is_too_short_comes_back(reception: Reception, script: bool) -> None:
    page = reception.member(LEAD, script=script)
    open_file(page)
    page.get_by_role("link", name="View as customer").click()
    place = page.get_by_role("dialog").or_(page.get_by_role("main")).last
    place.get_by_label("Reason").fill("why")
    place.get_by_role("button", name="Start the view").click()
    field = page.get_by_label("Reason")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("why")
    expect(field).to_have_accessible_description(re.compile("at least 5 characters"))


def test_support_views_as_the_customer_and_can_change_nothing(
    reception: Reception, portal: Portal, script: bool
) -> None:
    page = reception.guest(SUPPORT, script=script)
    open_file(page)
    page.get_by_role("link", name="View as customer").click()
    give_reason(page, "Start the view")
    strip = page.get_by_role("region", name="View of a customer")
    for screen in ("Team", "Billing", "Usage", "Invoices", "API keys", "Activity"):
        open_screen(page, screen)
        expect(strip).to_contain_text(re.compile(r"You see what an owner of Acme.* sees\."))
        expect(strip).to_contain_text(re.compile(r"Ends in \d+ minutes"))
    expect(page.get_by_role("navigation").get_by_role("link", name="Profile")).to_have_count(0)
    page.goto("/account/api-keys")
    page.get_by_label("Name").fill("A key of the staff")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_text(re.compile(r"You are viewing Acme.* read-only\.")).first).to_be_visible()
    page.goto("/account/api-keys")
    expect(page.get_by_text("A key of the staff")).to_have_count(0)
    with page.expect_download() as download:
        page.goto("/account/usage")
        page.get_by_role("link", name=re.compile("CSV")).click()
    assert download.value.suggested_filename.endswith(".csv")
    strip.get_by_role("button", name="End view").click()
    said(page, "You no longer view Acme")
    answer = page.goto("/account/team")
    assert answer
    assert answer.status == 403
    owner = reception.member(OWNER)
    owner.goto("/account/activity")
    entry = owner.get_by_role("listitem").filter(has_text="started to view Acme").first
    expect(entry).to_contain_text("Sam Carter")
    expect(entry).to_contain_text(REASON)
    expect(owner.get_by_role("listitem").filter(has_text="ended the read-only view").first).to_be_visible()
    assert REASON in portal.mails.wait_for_mail(OWNER, subject="looked at")["text"]


@pytest.mark.parametrize(
    "path", ["/account/team", "/account/api-keys", "/account/invoices", "/account/profile"]
)
def test_pages_inside_a_view_are_sound(reception: Reception, path: str) -> None:
    page = reception.guest(SUPPORT, reduced_motion="reduce", color_scheme="light")
    open_file(page)
    page.goto(f"{page.url.partition('#')[0]}/view")
    give_reason(page, "Start the view")
    page.goto(path)
    assert_sound(page)


def give_second_factor(engine: Engine, email: str) -> None:
    """As if they had set one up; nobody knows its codes."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO second_factors (user_id, secret, confirmed_at, last_step)"
                " SELECT id, 'sealed', :now, 0 FROM users WHERE email = :email"
            ),
            {"now": utcnow().replace(tzinfo=None), "email": email},
        )


def ask_for(reception: Reception, email: str) -> Page:
    """A lead asks for the recovery of somebody's account."""
    page = reception.member(LEAD)
    open_file(page)
    while not page.get_by_text(email).count():
        page.locator("#people").get_by_role("link", name="Older").click()
    row = row_of(page, email)
    row.get_by_label("Actions for").click()
    row.get_by_role("link", name="Recover the account").click()
    give_reason(page, "Ask for recovery")
    said(page, "Asked. Another lead has to approve.")
    expect(page.locator("#recoveries")).to_contain_text(email)
    return page


def test_the_person_stops_a_recovery_by_the_mails_link(
    reception: Reception, portal: Portal, engine: Engine
) -> None:
    give_second_factor(engine, STOPPED)
    page = ask_for(reception, STOPPED)
    expect(page.locator("#recoveries").get_by_role("link", name="Approve")).to_have_count(0)
    assert_sound(page)
    found = LINK.search(portal.mails.wait_for_mail(STOPPED)["text"])
    assert found
    visitor = reception.visitor(reduced_motion="reduce", color_scheme="light")
    visitor.goto(found[0])
    assert_sound(visitor)
    visitor.get_by_role("button", name="Stop it").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("It is stopped")
    page.reload()
    expect(page.locator("#recoveries")).to_have_count(0)
    answer = visitor.goto(found[0])
    assert answer
    assert answer.status == 410


def test_two_leads_and_a_day_take_the_second_factor_off(
    reception: Reception, portal: Portal, engine: Engine, second_lead: str
) -> None:
    give_second_factor(engine, FINISHED)
    ask_for(reception, FINISHED)
    page = reception.guest(second_lead)
    open_file(page)
    page.get_by_role("link", name=f"Approve the recovery of {FINISHED}").click()
    give_reason(page, "Approve")
    said(page, "Approved. The second factor is removed in 24 hours.")
    assert LINK.search(portal.mails.wait_for_mail(FINISHED, subject="will be taken off")["text"])
    with engine.begin() as connection:  # the day has passed
        earlier = (utcnow() - timedelta(seconds=1)).replace(tzinfo=None)
        connection.execute(
            text("UPDATE recoveries SET due_at = :at WHERE due_at IS NOT NULL"), {"at": earlier}
        )
    count = text(
        "SELECT count(*) FROM second_factors f JOIN users u ON u.id = f.user_id WHERE u.email = :email"
    )

    def is_gone() -> bool:
        with engine.connect() as connection:
            return connection.scalar(count, {"email": FINISHED}) == 0

    wait_until("the second factor is taken off", is_gone, seconds=60)
    open_file(page)
    expect(page.locator("#timeline")).to_contain_text(f"removed the second factor of {FINISHED}")
