"""Every page, and every state of a page, in both themes and both widths: readable by everybody, nothing cut off."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.conftest import make_settings
from tests.journeys.browsing import Reception
from tests.journeys.running import Portal
from tests.journeys.screens import INVITATION, NO_PAGES, OWNER, REDIRECTS, SCREENS, STATES, Screen, State
from tests.support.browser import assert_no_axe_violations
from wsgi import create_app

PHONE: ViewportSize = {"width": 360, "height": 740}
ZOOMED: ViewportSize = {"width": 640, "height": 400}  # 1280 by 800 at 200 %
# A colour that is on its way from one theme to the other is neither.
SETTLED = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const ends = document.getAnimations().map((animation) => animation.finished);
  await Promise.race([Promise.allSettled(ends), new Promise((done) => setTimeout(done, 1000))]);
}"""
FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def assert_sound(page: Page) -> None:
    """A title, one h1, no barrier in light on a desk nor in dark on a phone, nothing to scroll sideways."""
    assert re.search(r"\S", page.title())
    assert page.locator("h1").count() == 1
    expect(page.locator("h1")).not_to_be_empty()
    assert_no_axe_violations(page)
    page.set_viewport_size(ZOOMED)
    assert page.evaluate(FITS), f"{page.url} is too wide at 200 %"
    page.set_viewport_size(PHONE)
    assert page.evaluate(FITS), f"{page.url} is too wide at 360 px"
    page.emulate_media(color_scheme="dark")
    page.evaluate(SETTLED)
    assert_no_axe_violations(page)


def test_every_page_of_the_address_map_is_looked_at(tmp_path: Path) -> None:
    app = create_app(make_settings(f"sqlite:///{tmp_path / 'never-made.sqlite'}"))
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert (
        pages == {screen.endpoint for screen in SCREENS} | {endpoint for endpoint, *_ in REDIRECTS} | NO_PAGES
    )


@pytest.mark.usefixtures("other_people")
@pytest.mark.parametrize(("who", "address", "end"), [case[1:] for case in REDIRECTS])
def test_an_address_leads_on(reception: Reception, who: str, address: str, end: str) -> None:
    page = reception.member(who)
    page.goto(address)
    expect(page).to_have_url(re.compile(f"{end}$"))


def name_of(case: Screen | State) -> str:
    """For the list of tests."""
    return case.name if isinstance(case, State) else f"{case.start} {case.link} {case.who}"


@pytest.mark.usefixtures("other_people")
@pytest.mark.parametrize("screen", SCREENS, ids=name_of)
def test_a_page_is_sound(reception: Reception, screen: Screen) -> None:
    assert_sound(screen.open(reception))


@pytest.mark.usefixtures("other_people")
@pytest.mark.parametrize("state", STATES, ids=name_of)
def test_a_state_of_a_page_is_sound(reception: Reception, state: State) -> None:
    page = Screen("", state.who, state.start).open(reception)
    state.do(page)
    assert_sound(page)


@pytest.mark.parametrize("who", [None, OWNER], ids=["visitor", "somebody else"])
def test_the_invitation_page_is_sound(reception: Reception, portal: Portal, who: str | None) -> None:
    found = INVITATION.search(portal.mails.wait_for_mail("zoe.martin@acme.example")["text"])
    assert found
    assert_sound(Screen("invitation.show", who, found[1]).open(reception))


def test_the_first_tab_stop_skips_to_the_content(reception: Reception) -> None:
    page = Screen("team.members", OWNER, "/account/team").open(reception)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("label", ["Your account", "Actions for the invitation"])
def test_a_menu_works_by_keyboard_and_gives_the_focus_back(reception: Reception, label: str) -> None:
    page = Screen("team.members", OWNER, "/account/team").open(reception)
    button = page.get_by_label(label).first
    button.focus()
    page.keyboard.press("Enter")
    panel = page.locator("details[open] .menu__panel")
    expect(panel).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('.menu__panel') !== null")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(button).to_be_focused()


def test_a_dialog_takes_the_focus_and_gives_it_back(reception: Reception) -> None:
    page = Screen("team.members", OWNER, "/account/team").open(reception)
    opener = page.get_by_role("link", name="Remove Wen Li")
    for way_out in ("Escape", "Enter"):
        opener.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Remove Wen Li?")
        expect(dialog).to_be_visible()
        assert page.evaluate("document.activeElement.closest('dialog') !== null")
        if way_out == "Enter":
            dialog.get_by_role("link", name="Cancel").focus()
        page.keyboard.press(way_out)
        expect(dialog).to_have_count(0)
        expect(opener).to_be_focused()
