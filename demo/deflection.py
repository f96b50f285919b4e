"""A year of the demo's inbox: other customers, screens opened one after the other, and fewer tickets afterwards."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from demo.inbox.generator import DemoTicket, demo_tickets
from demo.inbox.people import OTHER_CUSTOMERS, Requester
from demo.story import ACME
from portal.deflection.models import ScreenVisit
from portal.deflection.report import due_quarters, make_report, store_report
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.inbox.languages import Languages
from portal.inbox.models import AuditStatus, TicketAudit
from portal.inbox.plan import AuditPlan, Intake
from portal.inbox.ranking import Ranking
from portal.inbox.reasons import OTHER, all_reasons
from portal.inbox.storing import TicketStore
from portal.inbox.stripping import strip_body
from portal.inbox.summary import figures
from portal.inbox.ticket import Ticket
from portal.inbox.verdicts import Verdict, text_hash
from portal.kit.money import Money
from portal.kit.text import sort_key
from portal.permissions import Role
from portal.rollout.models import FlagChange
from portal.rollout.queries import opening_histories

DAYS, ROUNDS, SEED = 365, 3, 7_300
"""The demo's generator writes as one small inbox does; a year of three of them."""
MINUTE_COST = Money(75, "usd")
CAME_DAYS_AGO, CLOSED_DAYS_AGO = 480, 490
ROLLOUT = {
    "invoices": ((205, 40), (180, 100)),
    "billing": ((170, 50), (150, 100)),
    "team": ((110, 100),),
    "usage": ((75, 100),),
    "api-keys": ((40, 100),),
}
"""How many days ago each screen was opened, and to how many of 100 organizations."""
REMAINS = {
    "invoice_download": 0.25,
    "payment_method": 0.4,
    "billing_details": 0.5,
    "plan_change": 0.55,
    "plan_cancel": 0.9,
    "unexpected_charge": 0.7,
    "team_invite": 0.3,
    "team_remove_role": 0.45,
    "usage_limits": 0.5,
    "api_keys": 0.6,
}
"""What share of the tickets is still written after it."""
ACME_SHARE = 0.4  # of what the generator has Acme write: it is one customer of many
VISITORS_SHARE, VISIT_EVERY_DAYS = 0.6, 18
UNCLEAR_SHARE, UNCLEAR_SCORE = 0.005, 0.41
"""Of the tickets, as a tagger that is unsure leaves some for staff to look at."""
SHOWN_AT_ONCE = 2  # reports; the worker makes the others


def customer_emails() -> list[str]:
    """The addresses of the people made here."""
    return [email for _, domain, _, names in OTHER_CUSTOMERS for _, email in _people(domain, names)]


def _people(domain: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, f"{name.split()[0].lower()}@{domain}") for name in names]


def write_deflection(now: datetime) -> int:
    """All of it; how many organizations were made (part of the caller's transaction)."""
    random = Random(SEED)  # noqa: S311  # nosec B311: figures for a demo
    _write_customers(now)
    _write_rollout(now)
    openings = {screen: opening_histories(screen) for screen in ROLLOUT}
    opened = {
        screen: {key: found[-1].since for key, found in each.items()} for screen, each in openings.items()
    }
    _write_tickets(now, opened, random)
    _write_visits(now, opened, random)
    for quarter in due_quarters(now)[-SHOWN_AT_ONCE:]:
        store_report(make_report(quarter, now), now)
    return len(OTHER_CUSTOMERS)


def _write_customers(now: datetime) -> None:
    came = now - timedelta(days=CAME_DAYS_AGO)
    for name, domain, _language, names in OTHER_CUSTOMERS:
        people = _people(domain, names)
        organization = Organization(name=name, billing_email=people[0][1], created_at=came)
        users = [User(name=person, email=email, created_at=came) for person, email in people]
        db.session.add_all([organization, *users])
        db.session.flush()
        roles = [Role.OWNER, *[Role.ADMIN] * (len(users) - 1)]
        db.session.add_all(
            Membership(
                organization_id=organization.id,
                user_id=user.id,
                role=role,
                sort_name=sort_key(user.name),
                created_at=came,
            )
            for user, role in zip(users, roles, strict=True)
        )
    db.session.flush()


def _write_rollout(now: datetime) -> None:
    for screen, steps in ROLLOUT.items():
        for days_ago, percent in ((CLOSED_DAYS_AGO, 0), *steps):
            why = "Opened step by step, to see what it does to the inbox" if percent else "Not built yet"
            at = now - timedelta(days=days_ago)
            db.session.add(
                FlagChange(screen=screen, percent=percent, why=why, actor_name="Lena Brandt", at=at)
            )
    db.session.flush()


def _write_tickets(now: datetime, opened: dict[str, dict[str, datetime]], random: Random) -> None:
    """Stored as an audit stores them, each with the reason that it was composed for."""
    since = now - timedelta(days=DAYS)
    audit = TicketAudit(
        name="The year until today",
        status=AuditStatus.DONE,
        progress=100,
        file_names="export-of-the-year.csv",
        minute_cost_minor=MINUTE_COST.minor,
        currency=MINUTE_COST.currency,
        tagger="default",
        tagger_version="composed",
        created_by="Lena Brandt",
        created_at=now,
        finished_at=now,
        next_attempt_at=None,
    )
    db.session.add(audit)
    db.session.flush()
    intake, ranking, languages = Intake(AuditPlan()), Ranking(MINUTE_COST), Languages()
    with TemporaryDirectory() as folder:
        store = TicketStore(Path(folder) / "tickets")
        for ticket, verdict in _tickets(now, opened, random):
            intake.takes(ticket)
            ranking.add(ticket, verdict)
            languages.add(ticket)
            store.add([(ticket, verdict)])
        audit.tickets = store.write(audit.id)
        store.close()
    audit.summary = _summary(now, since, intake) | figures(ranking, languages, MINUTE_COST)


def _tickets(
    now: datetime, opened: dict[str, dict[str, datetime]], random: Random
) -> Iterator[tuple[Ticket, Verdict]]:
    organizations = {
        row.name: row.id for row in db.session.execute(db.select(Organization.name, Organization.id))
    }

    def arrives(reason: str, requester: Requester, at: datetime) -> bool:
        draw = random.random()
        since = opened.get(all_reasons()[reason].opens, {}).get(organizations[requester.company])
        is_opened = since is not None and at >= since
        share = ACME_SHARE if requester.company == ACME else 1
        return draw < share * (REMAINS.get(reason, 1) if is_opened else 1)

    unsure = Random(SEED)  # noqa: S311  # nosec B311: figures for a demo
    for each in range(ROUNDS):
        for made in demo_tickets(now, DAYS, seed=SEED + each, arrives=arrives):
            ticket = _ticket(made, f"{each + 1}-{made.id}")
            is_unclear = made.reason != OTHER and unsure.random() < UNCLEAR_SHARE
            score = UNCLEAR_SCORE if is_unclear else 0.95
            why = "composed for the demo"
            yield ticket, Verdict(made.reason, score, why, is_unclear, "composed", text_hash(ticket))


def _ticket(made: DemoTicket, external_id: str) -> Ticket:
    return Ticket(
        id=external_id,
        source="zendesk",
        source_file="export-of-the-year.csv",
        created_at=made.created_at,
        first_reply_at=made.first_reply_at,
        solved_at=made.solved_at,
        status=made.status,
        channel=made.channel,
        requester_name=made.requester.name,
        requester_email=made.requester.email,
        assignee=made.assignee,
        agent_minutes=float(made.minutes_worked),
        subject=made.subject,
        body=strip_body(made.body),
        language=made.requester.language,
    )


def _summary(now: datetime, since: datetime, intake: Intake) -> dict[str, Any]:
    """What `summary.json` says above the figures."""
    counted = intake.as_json()
    return {
        "made_at": now.isoformat(timespec="seconds"),
        "files": [{"name": "export-of-the-year.csv", "source": "zendesk", "tickets": counted["counted"]}],
        "problems": {"count": 0, "listed": []},
        "tickets": {"read": counted["counted"], "repeated": 0, **counted},
        "since": None,
        "until": None,
        "first_created_at": since.isoformat(),
        "last_created_at": now.isoformat(),
        "tagger": {"name": "default", "version": "composed", "taught": 0},
        "corrections": {"used": 0, "unknown_ids": []},
        "changes": {"count": 0, "taken": False, "tickets": []},
    }


def _write_visits(now: datetime, opened: dict[str, dict[str, datetime]], random: Random) -> None:
    """Most people look at a screen now and then once it is there, some never do."""
    members = db.session.execute(db.select(Membership.organization_id, Membership.user_id)).all()
    for screen, since in opened.items():
        for organization_id, user_id in members:
            if random.random() > VISITORS_SHARE:
                continue
            at = since[organization_id] + timedelta(days=random.expovariate(1 / VISIT_EVERY_DAYS))
            while at < now:
                db.session.add(
                    ScreenVisit(
                        user_id=user_id,
                        organization_id=organization_id,
                        screen=screen,
                        day=at.date(),
                        first_at=at,
                        last_at=at,
                    )
                )
                at += timedelta(days=1 + random.expovariate(1 / VISIT_EVERY_DAYS))
    db.session.flush()
