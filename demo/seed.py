"""Makes the demo: the people of the contract, two customers of different kinds, and what happened to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select

from demo import timeline
from demo.company import ACME_COMPANY, GLOBEX_COMPANY, write_company
from demo.contract import globex_contract, globex_order_form
from demo.deflection import customer_emails, write_deflection
from demo.invoices import globex_invoices
from demo.nudges import write_nudges
from demo.story import (
    ACME,
    ACME_PEOPLE,
    GLOBEX,
    GLOBEX_PEOPLE,
    PASSWORD,
    STAFF_KEY,
    Person,
)
from demo.stripe_history import StripeHistory
from demo.usage import write_usage
from portal.actor import Actor, ActorKind
from portal.api_keys.models import ApiKey
from portal.api_keys.service import SHOWN_LENGTH, new_key_secret
from portal.context import current_settings, services
from portal.extensions import db
from portal.identity.models import Membership, Organization, SecondFactor, User
from portal.identity.passwords import hash_password
from portal.identity.recovery_codes import replace_codes
from portal.identity.second_factor import sealed_key
from portal.kit.clock import utcnow
from portal.kit.text import sort_key
from portal.kit.tokens import digest
from portal.permissions import Role, StaffRole
from portal.stripe_mirror.sync import sync_everything
from portal.stripe_portal.configure import configure
from portal.stripe_portal.file import read_portal_file
from portal.team.invitations import invite_member
from portal.team.models import Invitation

SEED = 20260  # the same demo every time, but for ids and secrets
LAST_INVITED = "zoe.martin@acme.example"
STAFF = (
    ("Sam Carter", "support@portal.example", StaffRole.SUPPORT),
    ("Lena Brandt", "lead@portal.example", StaffRole.LEAD),
)


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, for the line that is printed."""

    people: int
    organizations: int
    usage_events: int
    stripe_customer: str | None


def is_seeded() -> bool:
    """Whether the demo is there to its last row."""
    return db.session.scalar(select(Invitation.id).where(Invitation.email == LAST_INVITED)) is not None


def has_other_people() -> bool:
    """Whether somebody who is not of the demo is in the database."""
    demo_emails = [person.email for person in (*ACME_PEOPLE, *GLOBEX_PEOPLE)] + [staff[1] for staff in STAFF]
    others = User.email.not_in(demo_emails + customer_emails())
    return db.session.scalar(select(User.id).where(others).limit(1)) is not None


def seed_demo() -> Made:
    """Make everything, at Stripe too where it is connected; commits. Raises what Stripe raises, with nothing kept."""
    now = utcnow()
    settings = current_settings()
    customer = StripeHistory(settings, now).live("billing@acme.example") if services().stripe else None
    password = hash_password(PASSWORD)
    users = _make_users(now, password)
    acme = _make_organization(ACME, "billing@acme.example", ACME_PEOPLE, users, now)
    globex = _make_organization(GLOBEX, "owner@globex.example", GLOBEX_PEOPLE, users, now)
    acme.stripe_customer_id = customer
    contract = globex_contract(globex, now)
    db.session.add_all([contract, globex_order_form(globex, contract)])
    db.session.add_all(globex_invoices(globex, now))
    db.session.add_all(_acme_keys(acme, now))
    db.session.commit()
    acme_id, globex_id = acme.id, globex.id
    if customer:
        _mirror(customer)
    timeline.write_acme(acme_id, now)
    timeline.write_globex(globex_id, now)
    write_company(acme_id, ACME_COMPANY)
    write_company(globex_id, GLOBEX_COMPANY)
    _invite_somebody(acme_id)
    usage_events = _write_usage(acme_id, globex_id, now)
    customers = write_deflection(now)
    write_nudges(now)
    db.session.commit()
    return Made(len(users) + len(customer_emails()), 2 + customers, usage_events, customer)


def _make_users(now: datetime, password: str) -> dict[str, User]:
    users: dict[str, User] = {}
    for person in (*ACME_PEOPLE, *GLOBEX_PEOPLE):
        created = now - timedelta(days=person.joined_days_ago)
        users.setdefault(
            person.email,
            User(email=person.email, name=person.name, password_hash=password, created_at=created),
        )
    for name, email, role in STAFF:
        users[email] = User(email=email, name=name, password_hash=password, staff_role=role, created_at=now)
    db.session.add_all(users.values())
    db.session.flush()
    for _name, email, _role in STAFF:
        user_id = users[email].id
        key = sealed_key(user_id, STAFF_KEY)
        db.session.add(SecondFactor(user_id=user_id, secret=key, confirmed_at=now))
        replace_codes(user_id)  # nobody has seen these: they show what the page looks like
    return users


def _make_organization(
    name: str, billing_email: str, people: tuple[Person, ...], users: dict[str, User], now: datetime
) -> Organization:
    created = now - timedelta(days=people[0].joined_days_ago)
    organization = Organization(name=name, billing_email=billing_email, created_at=created)
    db.session.add(organization)
    db.session.flush()
    for person in people:
        db.session.add(
            Membership(
                organization_id=organization.id,
                user_id=users[person.email].id,
                role=person.role,
                sort_name=sort_key(person.name),
                created_at=now - timedelta(days=person.joined_days_ago),
            )
        )
    return organization


def _acme_keys(acme: Organization, now: datetime) -> list[ApiKey]:
    """Three keys whose secrets nobody knows: the demo shows how they look, not how to use them."""
    made = (
        ("Nightly export", "Daniel Weiss", 388, 0.4, None),
        ("Warehouse dashboard", "Nikhil Rao", 190, 0.02, None),
        ("Old importer", "Femi Adeyemi", 410, 201, 200),
    )
    keys = []
    for name, by, days_ago, used_days_ago, revoked_days_ago in made:
        secret = new_key_secret()
        keys.append(
            ApiKey(
                organization_id=acme.id,
                name=name,
                prefix=secret[:SHOWN_LENGTH],
                secret_hash=digest(secret),
                created_by_name=by,
                created_at=now - timedelta(days=days_ago),
                last_used_at=now - timedelta(days=used_days_ago),
                revoked_at=now - timedelta(days=revoked_days_ago) if revoked_days_ago else None,
            )
        )
    return keys


def _mirror(customer: str) -> None:
    """The Customer Portal as its file says, and Stripe's present state read as every other reading is."""
    if not current_settings().stripe_portal_config_id:
        configure(read_portal_file())
    sync_everything(customer, _forget_rows)


def _forget_rows() -> None:
    """The story tells when these things happened; the log is append-only, so what the reading notes goes unwritten."""
    db.session.info.pop("journal", None)


def _invite_somebody(acme_id: str) -> None:
    """One open invitation, so that the list is not empty and the mail catcher shows a mail."""
    owner = db.session.execute(
        select(User.id, User.name, User.email).where(User.email == ACME_PEOPLE[0].email)
    ).one()
    actor = Actor(ActorKind.USER, owner.id, owner.name, acme_id, Role.OWNER, owner.email)
    invite_member(actor, LAST_INVITED, Role.MEMBER)


def _write_usage(acme_id: str, globex_id: str, now: datetime) -> int:
    url = current_settings().metering_url
    if url is None:
        return 0
    rng = Random(SEED)  # noqa: S311  # nosec B311: figures for a demo
    target = url.get_secret_value()
    acme = write_usage(
        target, acme_id, until=now, monthly_start=180_000, growth=0.08, seed=rng.randrange(10**6)
    )
    globex = write_usage(
        target, globex_id, until=now, monthly_start=900_000, growth=0.02, seed=rng.randrange(10**6)
    )
    return acme + globex
