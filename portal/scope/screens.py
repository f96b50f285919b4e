"""Which screens exist, in the order of the navigation, which of them a role can open, and which a route belongs to."""

from collections.abc import Container
from dataclasses import dataclass

from portal.permissions import Permission, Role, role_allows


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen of the portal. `permission` None: open to everybody who is signed in."""

    name: str
    label: str
    endpoint: str
    permission: Permission | None
    icon: str
    group: str = ""

    @property
    def blueprint(self) -> str:
        """The blueprint that serves it."""
        return self.endpoint.partition(".")[0]

    @property
    def can_be_closed(self) -> bool:
        """Whether a flag may switch it off: an organization's screens, never those that belong to a person."""
        return self.permission is not None


SCREENS = (
    Screen("profile", "Profile", "account.profile", None, "user", "You"),
    Screen("notifications", "Notifications", "notifications.inbox", None, "bell", "You"),
    Screen("security", "Security", "security.overview", None, "lock", "You"),
    Screen("team", "Team", "team.members", Permission.TEAM_READ, "users", "Organization"),
    Screen("billing", "Billing", "billing.overview", Permission.BILLING_READ, "card", "Organization"),
    Screen("usage", "Usage", "usage.overview", Permission.USAGE_READ, "chart", "Organization"),
    Screen(
        "invoices", "Invoices", "invoices.list_invoices", Permission.INVOICES_READ, "invoice", "Organization"
    ),
    Screen("api-keys", "API keys", "api_keys.list_keys", Permission.API_KEYS_READ, "key", "Organization"),
    Screen(
        "activity", "Activity", "activity.list_entries", Permission.ACTIVITY_READ, "activity", "Organization"
    ),
    Screen("help", "Help", "help.overview", None, "help", "Support"),
)
SCREENS_BY_NAME = {screen.name: screen for screen in SCREENS}
ROUTES = {
    "account.profile": "profile",
    "account.update_profile": "profile",
    "account.sessions": "security",
    "activity": "activity",
    "api_keys": "api-keys",
    "billing": "billing",
    "help": "help",
    "invoices": "invoices",
    "notifications": "notifications",
    "security": "security",
    "team": "team",
    "usage": "usage",
}
"""The screen of each blueprint, or of a single endpoint of one that serves several."""
NO_SCREEN = {
    "account.appearance": "how every page looks in this browser",
    "account.old_settings": "leads to the screen that replaced an old address",
    "account.start": "the entrance",
    "account.switch_organization": "which organization every page is about",
    "admin": "for staff",
    "api": "for machines",
    "auth": "signing in and out",
    "invitation": "the entrance of somebody who was invited",
    "notifications.confirm_unsubscribe": "from a mail, without signing in",
    "notifications.unsubscribe": "from a mail, without signing in",
    "nudges": "a note inside the product's own pages",
    "ops": "for machines",
    "product": "the product's own page",
    "recovery": "from a mail, without signing in",
    "static": "files",
    "webhooks": "for machines",
}
"""What is no screen of a customer, by blueprint or endpoint, and why. No flag closes it."""


def open_screens(role: Role | None, closed: Container[str] = ()) -> list[Screen]:
    """What `role` can open; without an organization only screens that need none. `closed` are switched off."""
    return [
        screen
        for screen in SCREENS
        if screen.permission is None
        or (role is not None and role_allows(role, screen.permission) and screen.name not in closed)
    ]


def is_placed(endpoint: str) -> bool:
    """Whether it is written down here which screen an endpoint belongs to, or that it belongs to none."""
    blueprint = endpoint.partition(".")[0]
    return bool({endpoint, blueprint} & (ROUTES.keys() | NO_SCREEN.keys()))


def screen_of(endpoint: str) -> Screen | None:
    """The screen that an endpoint belongs to; None for what is no screen."""
    if endpoint in NO_SCREEN:
        return None
    name = ROUTES.get(endpoint) or ROUTES.get(endpoint.partition(".")[0])
    return SCREENS_BY_NAME[name] if name else None
