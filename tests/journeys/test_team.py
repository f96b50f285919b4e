"""Inviting, changing a role, removing: from signing in to what is seen afterwards."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.browsing import Reception, open_screen, row_of, said
from tests.journeys.running import Portal

LINK = re.compile(r"http://\S+/invitations/\S+")
NEW_PASSWORD = "four words make one"
ROLE_CHANGES = {True: "Femi Adeyemi", False: "Greta Holm"}
# Whose removal each of the two runs ends; nobody else's journey needs them.
REMOVALS = {True: ("Hiro Tanaka", "hiro.tanaka"), False: ("Ines Carvalho", "ines.carvalho")}


def choose_role(page: Page, name: str, role: str, *, script: bool) -> None:
    """With script the choice is sent at once; without there is a button for it."""
    row = row_of(page, name)
    row.get_by_role("combobox").select_option(role)
    if not script:
        row.get_by_role("button", name="Save").click()


def test_an_invited_teammate_joins_by_the_mails_link(
    reception: Reception, portal: Portal, script: bool
) -> None:
    email = f"invited-{'script' if script else 'plain'}@newcomer.example"
    owner = reception.guest("owner@acme.example", script=script)
    open_screen(owner, "Team")
    owner.get_by_label("Email", exact=True).fill(email)
    owner.get_by_label("Role", exact=True).select_option("Viewer")
    owner.get_by_role("button", name="Send invitation").click()
    said(owner, f"An invitation is on its way to {email}.")
    found = LINK.search(portal.mails.wait_for_mail(email)["text"])
    assert found
    newcomer = reception.visitor(script=script)
    newcomer.goto(found[0])
    newcomer.get_by_label("Your name").fill("Nora Newcomer")
    newcomer.get_by_label("Choose a password").fill(NEW_PASSWORD)
    newcomer.get_by_role("button", name="Create account and join").click()
    said(newcomer, "Welcome to Acme Robotics")
    open_screen(newcomer, "Team")
    expect(row_of(newcomer, email)).to_contain_text("Viewer")
    again = reception.visitor(script=script)
    again.goto(found[0])
    expect(again.get_by_role("main")).to_contain_text("no longer good")


def test_a_short_password_is_refused_beside_its_field(
    reception: Reception, portal: Portal, script: bool
) -> None:
    link = LINK.search(portal.mails.wait_for_mail("zoe.martin@acme.example")["text"])
    assert link
    page = reception.visitor(script=script)
    page.goto(link[0])
    page.get_by_label("Your name").fill("Zoé Martin")
    page.get_by_label("Choose a password").fill("short")
    page.get_by_role("button", name="Create account and join").click()
    field = page.get_by_label("Choose a password")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("Use at least 15 characters"))
    expect(page.get_by_label("Your name")).to_have_value("Zoé Martin")


def test_a_role_changes_and_its_owner_is_told(reception: Reception, portal: Portal, script: bool) -> None:
    name = ROLE_CHANGES[script]
    page = reception.guest("owner@acme.example", script=script)
    open_screen(page, "Team")
    page.evaluate("window.sameDocument = true")
    choose_role(page, name, "viewer", script=script)
    said(page, f"{name} is now viewer.")
    expect(row_of(page, name).get_by_role("combobox")).to_have_value("viewer")
    assert bool(page.evaluate("window.sameDocument")) == script  # with script the page is not loaded again
    page.reload()
    expect(row_of(page, name).get_by_role("combobox")).to_have_value("viewer")
    email = name.lower().replace(" ", ".") + "@acme.example"
    assert "Now: Viewer" in portal.mails.wait_for_mail(email, subject="You are now a viewer")["text"]


def test_the_last_owner_stays_owner_and_the_page_says_why(reception: Reception, script: bool) -> None:
    page = reception.member("owner@globex.example", script=script)
    page.goto("/account/team")
    choose_role(page, "Matthias Keller", "admin", script=script)
    row = row_of(page, "Matthias Keller")
    said(page, "Every organization needs an owner.")
    expect(row.get_by_role("combobox")).to_have_value("owner")
    if script:
        expect(row).to_contain_text("Make somebody else an owner first.")
        expect(row.get_by_role("combobox")).to_have_accessible_description(re.compile("needs an owner"))


def test_a_removed_member_is_out_with_the_next_request(
    reception: Reception, portal: Portal, script: bool
) -> None:
    name, local_part = REMOVALS[script]
    email = f"{local_part}@acme.example"
    theirs = reception.guest(email, script=script)
    open_screen(theirs, "Team")
    page = reception.guest("admin@acme.example", script=script)
    open_screen(page, "Team")
    row_of(page, name).get_by_role("link", name=f"Remove {name}").click()
    page.get_by_role("button", name=f"Remove {name}").click()
    said(page, f"{name} is no longer in the team.")
    expect(row_of(page, email)).to_have_count(0)
    answer = theirs.reload()
    assert answer
    assert answer.status == 403
    assert portal.mails.wait_for_mail(email, subject="Acme")


def test_search_finds_by_name_and_says_when_there_is_nobody(reception: Reception, script: bool) -> None:
    page = reception.member("viewer@acme.example", script=script)
    page.goto("/account/team")
    box = page.get_by_role("searchbox")
    box.fill("szab")
    if not script:
        box.press("Enter")
    expect(page.locator("#members tbody tr")).to_have_count(1)
    expect(row_of(page, "Viktor Szabó")).to_be_visible()
    page.get_by_role("searchbox").fill("nobody at all")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", name="Nobody found")).to_be_visible()
