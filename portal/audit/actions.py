"""Everything that the audit log can tell of."""

from enum import StrEnum


class Action(StrEnum):
    """What happened, as `source:subject:action`. A value never changes: rows that carry it are chained by hash."""

    SESSION_STARTED = "session:sign-in:done"
    SESSION_ENDED = "session:sign-out:done"
    STAFF_ADDED = "staff:account:added"
    ORGANIZATION_OPENED = "organization:account:opened"
    PROFILE_NAME_CHANGED = "profile:name:changed"
    MEMBER_ADDED = "member:membership:added"
    MEMBER_ROLE_CHANGED = "member:role:changed"
    MEMBER_REMOVED = "member:membership:removed"
    INVITATION_SENT = "invitation:mail:sent"
    INVITATION_RESENT = "invitation:mail:resent"
    INVITATION_REVOKED = "invitation:offer:revoked"
    INVITATION_ACCEPTED = "invitation:offer:accepted"
    BILLING_DETAILS_CHANGED = "billing:details:changed"
    CARD_PAGE_OPENED = "billing:card-page:opened"
    CARD_CHANGED = "billing:card:changed"
    SUBSCRIPTION_CHANGED = "billing:plan:changed"
    INVOICE_ISSUED = "invoice:document:issued"
    INVOICE_CHANGED = "invoice:status:changed"
    INVOICE_PAYMENT_FAILED = "invoice:payment:failed"
    API_KEY_CREATED = "api-key:secret:created"
    API_KEY_REVOKED = "api-key:secret:revoked"
    LOG_CUT = "audit-log:retention:applied"
