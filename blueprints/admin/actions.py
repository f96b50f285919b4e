"""What a lead does for a customer, each with a reason that the customer can read."""

from flask import Response

from blueprints._actor import staff_actor
from blueprints._guards import staff_only
from blueprints.admin import admin
from blueprints.admin._asking import Question, answer, ask
from blueprints.admin.forms import PaymentForm, ReasonForm
from portal.invoices.models import Invoice
from portal.invoices.queries import get_invoice
from portal.invoices.service import mark_paid
from portal.kit.clock import utcnow
from portal.kit.money import Money
from portal.notifications.dead_letters import resend
from portal.permissions import StaffRole
from portal.stripe_mirror.replay import replay_event
from portal.support import queries
from portal.support.service import end_sessions
from portal.team.invitations import resend_as_staff
from portal.team.queries import member_row

ORGANIZATION = "/organizations/<organization_id>"


@admin.get(f"{ORGANIZATION}/invitations/<invitation_id>/resend")
@staff_only(StaffRole.LEAD)
def confirm_invitation(organization_id: str, invitation_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_invitation(organization_id, invitation_id), ReasonForm(formdata=None))


@admin.post(f"{ORGANIZATION}/invitations/<invitation_id>/resend")
@staff_only(StaffRole.LEAD)
def resend_invitation(organization_id: str, invitation_id: str) -> Response:
    """Send an invitation again."""
    question, actor = about_invitation(organization_id, invitation_id), staff_actor(organization_id)
    return answer(
        question,
        ReasonForm(),
        lambda reason: resend_as_staff(actor, invitation_id, reason),
        "A new invitation is on its way.",
    )


def about_invitation(organization_id: str, invitation_id: str) -> Question:
    """What sending again means. Raises `NotFoundError`."""
    email = queries.invitation_email(organization_id, invitation_id)
    consequence = f"{email} gets a new link, good for a week. The earlier link stops working."
    return Question(
        organization_id, f"Send the invitation of {email} again", consequence, "Send again", "people"
    )


@admin.get(f"{ORGANIZATION}/people/<member_id>/sign-out")
@staff_only(StaffRole.LEAD)
def confirm_sign_out(organization_id: str, member_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_sign_out(organization_id, member_id), ReasonForm(formdata=None))


@admin.post(f"{ORGANIZATION}/people/<member_id>/sign-out")
@staff_only(StaffRole.LEAD)
def sign_person_out(organization_id: str, member_id: str) -> Response:
    """End every session of a person."""
    question, actor = about_sign_out(organization_id, member_id), staff_actor(organization_id)
    return answer(
        question,
        ReasonForm(),
        lambda reason: end_sessions(actor, member_id, reason),
        "They are signed out everywhere.",
    )


def about_sign_out(organization_id: str, member_id: str) -> Question:
    """What signing somebody out means. Raises `NotFoundError`."""
    member = member_row(organization_id, member_id)
    consequence = f"{member.email} is signed out on every device at once, and told by mail."
    return Question(
        organization_id, f"Sign {member.name} out", consequence, "Sign out everywhere", "people", True
    )


@admin.get(f"{ORGANIZATION}/invoices/<invoice_id>/paid")
@staff_only(StaffRole.LEAD)
def confirm_payment(organization_id: str, invoice_id: str) -> Response:
    """Ask what came in, and when."""
    invoice = get_invoice(organization_id, invoice_id)
    due = Money(invoice.due_minor, invoice.currency)
    return ask(
        about_payment(invoice),
        PaymentForm(formdata=None, amount=due.to_decimal(), paid_on=utcnow().date()),
    )


@admin.post(f"{ORGANIZATION}/invoices/<invoice_id>/paid")
@staff_only(StaffRole.LEAD)
def record_payment(organization_id: str, invoice_id: str) -> Response:
    """Mark an invoice by transfer as paid."""
    question, actor = about_payment(get_invoice(organization_id, invoice_id)), staff_actor(organization_id)
    form = PaymentForm()
    return answer(
        question,
        form,
        lambda reason: mark_paid(actor, invoice_id, form.amount.data, form.paid_on.data, reason),
        "The payment is recorded.",
    )


def about_payment(invoice: Invoice) -> Question:
    """What recording a payment means."""
    due = Money(invoice.due_minor, invoice.currency).format()
    consequence = f"{due} is due. The invoice is shown as paid, and the customer is told."
    return Question(
        invoice.organization_id,
        f"Record the payment of invoice {invoice.number}",
        consequence,
        "Record payment",
        "invoices",
    )


@admin.get(f"{ORGANIZATION}/events/<event_id>/replay")
@staff_only(StaffRole.LEAD)
def confirm_replay(organization_id: str, event_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_replay(organization_id, event_id), ReasonForm(formdata=None))


@admin.post(f"{ORGANIZATION}/events/<event_id>/replay")
@staff_only(StaffRole.LEAD)
def replay_stripe_event(organization_id: str, event_id: str) -> Response:
    """Have a Stripe event handled again."""
    question, actor = about_replay(organization_id, event_id), staff_actor(organization_id)
    return answer(
        question,
        ReasonForm(),
        lambda reason: replay_event(actor, event_id, reason),
        "The event is handled again within seconds.",
    )


def about_replay(organization_id: str, event_id: str) -> Question:
    """What handling an event again means. Raises `NotFoundError`."""
    event = queries.event_row(organization_id, event_id)
    consequence = "The portal reads what the event is about from Stripe again and writes what it finds."
    return Question(organization_id, f"Handle {event.type} again", consequence, "Handle again", "webhooks")


@admin.get(f"{ORGANIZATION}/messages/<int:message_id>/resend")
@staff_only(StaffRole.LEAD)
def confirm_message(organization_id: str, message_id: int) -> Response:
    """Ask for the reason."""
    return ask(about_message(organization_id, message_id), ReasonForm(formdata=None))


@admin.post(f"{ORGANIZATION}/messages/<int:message_id>/resend")
@staff_only(StaffRole.LEAD)
def resend_message(organization_id: str, message_id: int) -> Response:
    """Try to deliver a message again that was given up."""
    question, actor = about_message(organization_id, message_id), staff_actor(organization_id)
    return answer(
        question,
        ReasonForm(),
        lambda reason: resend(actor, message_id, reason),
        "It is tried again within seconds.",
    )


def about_message(organization_id: str, message_id: int) -> Question:
    """What delivering again means. Raises `NotFoundError`."""
    message = queries.message_row(organization_id, message_id)
    consequence = f"The message to {message.recipient} is sent again, from its first try."
    return Question(
        organization_id, f"Send {message.topic} again", consequence, "Send again", "notifications"
    )
