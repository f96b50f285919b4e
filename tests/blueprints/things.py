"""One of each thing that has an id, for one tenant, and the address and the form of every route about them."""

import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from werkzeug.routing import Rule

from portal.actor import Actor
from portal.api_keys.service import create_key
from portal.company.tax_ids import add_tax_id
from portal.extensions import db
from portal.identity.models import Organization, SecondFactor
from portal.inbox.models import AuditStatus, FileRole, InboxTicket, TicketAudit, TicketAuditFile
from portal.invoices.models import Invoice, InvoiceLine, InvoiceSource, InvoiceStatus
from portal.kit.clock import utcnow
from portal.kit.tokens import digest, new_id
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.models import Audience, Channel, Notification, OutboxMessage, OutboxStatus
from portal.notifications.unsubscribing import unsubscribe_token
from portal.permissions import Role
from portal.stripe_mirror.models import EventStatus, StripeEvent
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.queries import stored_configuration
from portal.support.models import Recovery
from portal.support.recoveries import recovery_token
from portal.team.invitations import invitation_token, invite_member
from tests.factories import (
    PASSWORD,
    PDF_BYTES,
    Tenant,
    add_member,
    make_document,
    make_reconciliation,
    make_user,
)
from tests.portal.nudges.writing import make_nudge

ALWAYS_ON = [
    f"{event}:{channel}"
    for event, entry in CATALOGUE.items()
    if entry.is_locked
    for channel in entry.defaults
]
"""The ticked boxes of an owner who switches off what can be switched off."""
REASON = "Ticket 4711: cannot find an invoice"
ISSUED = datetime(2026, 10, 1, 9, tzinfo=UTC)
PARTY = {"name": "Skylark Ltd", "address_lines": ["12 Harbour Street"], "tax_id": None, "email": None}
BANK = {"bank": "Example Bank", "iban": "IE29 AIBK 9311 5212 3456 78", "bic": "AIBKIE2D", "reference": "A-1"}
ADDRESS = {"country": "DE", "line1": "Hauptstr. 1", "city": "Berlin", "postal_code": "10115"}


@dataclass(frozen=True, slots=True)
class Things:
    """Ids of one tenant's things, by the names that routes use for them."""

    organization_id: str
    member_id: str
    invitation_id: str
    token: str
    key_id: str
    invoice_id: str
    stripe_invoice_id: str
    notification_id: str
    message_id: str
    unsubscribe_token: str
    event_id: str
    recovery_id: str
    cancel_token: str
    document_id: str
    reconciliation_id: str
    tax_id: str
    audit_id: str
    ticket_id: str
    nudge_id: str
    name: str = "audit.csv"
    page: str = "profile"
    screen: str = "usage"
    filename: str = "css/base.css"


def make_things(tenant: Tenant) -> Things:
    """Make them and commit."""
    actor = tenant.actor()
    domain = str(actor.email).partition("@")[2]
    organization = db.session.get_one(Organization, tenant.organization_id)
    target = add_member(organization, make_user(f"target@{domain}", "Target Person"), Role.MEMBER)
    invitation = invite_member(actor, f"guest@{domain}", Role.VIEWER)
    key, _ = create_key(actor, "Nightly export")
    offline = make_invoice(tenant.organization_id, "A-1")
    hosted = make_invoice(tenant.organization_id, "S-1", stripe_id=f"in_{domain}")
    db.session.add(SecondFactor(user_id=target.user_id, secret="sealed"))
    make_customer_class()
    event_id, recovery_id = make_event(organization), make_recovery(tenant, Role.VIEWER)
    db.session.commit()
    token = invitation_token(invitation.id, 1)
    return Things(
        tenant.organization_id,
        target.id,
        invitation.id,
        token,
        key.id,
        offline.id,
        hosted.id,
        notification_id=make_notification(tenant, Role.OWNER, f"Something happened in {domain}"),
        message_id=make_dead_letter(tenant.organization_id, f"gone@{domain}"),
        unsubscribe_token=unsubscribe_token(
            tenant.users[Role.OWNER], Audience.CUSTOMER, Event.MEMBER_ADDED.value
        ),
        event_id=event_id,
        recovery_id=recovery_id,
        cancel_token=recovery_token(make_recovery(tenant, Role.ADMIN)),
        document_id=make_document(tenant.organization_id, f"Order form of {domain}.pdf"),
        reconciliation_id=make_reconciliation(tenant.organization_id),
        tax_id=make_tax_id(actor),
        audit_id=make_ticket_audit(),
        ticket_id=make_unclear_ticket(domain),
        nudge_id=make_nudge(tenant, Role.OWNER),
    )


def make_ticket_audit() -> str:
    """An audit that failed, and yet has a file; committed."""
    audit = TicketAudit(
        name="tickets.csv",
        file_names="tickets.csv",
        status=AuditStatus.FAILED,
        error="No ticket could be read.",
        currency="usd",
        tagger="default",
        created_by="Lead",
        next_attempt_at=None,
    )
    db.session.add(audit)
    db.session.flush()
    file = {"role": FileRole.OUTPUT, "name": "audit.csv", "content": b"rank\r\n"}
    db.session.add(TicketAuditFile(audit_id=audit.id, **file))
    db.session.commit()
    return audit.id


def make_unclear_ticket(external_id: str) -> str:
    """A stored ticket that nobody has looked at; committed."""
    ticket = InboxTicket(
        source="csv",
        external_id=external_id,
        reason="refund",
        confidence=0.4,
        is_unclear=True,
        tagger_version="1",
        text_hash=digest(external_id),
        why="words: money",
        language="en",
        subject="Money",
        excerpt="What about my money?",
    )
    db.session.add(ticket)
    db.session.commit()
    return ticket.id


def make_notification(tenant: Tenant, role: Role, text: str, **more: Any) -> str:
    """An unread entry in the inbox of the person in `role`; committed."""
    values: dict[str, Any] = {
        "user_id": tenant.users[role],
        "organization_id": tenant.organization_id,
        "event": Event.MEMBER_ADDED.value,
        "text": text,
        "link": "/account/team",
        "message_key": new_id("msg"),
        "created_at": utcnow(),
    }
    row = Notification(**{**values, **more})
    db.session.add(row)
    db.session.commit()
    return str(row.id)


def make_dead_letter(organization_id: str | None, recipient: str) -> str:
    """A mail that was refused for good; committed."""
    row = OutboxMessage(
        organization_id=organization_id,
        channel=Channel.MAIL,
        topic=Event.MEMBER_ADDED.value,
        recipient=recipient,
        payload={},
        message_key=new_id("msg"),
        status=OutboxStatus.DEAD,
        attempts=1,
        next_attempt_at=None,
        last_error="the mail server answered 550",
    )
    db.session.add(row)
    db.session.commit()
    return str(row.id)


def make_tax_id(actor: Actor) -> str:
    """A number that the register can be asked for; committed."""
    made = add_tax_id(actor, "DE", "eu_vat", "DE136695976")
    db.session.commit()
    return made.id


def make_invoice(
    organization_id: str,
    number: str,
    *,
    stripe_id: str | None = None,
    issued_at: datetime = ISSUED,
    status: InvoiceStatus = InvoiceStatus.OPEN,
    due_at: datetime | None = None,
    currency: str = "eur",
    total: int = 11_900,
) -> Invoice:
    """An invoice with one line: ours, or Stripe's if its id is given. Flushed."""
    invoice = Invoice(
        organization_id=organization_id,
        source=InvoiceSource.STRIPE if stripe_id else InvoiceSource.OFFLINE,
        stripe_id=stripe_id,
        number=number,
        status=status,
        currency=currency,
        subtotal_minor=total,
        total_minor=total,
        due_minor=total if status is InvoiceStatus.OPEN else 0,
        paid_minor=total if status is InvoiceStatus.PAID else 0,
        issued_at=issued_at,
        due_at=due_at,
        pdf_url=f"https://pay.stripe.com/{stripe_id}.pdf" if stripe_id else None,
        document=None if stripe_id else {"seller": PARTY, "buyer": PARTY, "payment_instructions": BANK},
        lines=[
            InvoiceLine(
                position=0, description="Enterprise", quantity=1, unit_minor=total, amount_minor=total
            )
        ],
    )
    db.session.add(invoice)
    db.session.flush()
    return invoice


def make_customer_class() -> None:
    """The class `managed` as `flask stripe configure` leaves it; once, and flushed."""
    if stored_configuration("managed") is None:
        db.session.add(StripeConfiguration(customer_class="managed", stripe_id="bpc_managed", livemode=False))
        db.session.flush()


def make_event(organization: Organization, status: EventStatus = EventStatus.DEAD) -> str:
    """An event of Stripe's about the organization's customer, which it is given if it has none; flushed."""
    organization.stripe_customer_id = organization.stripe_customer_id or f"cus_{organization.name.lower()}"
    event = StripeEvent(
        id=new_id("evt"),
        type="customer.updated",
        livemode=False,
        payload="{}",
        customer_id=organization.stripe_customer_id,
        status=status,
        attempts=8,
        created_at=ISSUED,
        next_attempt_at=None,
        last_error="StripeUnavailableError",
    )
    db.session.add(event)
    db.session.flush()
    return event.id


def make_recovery(tenant: Tenant, role: Role) -> str:
    """What another lead than the world's has asked for, for the tenant's person in `role`; committed."""
    recovery_id = new_id("rec")
    recovery = Recovery(
        id=recovery_id,
        user_id=tenant.users[role],
        organization_id=tenant.organization_id,
        token_hash=digest(recovery_token(recovery_id)),
        reason=REASON,
        asked_by_id="usr_of_another_lead",
        asked_by_name="Another Lead",
    )
    db.session.add(recovery)
    db.session.commit()
    return recovery_id


def address(rule: Rule, things: Things, **others: str) -> str:
    """The path of a route about these things; `others` puts other ids in."""
    return re.sub(
        r"<(?:\w+:)?(\w+)>", lambda found: others.get(found[1], getattr(things, found[1])), rule.rule
    )


def form(endpoint: str, things: Things) -> dict[str, Any]:
    """A filled form that the view of `endpoint` accepts. Raises `KeyError` for a route that has none here yet."""
    forms: dict[str, dict[str, Any]] = {
        "account.switch_organization": {"to": things.organization_id},
        "account.update_profile": {"name": "Another Name"},
        "account.appearance": {"theme": "dark"},
        "api_keys.create_key": {"name": "Reports"},
        "api_keys.revoke_key": {},
        "billing.save_company": {"name": "Renamed Ltd", **ADDRESS},
        "billing.company_fields": {"name": "Renamed Ltd", **ADDRESS},
        "billing.save_delivery": {"billing_email": "invoices@renamed.example"},
        "billing.create_tax_id": {"country": "US", "type": "us_ein", "value": "91-1144442"},
        "billing.tax_id_fields": {"country": "US"},
        "billing.delete_tax_id": {},
        "billing.look_tax_id_up": {},
        "billing.change_card": {},
        "billing.open_home": {},
        "billing.confirm_switch": {"price": "price_team", "seats": "5"},
        "billing.switch_plan": {},
        "billing.cancel_plan": {},
        "billing.keep_plan": {},
        "billing.release_change": {},
        "invitation.accept": {"name": "Nia Guest", "password": "a long enough password"},
        "team.update_role": {"role": "viewer"},
        "team.remove": {},
        "team.invite": {"email": "newcomer@else.example", "role": "member"},
        "team.resend": {},
        "team.revoke": {},
        "auth.sign_in_submit": {"email": "owner@acme.example", "password": PASSWORD},
        "auth.sign_out": {},
        "auth.second_factor_submit": {"code": "000000"},
        "security.change_password": {"password": PASSWORD, "new_password": "another long password"},
        "security.end_sessions": {"end": "others"},
        "security.prove": {"password": PASSWORD},
        "security.turn_on": {},
        "security.turn_off": {"password": PASSWORD, "code": "000000"},
        "security.make_codes": {},
        "security.keep_codes": {"kept_code": "AAAA-BBBB-CCCC-DDDD"},
        "webhooks.receive_stripe_event": {},
        "notifications.save_preferences": {"told": ALWAYS_ON, "digest": "daily"},
        "notifications.open_one": {},
        "notifications.read_one": {},
        "notifications.read_all": {},
        "notifications.unsubscribe": {"List-Unsubscribe": "One-Click"},
        "admin.save_subscriptions": {"told": ["member-added:email"]},
        "admin.save_slack": {"slack": ["member-added"]},
        "admin.resend_dead_letter": {"reason": "Their mailbox works again"},
        "admin.end_view": {},
        "admin.view_as_customer": {"reason": REASON},
        "admin.resend_invitation": {"reason": REASON},
        "admin.sign_person_out": {"reason": REASON},
        "admin.change_customer_class": {"reason": REASON, "customer_class": "managed"},
        "admin.add_document": {
            "reason": REASON,
            "document": (io.BytesIO(PDF_BYTES + b", page 2"), "Annex.pdf"),
        },
        "admin.remove_document": {"reason": REASON},
        "admin.record_payment": {"reason": REASON, "amount": "119.00", "paid_on": ISSUED.date().isoformat()},
        "admin.replay_stripe_event": {"reason": REASON},
        "admin.resend_message": {"reason": REASON},
        "admin.replay_one_event": {"reason": REASON},
        "admin.replay_events_since": {"reason": REASON, "since": "2026-10-01T09:00"},
        "admin.reconcile": {"reason": REASON},
        "admin.change_flag_percent": {"reason": REASON, "percent": "100"},
        "admin.change_flag_organization": {
            "reason": REASON,
            "organization": things.organization_id,
            "flag_state": "on",
        },
        "admin.ask_ticket_audit": {
            "files": (io.BytesIO(b"id,subject,body\n1,Refund,Money back please\n"), "tickets.csv"),
            "tagger": "default",
        },
        "admin.pin_ticket_reason": {"reason": "refund"},
        "admin.ask_recovery": {"reason": REASON},
        "admin.approve_recovery": {"reason": REASON},
        "admin.cancel_recovery": {"reason": REASON},
        "recovery.cancel": {},
        "api.zendesk": {},
        "api.intercom_initialize": {},
        "api.intercom_submit": {},
        "api.helpscout": {},
        "api.dismiss_nudge": {},
        "nudges.dismiss_note": {},
    }
    return forms[endpoint]
