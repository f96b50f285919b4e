"""One of each thing that has an id, for one tenant, and the address and the form of every route about them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from werkzeug.routing import Rule

from portal.api_keys.service import create_key
from portal.extensions import db
from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceLine, InvoiceSource, InvoiceStatus
from portal.permissions import Role
from portal.team.invitations import invitation_token, invite_member
from tests.factories import PASSWORD, Tenant, add_member, make_user

ISSUED = datetime(2026, 10, 1, 9, tzinfo=UTC)
PARTY = {"name": "Skylark Ltd", "address_lines": ["12 Harbour Street"], "tax_id": None, "email": None}
BANK = {"bank": "Example Bank", "iban": "IE29 AIBK 9311 5212 3456 78", "bic": "AIBKIE2D", "reference": "A-1"}


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
    page: str = "profile"
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
    db.session.commit()
    token = invitation_token(invitation.id, 1)
    return Things(tenant.organization_id, target.id, invitation.id, token, key.id, offline.id, hosted.id)


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
        "billing.update_details": {"name": "Renamed Ltd", "billing_email": "invoices@renamed.example"},
        "billing.change_card": {},
        "invitation.accept": {"name": "Nia Guest", "password": "a long enough password"},
        "team.update_role": {"role": "viewer"},
        "team.remove": {},
        "team.invite": {"email": "newcomer@else.example", "role": "member"},
        "team.resend": {},
        "team.revoke": {},
        "auth.sign_in_submit": {"email": "owner@acme.example", "password": PASSWORD},
        "auth.sign_out": {},
        "webhooks.receive_stripe_event": {},
    }
    return forms[endpoint]
