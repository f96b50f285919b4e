"""The demo's activity log: what the story says, dated when it happened. Only the demo writes the log in hindsight."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from demo.story import (
    ACME_PEOPLE,
    GLOBEX_PEOPLE,
    PLAN_SWITCH_DAYS_AGO,
    SEAT_CHANGES,
    STARTED_DAYS_AGO,
    Person,
)
from portal.actor import Actor, ActorKind
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.extensions import db
from portal.identity.models import User
from portal.invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class Moment:
    """One row to be: who did what to what, and when."""

    at: datetime
    by: str
    action: Action
    entity: tuple[str, str, str]
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    kind: ActorKind = ActorKind.USER


def write_acme(organization_id: str, now: datetime) -> None:
    """People joining, the plan growing, keys, and every invoice on the day it was issued and paid."""
    moments = [
        *_joining(ACME_PEOPLE, now),
        *_plan(now),
        *_keys(now),
        *_invoices(organization_id),
        *_card(now),
    ]
    _write_log(organization_id, moments)


def write_globex(organization_id: str, now: datetime) -> None:
    """People joining and the quarterly invoices."""
    _write_log(organization_id, [*_joining(GLOBEX_PEOPLE, now), *_invoices(organization_id)])


def _joining(people: Iterable[Person], now: datetime) -> list[Moment]:
    moments = []
    for person in list(people)[1:]:
        joined = now - timedelta(days=person.joined_days_ago)
        who = ("member", person.email, person.email)
        invited = joined - timedelta(hours=5)
        moments.append(
            Moment(
                invited, person.invited_by, Action.INVITATION_SENT, ("invitation", person.email, person.email)
            )
        )
        moments.append(
            Moment(joined, person.name, Action.MEMBER_ADDED, who, None, {"role": person.role.value})
        )
    return moments


def _plan(now: datetime) -> list[Moment]:
    moments = []
    seats = 8
    for change in SEAT_CHANGES:
        at = now - timedelta(days=change.days_ago)
        plan = ("subscription", "acme", "Starter" if change.days_ago > PLAN_SWITCH_DAYS_AGO else "Pro")
        moments.append(
            Moment(
                at, change.by, Action.SUBSCRIPTION_CHANGED, plan, {"seats": seats}, {"seats": change.seats}
            )
        )
        seats = change.seats
    switched = now - timedelta(days=PLAN_SWITCH_DAYS_AGO)
    names = {"plan_name": "Starter"}, {"plan_name": "Pro"}
    moments.append(
        Moment(switched, "Amara Okafor", Action.SUBSCRIPTION_CHANGED, ("subscription", "acme", "Pro"), *names)
    )
    started = now - timedelta(days=STARTED_DAYS_AGO)
    first = {"plan_name": "Starter", "seats": 8}
    plan = ("subscription", "acme", "Starter")
    return [Moment(started, "Amara Okafor", Action.SUBSCRIPTION_CHANGED, plan, None, first), *moments]


def _keys(now: datetime) -> list[Moment]:
    def at(days: int) -> datetime:
        return now - timedelta(days=days)

    return [
        Moment(at(410), "Femi Adeyemi", Action.API_KEY_CREATED, ("api_key", "old", "Old importer")),
        Moment(at(388), "Daniel Weiss", Action.API_KEY_CREATED, ("api_key", "export", "Nightly export")),
        Moment(at(200), "Ben Lindqvist", Action.API_KEY_REVOKED, ("api_key", "old", "Old importer")),
        Moment(at(190), "Nikhil Rao", Action.API_KEY_CREATED, ("api_key", "dash", "Warehouse dashboard")),
    ]


def _card(now: datetime) -> list[Moment]:
    before = {"brand": "visa", "last4": "0341"}
    after = {"brand": "mastercard", "last4": "4444"}
    organization = ("organization", "acme", "Acme Robotics")
    return [
        Moment(now - timedelta(days=72), "Carla Mendes", Action.CARD_CHANGED, organization, before, after)
    ]


def _invoices(organization_id: str) -> list[Moment]:
    moments = []
    for invoice in db.session.scalars(select(Invoice).where(Invoice.organization_id == organization_id)):
        what = ("invoice", invoice.id, invoice.number)
        issuer = ("Stripe", ActorKind.STRIPE) if invoice.stripe_id else ("Portal", ActorKind.SYSTEM)
        opened, paid = {"status": "open"}, {"status": "paid"}
        moments.append(
            Moment(invoice.issued_at, issuer[0], Action.INVOICE_ISSUED, what, None, opened, issuer[1])
        )
        if invoice.paid_at and invoice.attempts > 1:
            failed_at = invoice.issued_at + timedelta(minutes=1)
            tried = {"attempts": 1}
            moments.append(
                Moment(failed_at, issuer[0], Action.INVOICE_PAYMENT_FAILED, what, None, tried, issuer[1])
            )
        if invoice.paid_at:
            moments.append(
                Moment(invoice.paid_at, issuer[0], Action.INVOICE_CHANGED, what, opened, paid, issuer[1])
            )
    return moments


def _write_log(organization_id: str, moments: list[Moment]) -> None:
    ids = {user.name: user.id for user in db.session.scalars(select(User))}
    for moment in sorted(moments, key=lambda moment: moment.at):
        actor = Actor(moment.kind, ids.get(moment.by), moment.by, organization_id)
        change = Change(*moment.entity, moment.before, moment.after)
        record(actor, moment.action, change, happened_at=moment.at)
