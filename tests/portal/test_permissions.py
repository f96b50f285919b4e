"""The one dict of permissions is whole and says what the roles are for."""

from itertools import pairwise

import pytest

from portal.actor import Actor, ActorKind, Origin, system_actor
from portal.errors import ForbiddenError
from portal.permissions import (
    PERMISSION_LABELS,
    ROLE_LABELS,
    ROLE_PERMISSIONS,
    ROLE_SUMMARIES,
    Permission,
    Role,
    StaffRole,
    role_allows,
    staff_allows,
)
from portal.scope import SCREENS, open_screens


def test_every_role_and_permission_has_its_words() -> None:
    assert ROLE_PERMISSIONS.keys() == ROLE_LABELS.keys() == ROLE_SUMMARIES.keys() == set(Role)
    assert PERMISSION_LABELS.keys() == set(Permission)


def test_ranks_only_add_permissions() -> None:
    chain = [ROLE_PERMISSIONS[role] for role in (Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER)]
    assert all(lower < higher for lower, higher in pairwise(chain))
    assert ROLE_PERMISSIONS[Role.OWNER] == frozenset(Permission)


def test_only_owners_manage_owners() -> None:
    assert [role for role in Role if role_allows(role, Permission.OWNERS_MANAGE)] == [Role.OWNER]


def test_the_billing_role_sees_nothing_but_billing_invoices_and_usage() -> None:
    screens = [screen.name for screen in open_screens(Role.BILLING)]
    assert screens == ["profile", "notifications", "security", "billing", "usage", "invoices", "help"]


def test_a_viewer_changes_nothing() -> None:
    assert not any(permission.endswith(":manage") for permission in ROLE_PERMISSIONS[Role.VIEWER])


def test_without_an_organization_only_screens_that_need_none_are_open() -> None:
    assert [screen.name for screen in open_screens(None)] == ["profile", "notifications", "security", "help"]
    assert open_screens(Role.OWNER) == list(SCREENS)


def test_a_lead_may_all_that_support_may_and_not_the_other_way_round() -> None:
    allowed = {(held, needed) for held in StaffRole for needed in StaffRole if staff_allows(held, needed)}
    assert allowed == {
        (StaffRole.SUPPORT, StaffRole.SUPPORT),
        (StaffRole.LEAD, StaffRole.SUPPORT),
        (StaffRole.LEAD, StaffRole.LEAD),
    }


def test_an_actor_without_a_role_can_do_nothing() -> None:
    visitor = Actor(ActorKind.USER, "usr_1", "Ana", None, None, "ana@acme.example", Origin())
    assert not any(visitor.can(permission) for permission in Permission)
    assert not any(system_actor("org_1").can(permission) for permission in Permission)
    with pytest.raises(ForbiddenError):
        _ = visitor.organization
