"""What tests start from: two organizations whose people are the same in kind."""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from argon2 import PasswordHasher

from demo.story import STAFF_KEY
from portal.actor import Actor, ActorKind
from portal.contracts.models import Contract, ContractDocument
from portal.extensions import db
from portal.identity.models import Membership, Organization, SecondFactor, User
from portal.identity.second_factor import sealed_key
from portal.kit.clock import utcnow
from portal.kit.text import sort_key
from portal.permissions import Role, StaffRole
from portal.stripe_mirror.models import ReconciliationStatus, StripeReconciliation
from portal.stripe_mirror.rows import Finding

PASSWORD = "correct horse battery"
PDF_BYTES = b"%PDF-1.7 of a test"
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def make_user(email: str, name: str | None = None, staff_role: StaffRole | None = None) -> User:
    """A user who can sign in with `PASSWORD` (hashed weakly, for speed)."""
    name = name or email.split("@")[0].replace(".", " ").title()
    user = User(email=email, name=name, password_hash=PASSWORD_HASH, staff_role=staff_role)
    db.session.add(user)
    db.session.flush()
    if staff_role is not None:
        give_second_factor(user)
    return user


def give_second_factor(user: User, key: str = STAFF_KEY) -> None:
    """Switch `user`'s second factor on, with a secret that `tests.support.totp` has codes of."""
    db.session.add(SecondFactor(user_id=user.id, secret=sealed_key(user.id, key)))
    db.session.flush()


def make_organization(name: str, *, customer: str | None = None) -> Organization:
    """An organization, with a Stripe customer if its id is given."""
    domain = name.lower().split()[0]
    organization = Organization(
        name=name, billing_email=f"billing@{domain}.example", stripe_customer_id=customer
    )
    db.session.add(organization)
    db.session.flush()
    return organization


def add_member(organization: Organization, user: User, role: Role) -> Membership:
    """Put `user` into `organization`."""
    member = Membership(
        organization_id=organization.id, user_id=user.id, role=role, sort_name=sort_key(user.name)
    )
    db.session.add(member)
    db.session.flush()
    return member


def actor_of(member: Membership, user: User) -> Actor:
    """The actor that a request of this member would have."""
    return Actor(ActorKind.USER, user.id, user.name, member.organization_id, member.role, user.email)


def make_contract(organization_id: str) -> Contract:
    """An agreement on 60 seats for 48,000 euros a year; committed."""
    contract = Contract(
        organization_id=organization_id,
        plan_name="Enterprise",
        terms="Two years, paid by transfer within 30 days.",
        seats=60,
        amount_minor=4_800_000,
        currency="eur",
        starts_on=date(2025, 1, 1),
        renews_on=date(2027, 1, 1),
        manager_name="Lena Brandt",
        manager_email="lena.brandt@portal.example",
    )
    db.session.add(contract)
    db.session.commit()
    return contract


def make_document(organization_id: str, name: str, content: bytes = PDF_BYTES) -> str:
    """A document of the organization's contract, whether it has one or not; committed."""
    document = ContractDocument(
        organization_id=organization_id,
        name=name,
        media_type="application/pdf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        added_by="Lena Brandt",
    )
    db.session.add(document)
    db.session.commit()
    return document.id


def make_reconciliation(organization_id: str, **more: Any) -> str:
    """A comparison with Stripe that is done and has found one difference of the organization's; committed."""
    finding = Finding(organization_id, "cus_1", "subscription", "sub_1", "differs", ("status",))
    values: dict[str, Any] = {
        "status": ReconciliationStatus.DONE,
        "customers": 1,
        "objects": 4,
        "found": 1,
        "findings": {"items": [finding.as_json()]},
        "next_attempt_at": None,
        "finished_at": utcnow(),
    }
    row = StripeReconciliation(**{**values, **more})
    db.session.add(row)
    db.session.commit()
    return row.id


@dataclass(slots=True)
class Tenant:
    """An organization with one person in each role. Everything by id or plain value: rows may be expired."""

    organization_id: str
    members: dict[Role, str]
    users: dict[Role, str]
    emails: dict[Role, str]

    def actor(self, role: Role = Role.OWNER) -> Actor:
        """The actor of the person in `role`."""
        name = self.emails[role].split("@")[0].title()
        return Actor(ActorKind.USER, self.users[role], name, self.organization_id, role, self.emails[role])


@dataclass(slots=True)
class World:
    """Acme pays by Stripe, Globex by contract; staff belong to neither."""

    acme: Tenant
    globex: Tenant
    support_email: str = "support@portal.example"
    lead_email: str = "lead@portal.example"

    @classmethod
    def make(cls) -> Self:
        """Make it and commit."""
        acme, globex = make_tenant("Acme", "cus_acme"), make_tenant("Globex", None)
        make_user("support@portal.example", staff_role=StaffRole.SUPPORT)
        make_user("lead@portal.example", staff_role=StaffRole.LEAD)
        db.session.commit()
        return cls(acme, globex)


def make_tenant(name: str, customer: str | None) -> Tenant:
    """An organization and its people, `owner@acme.example` and so on."""
    organization = make_organization(name, customer=customer)
    members, users, emails = {}, {}, {}
    for role in Role:
        user = make_user(f"{role.value}@{name.lower()}.example", f"{role.value.title()} of {name}")
        members[role] = add_member(organization, user, role).id
        users[role], emails[role] = user.id, user.email
    return Tenant(organization.id, members, users, emails)
