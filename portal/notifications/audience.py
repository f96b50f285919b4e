"""Who is told of an event: the catalogue's recipients as people and addresses, and the channels they want."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import literal, or_, select

from portal.company.queries import recipients_of
from portal.database import AnyRow
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.entry import Entry, Group, Recipients
from portal.notifications.events import Event
from portal.notifications.models import (
    Audience,
    Digest,
    NotificationPreference,
    NotificationSettings,
    UserChannel,
)
from portal.notifications.preferences import channels_of
from portal.permissions import Role

AS_ROLE = {
    Role.OWNER: "as an owner of",
    Role.ADMIN: "as an admin of",
    Role.MEMBER: "as a member of",
    Role.VIEWER: "as a viewer of",
    Role.BILLING: "for the billing of",
}
AS_STAFF = "because you asked for it as staff"
BY_EMAIL = frozenset({UserChannel.EMAIL})


@dataclass(frozen=True, slots=True)
class Happening:
    """An event to be told. The organization is None for what is about one person alone."""

    event: Event
    entry: Entry
    organization: Organization | None
    payload: Mapping[str, Any]
    person: str | None
    """The mail address of whom it is about, for those who look after it."""

    @property
    def organization_id(self) -> str | None:
        """The organization's id, if it is about one."""
        return self.organization.id if self.organization else None

    @property
    def about(self) -> list[str]:
        """The ids of the people it happened to."""
        return list(self.payload["about"])


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who is told, and how. `user_id` is None for a bare address; `why` is read after "You get this"."""

    email: str
    why: str
    channels: frozenset[UserChannel] = frozenset()
    user_id: str | None = None
    name: str | None = None
    audience: Audience = Audience.CUSTOMER
    is_about: bool = False
    is_actor: bool = False
    is_member: bool = False
    wants_digest: bool = False


def happening(event: Event, payload: Mapping[str, Any], organization_id: str | None) -> Happening:
    """The event as it is told. What is about a person's own account is nobody's organization's."""
    entry = CATALOGUE[event]
    is_personal = entry.group is Group.ACCOUNT or organization_id is None
    organization = None if is_personal else db.session.get_one(Organization, organization_id)
    person = select(User.email).where(User.id.in_(payload["about"][:1]))
    return Happening(event, entry, organization, payload, db.session.scalar(person))


def everybody_told(what: Happening) -> list[Told]:
    """People first, each once; then addresses that none of their mails goes to."""
    members = [told for row in _people(what) if (told := _as_customer(what, row))]
    staff = _staff(what, {told.user_id for told in members})
    people = [*_with_choices(what, Audience.CUSTOMER, members), *_with_choices(what, Audience.STAFF, staff)]
    reached = [person for person in people if person.channels]
    mailed = {person.email.casefold() for person in reached if UserChannel.EMAIL in person.channels}
    return [*reached, *(address for address in _addresses(what) if address.email.casefold() not in mailed)]


def _people(what: Happening) -> Sequence[AnyRow]:
    """Members in a role that is told, and those it is about: these also when they left or are disabled."""
    about = what.about if Recipients.ABOUT in what.entry.recipients else []
    members = _members(what, what.organization.id, about) if what.organization else []
    missing = set(about) - {row.id for row in members}
    others = select(User.id, User.name, User.email, literal(None).label("role")).where(User.id.in_(missing))
    return [*members, *(db.session.execute(others.order_by(User.id)) if missing else ())]


def _members(what: Happening, organization_id: str, about: Sequence[str]) -> Sequence[AnyRow]:
    holds_role = Membership.role.in_(what.entry.roles) & User.disabled_at.is_(None)
    statement = (
        select(User.id, User.name, User.email, Membership.role)
        .join(User, User.id == Membership.user_id)
        .where(Membership.organization_id == organization_id, or_(User.id.in_(about), holds_role))
        .order_by(User.id)
    )
    return db.session.execute(statement).all()


def _as_customer(what: Happening, row: AnyRow) -> Told | None:
    """None for who did it themselves, unless it cannot be switched off."""
    is_actor, is_about = row.id == what.payload["actor_id"], row.id in what.about
    if is_actor and not what.entry.is_locked:
        return None
    is_told_for_that = is_about and Recipients.ABOUT in what.entry.recipients
    name = what.organization.name if what.organization else ""
    return Told(
        email=row.email,
        why="because it is about you" if is_told_for_that else f"{AS_ROLE[row.role]} {name}",
        user_id=row.id,
        name=row.name,
        is_about=is_about,
        is_actor=is_actor,
        is_member=row.role is not None,
    )


def _staff(what: Happening, already_told: Collection[str | None]) -> list[Told]:
    """Everybody of the staff but who did it; most have not subscribed, which their choices will say."""
    if not what.entry.is_for_staff:
        return []
    statement = select(User.id, User.name, User.email).where(
        User.staff_role.is_not(None), User.disabled_at.is_(None)
    )
    return [
        Told(row.email, AS_STAFF, user_id=row.id, name=row.name, audience=Audience.STAFF)
        for row in db.session.execute(statement.order_by(User.id))
        if row.id not in already_told and row.id != what.payload["actor_id"]
    ]


def _with_choices(what: Happening, audience: Audience, people: Sequence[Told]) -> list[Told]:
    """The same people with the channels they want; those who want none have none."""
    ids = [person.user_id for person in people]
    preference = NotificationPreference
    stored = select(preference.user_id, preference.channel, preference.is_on).where(
        preference.audience == audience, preference.event == what.event.value, preference.user_id.in_(ids)
    )
    chosen: dict[str | None, dict[UserChannel, bool]] = {}
    for user_id, channel, is_on in db.session.execute(stored) if ids else ():
        chosen.setdefault(user_id, {})[channel] = is_on
    daily = _daily(ids) if what.entry.may_wait and ids else set()
    return [
        replace(
            person,
            channels=channels_of(what.event, audience, chosen.get(person.user_id, {})),
            wants_digest=person.user_id in daily,
        )
        for person in people
    ]


def _daily(ids: Sequence[str | None]) -> set[str]:
    statement = select(NotificationSettings.user_id).where(
        NotificationSettings.user_id.in_(ids), NotificationSettings.digest == Digest.DAILY
    )
    return set(db.session.scalars(statement))


def _addresses(what: Happening) -> list[Told]:
    """Addresses that are nobody's account: no preference applies to them."""
    organization, kinds = what.organization, what.entry.recipients
    present = organization.billing_email if organization else None
    found: dict[str, str] = {}
    if organization and Recipients.BILLING_ADDRESS in kinds:
        found[organization.billing_email] = f"as the billing address of {organization.name}"
        for address in recipients_of(organization.id):
            found.setdefault(address, f"as a recipient of the invoices of {organization.name}")
    for address in what.payload["addresses"] if Recipients.ADDRESSES in kinds else ():
        if organization is None:
            why = "because this was your address until now"
        elif address == present:
            why = f"as the billing address of {organization.name}"
        else:
            why = f"because this was the billing address of {organization.name} until now"
        found.setdefault(address, why)
    return [Told(address, why, BY_EMAIL) for address, why in found.items()]
