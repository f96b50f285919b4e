"""Imports every table, so that Alembic and `create_all` know them."""

import portal.api_keys.models
import portal.audit.models
import portal.billing.models
import portal.help_desk.models
import portal.identity.models
import portal.invoices.models
import portal.jobs.models
import portal.notifications.models
import portal.support.models
import portal.team.models  # noqa: F401
