"""Roles and what each may do: the one dict behind guards, buttons and the matrix shown to people."""

from enum import StrEnum


class Role(StrEnum):
    """A person's role in one organization."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"
    BILLING = "billing"


class StaffRole(StrEnum):
    """What somebody who runs the product may do in `/admin`."""

    SUPPORT = "support"
    LEAD = "lead"


class Permission(StrEnum):
    """One thing a role may or may not do."""

    TEAM_READ = "team:read"
    MEMBERS_MANAGE = "members:manage"
    OWNERS_MANAGE = "owners:manage"
    BILLING_READ = "billing:read"
    BILLING_MANAGE = "billing:manage"
    USAGE_READ = "usage:read"
    INVOICES_READ = "invoices:read"
    API_KEYS_READ = "api-keys:read"
    API_KEYS_MANAGE = "api-keys:manage"
    ACTIVITY_READ = "activity:read"


P = Permission

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission) - {P.OWNERS_MANAGE},
    Role.MEMBER: frozenset({P.TEAM_READ, P.USAGE_READ, P.API_KEYS_READ, P.API_KEYS_MANAGE}),
    Role.VIEWER: frozenset({P.TEAM_READ, P.USAGE_READ}),
    Role.BILLING: frozenset({P.BILLING_READ, P.BILLING_MANAGE, P.INVOICES_READ, P.USAGE_READ}),
}

ROLE_LABELS: dict[Role, str] = {
    Role.OWNER: "Owner",
    Role.ADMIN: "Admin",
    Role.MEMBER: "Member",
    Role.VIEWER: "Viewer",
    Role.BILLING: "Billing",
}

ROLE_SUMMARIES: dict[Role, str] = {
    Role.OWNER: "Everything, and may name other owners",
    Role.ADMIN: "Everything except naming or removing owners",
    Role.MEMBER: "Uses the product, sees usage and the team, makes API keys",
    Role.VIEWER: "Sees usage and the team, changes nothing",
    Role.BILLING: "Billing, invoices and usage only",
}

PERMISSION_LABELS: dict[Permission, str] = {
    P.TEAM_READ: "See the team",
    P.MEMBERS_MANAGE: "Invite, remove and change roles",
    P.OWNERS_MANAGE: "Name and remove owners",
    P.BILLING_READ: "See plan, card and billing details",
    P.BILLING_MANAGE: "Change plan, card and billing details",
    P.USAGE_READ: "See usage",
    P.INVOICES_READ: "See and download invoices",
    P.API_KEYS_READ: "See API keys",
    P.API_KEYS_MANAGE: "Create and revoke API keys",
    P.ACTIVITY_READ: "See the activity log",
}

STAFF_RANK: dict[StaffRole, int] = {StaffRole.SUPPORT: 1, StaffRole.LEAD: 2}


def role_allows(role: Role, permission: Permission) -> bool:
    """Whether `role` may do `permission`."""
    return permission in ROLE_PERMISSIONS[role]


def staff_allows(held: StaffRole, needed: StaffRole) -> bool:
    """Whether a staff member with `held` may enter what needs `needed` (lead may all that support may)."""
    return STAFF_RANK[held] >= STAFF_RANK[needed]
