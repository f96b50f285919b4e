"""Imports every table, so that Alembic and `create_all` know them."""

import portal.api_keys.models
import portal.audit.models
import portal.billing.models
import portal.company.models
import portal.contracts.models
import portal.deflection.models
import portal.help_desk.models
import portal.identity.models
import portal.inbox.models
import portal.invoices.models
import portal.jobs.models
import portal.notifications.models
import portal.nudges.models
import portal.rollout.models
import portal.stripe_mirror.models
import portal.stripe_portal.models
import portal.support.models
import portal.team.models  # noqa: F401

DROPPED_NEXT = frozenset({"cards"})
"""Tables that only the release before reads. The next one drops them, and empties this."""
