"""Every page that a person can come to, by endpoint, and every state that a page can be in."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.journeys.browsing import Reception, give_password, sign_in
from tests.support.totp import code_now

OWNER, CONTRACT, STAFF = "owner@acme.example", "owner@globex.example", "support@portal.example"
LEAD = "lead@portal.example"
FREELANCER, VIEWER = "both@freelance.example", "viewer@acme.example"
SETTING_UP = "liam.byrne@acme.example"
NEWCOMER, NOBODY = "owner@initech.example", "nobody@initech.example"


@dataclass(frozen=True)
class Screen:
    """A page: who opens it, where they start, and the links that lead from there to it, as selectors."""

    endpoint: str
    who: str | None
    start: str
    link: str = ""
    status: int = 200
    then: str = ""

    def open(self, reception: Reception) -> Page:
        """The page in a browser of its own."""
        options: dict[str, Any] = {"reduced_motion": "reduce", "color_scheme": "light"}
        page = reception.member(self.who, **options) if self.who else reception.visitor(**options)
        answer = page.goto(self.start)
        for link in filter(None, (self.link, self.then)):
            target = page.locator(link).first.get_attribute("href")
            assert target
            answer = page.goto(target)
        assert answer
        assert answer.status == self.status, page.url
        return page


SCREENS = (
    Screen("product.home", None, "/"),
    Screen("auth.sign_in", None, "/auth/sign-in"),
    Screen("account.profile", OWNER, "/account/profile"),
    Screen("account.profile", FREELANCER, "/account/profile"),
    Screen("account.profile", NOBODY, "/account/profile"),
    Screen("security.overview", OWNER, "/account/security"),
    Screen("security.overview", STAFF, "/account/security"),
    Screen("security.overview", NOBODY, "/account/security"),
    Screen("security.confirm", OWNER, "/account/security/confirm"),
    Screen("security.confirm", STAFF, "/account/security/confirm"),
    Screen("security.set_up", OWNER, "/account/security/second-factor"),
    Screen("security.ask_turn_off", OWNER, "/account/security/second-factor/off"),
    Screen("security.ask_turn_off", STAFF, "/account/security/second-factor/off"),
    Screen("team.members", OWNER, "/account/team"),
    Screen("team.members", VIEWER, "/account/team"),
    Screen("team.members", OWNER, "/account/team?q=nobody+at+all"),
    Screen("team.roles", OWNER, "/account/team/roles"),
    Screen("team.confirm_removal", OWNER, "/account/team", "a[href$='/remove']"),
    Screen("billing.overview", OWNER, "/account/billing"),
    Screen("billing.overview", CONTRACT, "/account/billing"),
    Screen("billing.overview", NEWCOMER, "/account/billing"),
    Screen("billing.company", OWNER, "/account/billing/company"),
    Screen("billing.company", NEWCOMER, "/account/billing/company"),
    Screen("billing.delivery", OWNER, "/account/billing/delivery"),
    Screen("billing.new_tax_id", OWNER, "/account/billing/tax-ids/new"),
    Screen("billing.new_tax_id", NEWCOMER, "/account/billing/tax-ids/new"),
    Screen("billing.confirm_tax_id_removal", OWNER, "/account/billing", "#tax-ids a[href$='/remove']"),
    Screen("billing.overview", VIEWER, "/account/billing", status=403),
    Screen("billing.choose_plan", OWNER, "/account/billing/plan"),
    Screen("billing.choose_plan", CONTRACT, "/account/billing/plan", status=409),
    Screen("usage.overview", OWNER, "/account/usage"),
    Screen("usage.overview", OWNER, "/account/usage?period=12-months"),
    Screen("usage.overview", NEWCOMER, "/account/usage"),
    Screen("invoices.list_invoices", OWNER, "/account/invoices"),
    Screen("invoices.list_invoices", CONTRACT, "/account/invoices"),
    Screen("invoices.list_invoices", NEWCOMER, "/account/invoices"),
    Screen("invoices.show_invoice", OWNER, "/account/invoices", "main td a"),
    Screen("invoices.show_invoice", CONTRACT, "/account/invoices", "main td a"),
    Screen("invoices.show_invoice", OWNER, "/account/invoices/inv_unknown", status=404),
    Screen("api_keys.list_keys", OWNER, "/account/api-keys"),
    Screen("api_keys.list_keys", NEWCOMER, "/account/api-keys"),
    Screen("api_keys.confirm_revocation", OWNER, "/account/api-keys", "a[href$='/revoke']"),
    Screen("activity.list_entries", OWNER, "/account/activity"),
    Screen("activity.list_entries", NEWCOMER, "/account/activity"),
    Screen("activity.list_entries", OWNER, "/account/activity?action=invoice&from=2020-01-01"),
    Screen("activity.list_entries", OWNER, "/account/activity?action=invoice&to=2001-01-01"),
    Screen("activity.list_entries", OWNER, "/account/activity?person=usr_unknown&from=31.3.2026", status=422),
    Screen("admin.audit_log", STAFF, "/admin/audit-log"),
    Screen("admin.audit_log", STAFF, "/admin/audit-log?organization=Nowhere", status=422),
    Screen("notifications.inbox", OWNER, "/account/notifications"),
    Screen("notifications.inbox", NEWCOMER, "/account/notifications"),
    Screen("notifications.inbox", NOBODY, "/account/notifications"),
    Screen("help.overview", OWNER, "/account/help"),
    Screen("help.overview", VIEWER, "/account/help"),
    Screen("help.overview", NOBODY, "/account/help"),
    Screen("notifications.confirm_unsubscribe", None, "/notifications/unsubscribe/unknown", status=410),
    Screen("invitation.show", None, "/invitations/unknown", status=410),
    Screen("admin.organizations", STAFF, "/admin/organizations"),
    Screen("admin.organizations", STAFF, "/admin/organizations?q=nobody+at+all"),
    Screen("admin.organization_page", STAFF, "/admin/organizations?q=acme", "main td a"),
    Screen("admin.jobs", STAFF, "/admin/jobs"),
    Screen("admin.flags", STAFF, "/admin/flags"),
    Screen("admin.flags", LEAD, "/admin/flags"),
    Screen("admin.confirm_flag_percent", LEAD, "/admin/flags", "a[href$='/percent']"),
    Screen("admin.confirm_flag_organization", LEAD, "/admin/flags", "a[href$='/organization']"),
    Screen("admin.webhooks", STAFF, "/admin/webhooks"),
    Screen("admin.webhooks", STAFF, "/admin/webhooks?status=lost&organization=Nowhere", status=422),
    Screen("admin.webhook_event", STAFF, "/admin/webhooks", "#events td a"),
    Screen(
        "admin.confirm_event_replay",
        LEAD,
        "/admin/webhooks?status=handled",
        "#events td a",
        then="a[href$='/replay']",
    ),
    Screen("admin.confirm_replay_since", LEAD, "/admin/webhooks/replay"),
    Screen("admin.confirm_reconciliation", LEAD, "/admin/webhooks/reconcile"),
    Screen("admin.reconciliation", STAFF, "/admin/webhooks/reconciliations/rec_unknown", status=404),
    Screen(
        "admin.confirm_document", LEAD, "/admin/organizations?q=globex", "main td a", then="a[href$='/new']"
    ),
    Screen(
        "admin.confirm_document_removal",
        LEAD,
        "/admin/organizations?q=globex",
        "main td a",
        then="#documents a[href$='/remove']",
    ),
    Screen("admin.deflection", STAFF, "/admin/deflection"),
    Screen("admin.deflection", STAFF, "/admin/deflection?quarter=soon", status=422),
    Screen("admin.ticket_audits", STAFF, "/admin/deflection/audits"),
    Screen("admin.new_ticket_audit", LEAD, "/admin/deflection/audits/new"),
    Screen("admin.ticket_audit", STAFF, "/admin/deflection/audits", "main td a"),
    Screen("admin.inbox_tickets", STAFF, "/admin/deflection/tickets"),
    Screen("admin.inbox_tickets", LEAD, "/admin/deflection/tickets?show=any"),
    Screen("admin.inbox_tickets", STAFF, "/admin/deflection/tickets?show=lost&reason=none", status=422),
    Screen("admin.notifications", STAFF, "/admin/notifications"),
    Screen("admin.confirm_dead_letter", STAFF, "/admin/notifications/1/resend", status=403),
    Screen("admin.organization_page", STAFF, "/admin/organizations?q=globex", "main td a"),
    Screen("admin.organization_page", LEAD, "/admin/organizations?q=acme", "main td a"),
    Screen("admin.confirm_view", STAFF, "/admin/organizations?q=acme", "main td a", then="a[href$='/view']"),
    Screen(
        "admin.confirm_invitation",
        LEAD,
        "/admin/organizations?q=acme",
        "main td a",
        then="a[href$='/resend']",
    ),
    Screen(
        "admin.confirm_sign_out",
        LEAD,
        "/admin/organizations?q=acme",
        "main td a",
        then="a[href$='/sign-out']",
    ),
    Screen(
        "admin.confirm_payment", LEAD, "/admin/organizations?q=globex", "main td a", then="a[href$='/paid']"
    ),
    Screen(
        "admin.confirm_customer_class",
        LEAD,
        "/admin/organizations?q=acme",
        "main td a",
        then="a[href$='/class']",
    ),
    Screen("admin.confirm_replay", LEAD, "/admin/organizations/unknown/events/unknown/replay", status=404),
    Screen("admin.confirm_message", LEAD, "/admin/organizations/unknown/messages/1/resend", status=404),
    Screen(
        "admin.confirm_recovery", LEAD, "/admin/organizations/unknown/people/unknown/recovery", status=404
    ),
    Screen(
        "admin.confirm_approval", LEAD, "/admin/organizations/unknown/recoveries/unknown/approve", status=404
    ),
    Screen(
        "admin.confirm_cancelling", LEAD, "/admin/organizations/unknown/recoveries/unknown/cancel", status=404
    ),
    Screen("recovery.show", None, "/recoveries/unknown", status=410),
)
# Addresses that lead on: the endpoint, who asks, for what, and where they end.
REDIRECTS = (
    ("account.start", OWNER, "/account", "/account/team"),
    ("account.start", NOBODY, "/account", "/account/profile"),
    ("account.start", STAFF, "/account", "/admin/organizations"),
    ("account.sessions", OWNER, "/account/sessions", "/account/security#devices"),
    ("auth.second_factor", OWNER, "/auth/second-factor", "/account/team"),
    ("account.old_settings", OWNER, "/settings", "/account/profile"),
    ("account.old_settings", OWNER, "/settings/members", "/account/team"),
    ("account.old_settings", OWNER, "/settings/never-was", "/account/team"),
    ("notifications.bell", OWNER, "/account/notifications/bell", "/account/notifications"),
    ("billing.tax_ids", OWNER, "/account/billing/tax-ids", "/account/billing#tax-ids"),
    ("billing.card_status", OWNER, "/account/billing/card", "/account/billing"),
    ("billing.pay", OWNER, "/account/billing/pay", "/account/billing"),
    ("admin.start", STAFF, "/admin", "/admin/organizations"),
)
# Addresses without a page: files, answers for machines, and the frame that lives in the product's page.
NO_PAGES = {
    "static",
    "ops.brand",
    "ops.healthz",
    "ops.readyz",
    "ops.metrics",
    "usage.export",
    "activity.list_entries_file",
    "admin.audit_log_file",
    "invoices.invoice_pdf",
    "billing.contract_document",
    "admin.deflection_csv",
    "admin.document_file",
    "admin.ticket_audit_file",
    "api.nudge",
    "nudges.frame",
}


def menu(label: str) -> Callable[[Page], None]:
    """Opens a menu by keyboard."""

    def open_menu(page: Page) -> None:
        page.get_by_label(label).first.press("Enter")
        expect(page.locator("details[open] .menu__panel")).to_be_visible()

    return open_menu


def dialog(link: str) -> Callable[[Page], None]:
    """Opens the dialog behind a link."""

    def open_dialog(page: Page) -> None:
        page.locator(link).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()

    return open_dialog


def narrow_menu(page: Page) -> None:
    """The navigation on a phone."""
    page.set_viewport_size({"width": 360, "height": 740})
    menu("Menu")(page)


def refused(button: str, **fields: str) -> Callable[[Page], None]:
    """A form that comes back with messages beside its fields."""

    def send(page: Page) -> None:
        for label, value in fields.items():
            page.get_by_label(label.replace("_", " "), exact=True).fill(value)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.locator("[aria-invalid=true]").first).to_be_visible()

    return send


def refused_role(page: Page) -> None:
    """The last owner's row with the reason in it."""
    page.get_by_role("row").filter(has_text="Matthias Keller").get_by_role("combobox").select_option("admin")
    expect(page.get_by_text("Make somebody else an owner first.").first).to_be_visible()


def new_key(page: Page) -> None:
    """The one time that a key is shown."""
    page.get_by_label("Name").fill("Key for looking at")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your new key")


def second_step(page: Page) -> None:
    """Where the password was right."""
    give_password(page, STAFF)
    expect(page).to_have_url(re.compile("/auth/second-factor$"))


def refused_second_step(page: Page) -> None:
    """A wrong code."""
    second_step(page)
    refused("Sign in", Code="000000")(page)


def recovery_step(page: Page) -> None:
    """For who has lost the app."""
    second_step(page)
    page.get_by_role("link", name="Use a recovery code").click()
    expect(page.get_by_text("It works once")).to_be_visible()


def setting_up(page: Page) -> None:
    """The secret to scan, for somebody who has just signed in."""
    sign_in(page, SETTING_UP)
    page.goto("/account/security/second-factor")
    expect(page.get_by_role("img", name="QR code")).to_be_visible()


def recovery_codes(page: Page) -> None:
    """The one time that recovery codes are shown."""
    setting_up(page)
    key = page.locator("#secret").inner_text().replace(" ", "")
    page.get_by_label("Code from the app").fill(code_now(key))
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("#recovery-codes")).to_be_visible()
    page.get_by_label("One of your codes").fill("no such code")


def usage_table(page: Page) -> None:
    """The figures behind the chart."""
    page.get_by_text("Show as a table").click()
    expect(page.locator("figure table")).to_be_visible()


@dataclass(frozen=True)
class State:
    """A page after something was done on it."""

    name: str
    who: str | None
    start: str
    do: Callable[[Page], None]


STATES = (
    State("account menu", OWNER, "/account/profile", menu("Your account")),
    State("organization switcher", FREELANCER, "/account/team", menu("Switch")),
    State("invitation's actions", OWNER, "/account/team", menu("Actions for the invitation")),
    State("navigation on a phone", OWNER, "/account/team", narrow_menu),
    State("staff navigation on a phone", STAFF, "/admin/organizations", narrow_menu),
    State("removal dialog", OWNER, "/account/team", dialog("tr:has-text('Wen Li') a[href$='/remove']")),
    State("leaving dialog", OWNER, "/account/team", dialog("a:has-text('Leave')")),
    State("revocation dialog", OWNER, "/account/api-keys", dialog("a[href$='/revoke']")),
    State(
        "refused sign-in", None, "/auth/sign-in", refused("Sign in", Email="a@b.example", Password="wrong")
    ),
    State("empty sign-in", None, "/auth/sign-in", refused("Sign in")),
    State("second step", None, "/auth/sign-in", second_step),
    State("refused second step", None, "/auth/sign-in", refused_second_step),
    State("second step with a recovery code", None, "/auth/sign-in", recovery_step),
    State("setting up a second factor", None, "/auth/sign-in", setting_up),
    State("recovery codes", None, "/auth/sign-in", recovery_codes),
    State(
        "refused password",
        OWNER,
        "/account/security",
        refused("Change password", Present_password="wrong", New_password="short"),
    ),
    State("refused invitation", OWNER, "/account/team", refused("Send invitation", Email="nobody")),
    State(
        "refused details",
        OWNER,
        "/account/billing/delivery",
        refused("Save invoice delivery", Billing_email="x"),
    ),
    State(
        "refused address", OWNER, "/account/billing/company", refused("Save company details", Legal_name="")
    ),
    State("refused tax ID", OWNER, "/account/billing/tax-ids/new", refused("Add tax ID", Number="1")),
    State("refused key", OWNER, "/account/api-keys", refused("Create key")),
    State("refused role", CONTRACT, "/account/team", refused_role),
    State("new key", NEWCOMER, "/account/api-keys", new_key),
    State("usage table", OWNER, "/account/usage", usage_table),
)
INVITATION = re.compile(r"http://\S+(/invitations/\S+)")
