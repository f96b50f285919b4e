"""What one entry of the catalogue says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from portal.notifications.models import UserChannel
from portal.permissions import Permission, Role, role_allows

DIGEST_TOPIC = "digest"
"""The topic of the daily mail, which is no event."""


class Group(StrEnum):
    """How events stand together on the settings page."""

    TEAM = "Team"
    BILLING = "Billing"
    USAGE = "Usage"
    API_KEYS = "API keys"
    ACCOUNT = "Your account"


class Recipients(StrEnum):
    """Who is told. Members are those of the event's organization at the time when it is expanded."""

    ABOUT = "the people it is about, also after they left"
    OWNERS = "owners"
    ADMINS = "owners and admins"
    BILLING = "members who may manage billing"
    BILLING_ADDRESS = "the organization's billing address and further recipients of its invoices"
    ADDRESSES = "the addresses that the event names"


ROLES: dict[Recipients, frozenset[Role]] = {
    Recipients.OWNERS: frozenset({Role.OWNER}),
    Recipients.ADMINS: frozenset({Role.OWNER, Role.ADMIN}),
    Recipients.BILLING: frozenset(role for role in Role if role_allows(role, Permission.BILLING_MANAGE)),
}
"""The members that a kind of recipient means."""

Link = Callable[[Mapping[str, Any]], str]
BOTH = frozenset(UserChannel)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. `locked_reason`, where it is not empty, locks both channels on; it is read after "because"."""

    label: str
    summary: str
    group: Group
    recipients: frozenset[Recipients]
    link: Link
    defaults: frozenset[UserChannel] = BOTH
    locked_reason: str = ""
    may_wait: bool = False
    is_for_staff: bool = True
    is_on_in_slack: bool = False

    @property
    def is_locked(self) -> bool:
        """Whether it can be switched off by nobody, and is also told to who did it."""
        return bool(self.locked_reason)

    @property
    def is_staff_only(self) -> bool:
        """Whether only staff are told. They are unless they switch it off, and it links to where they see to it."""
        return not self.recipients

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that can be told of it for what they are."""
        return frozenset().union(*(ROLES.get(kind, frozenset()) for kind in self.recipients))

    def reaches(self, role: Role | None) -> bool:
        """Whether somebody in `role` may ever be told of it, be it about themselves."""
        return Recipients.ABOUT in self.recipients or role in self.roles
