"""What Globex has signed: an agreement for two years, and the order form that belongs to it."""

import hashlib
from datetime import UTC, date, datetime, time

from portal.config import ROOT
from portal.contracts.documents import PDF
from portal.contracts.models import Contract, ContractDocument
from portal.gateways.pdf import render_pdf
from portal.identity.models import Organization
from portal.kit.money import Money
from portal.kit.words import long_date

MANAGER, MANAGER_EMAIL = "Lena Brandt", "lead@portal.example"
ORDER_FORM = """<html lang="en"><head><title>Order form</title><meta name="author" content="Skylark Ltd"></head>
<body><h1>Order form</h1><p>{customer} orders the plan {plan} with {seats} seats from {starts} to {renews}.</p>
<p>{amount} a year before tax, paid by transfer within 30 days of each quarterly invoice.</p></body></html>"""


def globex_contract(globex: Organization, now: datetime) -> Contract:
    """The agreement. It renews on the first day of the next year."""
    renews = date(now.year + 1, 1, 1)
    return Contract(
        organization_id=globex.id,
        plan_name="Enterprise",
        terms="Two years, 60 committed seats, paid by transfer within 30 days of each quarterly invoice.",
        seats=60,
        amount_minor=4_800_000,
        currency="eur",
        starts_on=date(renews.year - 2, 1, 1),
        renews_on=renews,
        manager_name=MANAGER,
        manager_email=MANAGER_EMAIL,
    )


def globex_order_form(globex: Organization, contract: Contract) -> ContractDocument:
    """The order form as a PDF, added on the day on which the contract began."""
    text = ORDER_FORM.format(
        customer=globex.name,
        plan=contract.plan_name,
        seats=contract.seats,
        starts=long_date(contract.starts_on),
        renews=long_date(contract.renews_on),
        amount=Money(contract.amount_minor, contract.currency).format(),
    )
    content = render_pdf(text, base=ROOT / "static")
    return ContractDocument(
        organization_id=globex.id,
        name=f"Order form {contract.starts_on.year}.pdf",
        media_type=PDF,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        added_by=MANAGER,
        added_at=datetime.combine(contract.starts_on, time(9), UTC),
    )
