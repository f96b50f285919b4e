"""Whom a reading of Stripe is written into."""

from dataclasses import dataclass

from portal.actor import Actor
from portal.identity.models import Organization


@dataclass(frozen=True, slots=True)
class Target:
    """The organization that a reading is written into. The first reading is where we start from: nobody is told."""

    actor: Actor
    organization: Organization
    is_told: bool
