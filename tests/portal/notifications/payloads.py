"""What each topic's texts are given, in every shape that says something else. `name` stands where people write."""

from datetime import UTC, datetime, timedelta
from typing import Any

CREATED = datetime(2026, 11, 23, 7, 52, tzinfo=UTC)


def days(count: float) -> str:
    """A moment that many days after the event, as payloads have it."""
    return (CREATED + timedelta(days=count)).isoformat()


def payloads(topic: str, name: str) -> list[dict[str, Any]]:
    """The payloads of a topic, with what the fan-out adds for an owner of Acme."""
    told = {
        "actor": name,
        "actor_kind": "user",
        "address": "192.0.2.7",
        "organization": "Acme",
        "name": "Zoe Okafor",
        "user_id": "usr_1",
        "audience": "customer",
        "why": "as an owner of Acme",
        "person": None,
        "is_about": False,
        "is_actor": False,
    }
    mine = {"is_about": True, "is_actor": True}
    member = {"member": name, "email": "ben@acme.example"}
    key = {"key": name, "prefix": "ptl_3fBxk8ap"}
    invoice = {"invoice": "AR-0007", "invoice_id": "bill_1", "amount_minor": 124_000, "currency": "usd"}
    changes = [["Name", "Acme", name], ["Seats", "", "5"]]
    shapes: dict[str, list[dict[str, Any]]] = {
        "member-added": [{**member, "role": "Admin"}, {**member, "role": "Admin", "is_about": True}],
        "member-role-changed": [
            {**member, "role": "Admin", "role_before": "Member"},
            {**member, "role": "Viewer", "role_before": "Admin", "is_about": True},
        ],
        "member-removed": [
            {**member, "is_self": False},
            {**member, "is_self": True},
            {**member, "is_self": False, "is_about": True},
        ],
        "invitation-sent": [{"email": "nia@else.example", "role": "Billing", "expires_at": days(7)}],
        "ownership-changed": [
            {**member, "role": "Owner", "role_before": "Admin"},
            {**member, "role": "Admin", "role_before": "Owner"},
            {**member, "role": None, "role_before": "Owner"},
            {**member, "role": "Owner", "role_before": None, "is_about": True},
        ],
        "billing-email-changed": [{"before": "a@acme.example", "after": "b@acme.example"}],
        "billing-details-changed": [
            {"lines": [], "changes": changes},
            {"lines": [["Tax ID added", name]], "changes": []},
        ],
        "card-changed": [
            {"card": "Visa ending in 4444", "changes": changes},
            {"card": None, "changes": changes},
        ],
        "plan-changed": [
            {
                "plan": name,
                "kind": kind,
                "changes": changes,
                "ends_at": days(20) if kind == "ending" else None,
                "next_plan": "Starter" if kind == "planned" else None,
                "next_seats": 3 if kind == "planned" else None,
                "next_at": days(20) if kind == "planned" else None,
            }
            for kind in ("started", "changed", "ending", "ended", "kept", "planned", "released")
        ],
        "payment-failed": [
            {**invoice, "attempts": tries, "next_attempt_at": next_at, "payment_state": state}
            for tries, next_at, state in (
                (1, days(3), "past_due"),
                (1, days(3), "requires_action"),
                (4, None, "requires_action"),
                (4, None, "unpaid"),
                (1, None, "incomplete"),
                (4, None, ""),
            )
        ],
        "invoice-issued": [{**invoice, "due_at": days(14)}, {**invoice, "due_at": None}],
        "invoice-overdue": [{**invoice, "due_at": days(-3)}],
        "invoice-paid": [{**invoice, "paid_at": days(-1)}, {**invoice, "paid_at": None}],
        "invoice-corrected": [{**invoice, "correction": "CN-0003"}, {**invoice, "correction": None}],
        "contract-documents-changed": [{"document": name, "kind": kind} for kind in ("added", "removed")],
        "screen-can-do-it": [
            {
                "title": "Invite teammates yourself",
                "advice": f"On the Team page {name} can be invited.",
                "organization": "Acme",
                "screen": "team",
                "screen_label": "Team",
                "wrote_at": days(-40),
                "is_about": True,
            }
        ],
        "usage-alert": [
            {"meter": name, "used": 812_345, "limit": 1_000_000, "percent": 81, "period_ends_at": days(8)}
        ],
        "api-key-created": [key],
        "api-key-rotated": [{**key, "old_ends_at": days(1)}, {**key, "old_ends_at": None}],
        "api-key-revoked": [key],
        "api-key-leaked": [
            {**key, "found_at": "code.example/tools", "is_revoked": True},
            {**key, "found_at": None, "is_revoked": False},
        ],
        "api-key-expiring": [{**key, "expires_at": days(7)}],
        "new-device": [{**mine, "device": name}],
        "second-factor-changed": [
            {**mine, "change": change, "codes_left": left, "is_actor": False}
            for change, left in (
                ("on", None),
                ("off", None),
                ("codes-made", 10),
                ("code-used", 1),
                ("removed", None),
            )
        ],
        "email-changed": [
            {**mine, "before": "zoe@old.example", "after": "zoe@new.example", "is_actor": False}
        ],
        "password-changed": [
            {**mine, "others_signed_out": True, "is_actor": False},
            {**mine, "others_signed_out": False, "is_actor": False},
        ],
        "sessions-ended": [{**mine, "reason": name, "is_actor": False}, {**mine, "reason": name}],
        "staff-viewed": [{"reason": name, "minutes": 30}],
        "recovery-asked": [{"recovery_id": "rec_1", "reason": name, "is_about": True}],
        "recovery-approved": [{"recovery_id": "rec_1", "due_at": days(1), "is_about": True}],
        "recovery-ended": [{"outcome": outcome, "is_about": True} for outcome in ("removed", "cancelled")],
        "stripe-event-dead": [
            {"event_id": "evt_1", "event_type": "invoice.paid", "error": name, "customer": customer}
            for customer in (name, None)
        ],
        "mirror-repaired": [{"found": found, "customers": 1_200} for found in (1, 2_300)],
        "portal-drifted": [
            {"customer_class": "standard", "differences": [name, "name: A in the file, B at Stripe"]}
        ],
        "digest": [
            {
                "day": "2026-11-23",
                "count": 2,
                "groups": [
                    {"organization": name, "items": [_item(name), _item("The plan was changed")]},
                    {"organization": None, "items": [_item("Your password was changed")]},
                ],
            }
        ],
        "invitation": [
            {
                "invitation_id": "inv_1",
                "sent_count": 1,
                "role": "member",
                "organization": name,
                "expires_at": days(7),
            }
        ],
    }
    return [{**told, **shape} for shape in shapes[topic]]


def _item(text: str) -> dict[str, str]:
    return {"text": text, "link": "http://localhost/account/team", "at": days(0)}
