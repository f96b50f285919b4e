"""Keys, organizations, appearance, signing out, and what staff see."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.browsing import Reception, open_screen, row_of, said


def test_a_key_is_shown_once_and_can_be_revoked(reception: Reception, script: bool) -> None:
    name = f"Key made {'with' if script else 'without'} script"
    page = reception.guest("member@acme.example", script=script)
    open_screen(page, "API keys")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create key").click()
    secret = page.locator("#new-key").inner_text()
    assert len(secret) > 30
    page.get_by_role("link", name="I have copied it").click()
    row = row_of(page, name)
    expect(row).to_contain_text("Works")
    expect(row).to_contain_text(secret[:8])
    page.reload()
    assert secret not in page.content()
    row.get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke key").click()
    said(page, f"{name} is revoked.")
    expect(row_of(page, name)).to_contain_text("Revoked")


def test_a_key_without_a_name_is_refused_beside_its_field(reception: Reception, script: bool) -> None:
    page = reception.member("member@acme.example", script=script)
    page.goto("/account/api-keys")
    page.get_by_role("button", name="Create key").click()
    field = page.get_by_label("Name")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(r"Write a name\."))


def switch_to(page: Page, name: str) -> None:
    """By the switcher in the top bar."""
    page.get_by_label("Switch").click()
    page.get_by_role("banner").get_by_role("button", name=name).click()
    said(page, f"You are now looking at {name}")


def test_somebody_in_two_organizations_switches_between_them(reception: Reception, script: bool) -> None:
    page = reception.guest("both@freelance.example", script=script)
    for name, colleague in (("Globex Logistik", "Emre Aydin"), ("Acme Robotics", "Daniel Weiss")):
        if name not in page.get_by_label("Switch").inner_text():
            switch_to(page, name)
        open_screen(page, "Team")
        expect(row_of(page, colleague)).to_be_visible()
    switch_to(page, "Globex Logistik")
    expect(page.get_by_label("Switch")).to_contain_text("Globex")


def test_the_chosen_appearance_stays(reception: Reception, script: bool) -> None:
    page = reception.guest("viewer@acme.example", script=script, color_scheme="light")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.get_by_label("Your account").click()
    with page.expect_response("**/account/appearance"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/account/profile")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(background) != light
    page.get_by_label("Your account").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


def test_after_signing_out_the_back_button_shows_nothing(reception: Reception, script: bool) -> None:
    page = reception.guest("viewer@acme.example", script=script)
    open_screen(page, "Team")
    answer = page.reload()
    assert answer
    assert answer.headers["cache-control"] == "no-store"
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()
    said(page, "You are signed out.")
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "Amara Okafor" not in page.content()


def test_a_new_name_is_seen_by_the_team(reception: Reception, script: bool) -> None:
    name = "Sven Ólafsson" if script else "Sven Öst"
    page = reception.guest("sven.olsson@acme.example", script=script)
    page.goto("/account/profile")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save name").click()
    said(page, "Your name is saved.")
    open_screen(page, "Team")
    expect(row_of(page, "sven.olsson@acme.example")).to_contain_text(name)


def test_staff_look_a_customer_up(reception: Reception, script: bool) -> None:
    page = reception.guest("support@portal.example", script=script)
    page.goto("/admin")
    box = page.get_by_role("searchbox")
    box.fill("acme")
    if not script:
        box.press("Enter")
    expect(page.locator("#organizations tbody tr")).to_have_count(1)
    page.get_by_role("link", name=re.compile("Acme")).click()
    main = page.get_by_role("main")
    for text in ("Amara Okafor", "cus_", "Nightly export", "Pro", re.compile(r"(Mastercard|Visa) \d{4}")):
        expect(main).to_contain_text(text)
    customer = reception.member("owner@globex.example", script=script)
    answer = customer.goto(page.url)
    assert answer
    assert answer.status == 404
