"""Who acts: the first argument of every verb that changes something."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from portal.errors import ForbiddenError
from portal.permissions import (
    PERMISSION_LABELS,
    Permission,
    Role,
    StaffRole,
    role_allows,
    staff_allows,
)


class ActorKind(StrEnum):
    """Where a change comes from."""

    USER = "user"
    STAFF = "staff"
    SYSTEM = "system"
    STRIPE = "stripe"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Origin:
    """The request a change came with; empty for jobs."""

    address: str | None = None
    agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts, in at most one organization."""

    kind: ActorKind
    id: str | None
    name: str
    organization_id: str | None = None
    role: Role | None = None
    email: str | None = None
    origin: Origin = field(default_factory=Origin)
    staff_role: StaffRole | None = None

    def can(self, permission: Permission) -> bool:
        """Whether this actor's role in the organization allows `permission`."""
        return self.role is not None and role_allows(self.role, permission)

    def require(self, permission: Permission) -> None:
        """Raises `ForbiddenError` unless `can(permission)`."""
        if not self.can(permission):
            raise ForbiddenError(f"Your role does not allow this: {PERMISSION_LABELS[permission].lower()}.")

    def require_staff(self, role: StaffRole) -> None:
        """Raises `ForbiddenError` unless this is somebody of the staff who may do what needs `role`."""
        if self.staff_role is None or not staff_allows(self.staff_role, role):
            raise ForbiddenError(f"This needs the staff role {role.value}.")

    def within(self, organization_id: str | None) -> "Actor":
        """The same actor, acting in another organization or in none; for staff."""
        return replace(self, organization_id=organization_id, role=None)

    @property
    def organization(self) -> str:
        """The id of the organization acted in. Raises `ForbiddenError` where there is none."""
        if self.organization_id is None:
            raise ForbiddenError("You do not belong to an organization.")
        return self.organization_id


def system_actor(organization_id: str | None, name: str = "Portal") -> Actor:
    """The portal itself, acting from a job."""
    return Actor(ActorKind.SYSTEM, None, name, organization_id)


def stripe_actor(organization_id: str | None) -> Actor:
    """Stripe, acting through an event."""
    return Actor(ActorKind.STRIPE, None, "Stripe", organization_id)
