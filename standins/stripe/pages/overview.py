"""The account at a glance, for whoever develops against it."""

from werkzeug.wrappers import Request, Response

from standins.stripe.pages.view import page
from standins.stripe.world import World


def show(world: World, request: Request) -> Response:
    """Customers with their subscriptions, the newest events, the webhook endpoints."""
    customers = [row for row in world.store.all("customer") if not row.get("_deleted")][:50]
    rows = [(row, world.store.all("subscription", row["id"])) for row in customers]
    return page(
        "overview.html",
        rows=rows,
        events=world.store.all("event")[:25],
        endpoints=world.store.all("webhook_endpoint"),
        lang="en",
    )
