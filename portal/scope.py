"""Which screens exist, in the order of the navigation, and which of them a role can open."""

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
)


def open_screens(role: Role | None) -> list[Screen]:
    """The screens that `role` can open; without an organization only those that need none."""
    return [
        screen
        for screen in SCREENS
        if screen.permission is None or (role is not None and role_allows(role, screen.permission))
    ]
