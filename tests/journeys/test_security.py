"""Second factor, password and devices, as a person goes through them."""

import re

from playwright.sync_api import Page, expect

from tests.journeys.browsing import Reception, give_code, give_password, open_screen, row_of, said, sign_in
from tests.journeys.running import Portal
from tests.support.totp import code_now, fresh_code_at

STAFF = "lead@portal.example"
# Whose account each of the two runs changes; nobody else's journey needs them.
FACTORS = {True: "tariq.hussain@acme.example", False: "uma.pillai@acme.example"}
PASSWORDS = {True: "viktor.szabo@acme.example", False: "ximena.rojas@acme.example"}
NEW = "a quite different one"
CODE = re.compile(r"(?:[2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}")


def switch_on(page: Page) -> tuple[str, list[str]]:
    """From the security screen; the app's secret and the recovery codes."""
    page.get_by_role("link", name="Set up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    key = page.locator("#secret").inner_text().replace(" ", "")
    page.get_by_label("Code from the app").fill(code_now(key))
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The second factor is on")
    return key, CODE.findall(page.locator("#recovery-codes").inner_text())


def sign_out(page: Page) -> None:
    """By the menu of the account."""
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    said(page, "You are signed out.")


def test_a_second_factor_is_set_up_used_recovered_and_switched_off(
    reception: Reception, portal: Portal, script: bool
) -> None:
    email = FACTORS[script]
    page = reception.guest(email, script=script)
    open_screen(page, "Security")
    key, codes = switch_on(page)
    assert len(set(codes)) == 10
    page.get_by_label("One of your codes").fill(codes[9])
    page.get_by_role("button", name="Check").click()
    said(page, "Your recovery codes are kept.")
    expect(page.locator("#codes")).to_contain_text("10 of 10 left")
    assert codes[0] not in page.content()
    portal.mails.wait_for_mail(email, subject="second factor is on")

    sign_out(page)
    give_password(page, email)
    give_code(page, "000000")
    expect(page.get_by_label("Code")).to_have_accessible_description(re.compile("does not fit"))
    give_code(page, fresh_code_at(portal.database_url, email, key))
    expect(page.get_by_role("heading", level=1)).to_have_text("Team")

    sign_out(page)
    give_password(page, email)
    page.get_by_role("link", name="Use a recovery code").click()
    give_code(page, codes[0].lower())
    expect(page.get_by_role("heading", level=1)).to_have_text("Team")
    open_screen(page, "Security")
    expect(page.locator("#codes")).to_contain_text("9 of 10 left")
    portal.mails.wait_for_mail(email, subject="recovery code was used")

    page.get_by_role("link", name="Switch off").click()
    page.get_by_label("Your password").fill("portal demo 2026")
    page.get_by_label("Code").fill(fresh_code_at(portal.database_url, email, key))
    page.get_by_role("button", name="Switch off").click()
    said(page, "The second factor is off.")
    sign_out(page)
    sign_in(page, email)


def test_staff_type_a_code_and_what_they_wanted_to_see_opens(
    reception: Reception, portal: Portal, script: bool
) -> None:
    page = reception.visitor(script=script)
    page.goto("/admin/organizations?q=acme")
    page.get_by_label("Email").fill(STAFF)
    page.get_by_label("Password").fill("portal demo 2026")
    page.get_by_role("button", name="Sign in").click()
    give_code(page, fresh_code_at(portal.database_url, STAFF))
    expect(page).to_have_url(re.compile(r"/admin/organizations\?q=acme$"))


def test_a_new_password_signs_other_devices_out_and_is_told(
    reception: Reception, portal: Portal, script: bool
) -> None:
    email = PASSWORDS[script]
    elsewhere, page = reception.guest(email, script=script), reception.guest(email, script=script)
    portal.mails.wait_for_mail(email, subject="New sign-in")
    open_screen(page, "Security")
    expect(page.locator("#devices tbody tr")).to_have_count(2)
    page.get_by_label("Present password").fill("wrong")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_label("Present password")).to_have_accessible_description(
        re.compile("not your password")
    )
    page.get_by_label("Present password").fill("portal demo 2026")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    said(page, "Your password is changed.")
    expect(page.locator("#devices tbody tr")).to_have_count(1)
    elsewhere.goto("/account/team")
    expect(elsewhere).to_have_url(re.compile("/auth/sign-in"))
    portal.mails.wait_for_mail(email, subject="password was changed")
    sign_out(page)
    sign_in(page, email, NEW)


def test_another_device_is_signed_out_from_here(reception: Reception, script: bool) -> None:
    email = "paulo.sousa@acme.example"
    elsewhere = reception.guest(
        email, script=script, user_agent="Mozilla/5.0 (iPhone) Version/19.0 Safari/605.1"
    )
    page = reception.guest(email, script=script)
    open_screen(page, "Security")
    row_of(page, "Safari on iPhone").first.get_by_role("button", name="Sign out").click()
    said(page, "The device is signed out.")
    expect(row_of(page, "Safari on iPhone")).to_have_count(0)
    elsewhere.reload()
    expect(elsewhere).to_have_url(re.compile("/auth/sign-in"))
