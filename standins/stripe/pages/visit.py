"""A visit to the customer portal: the session behind the address, and where finished actions lead."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from werkzeug.wrappers import Request, Response

from standins.stripe.pages.view import message_page, page, see
from standins.stripe.resources.account import ACCOUNT_NAME
from standins.stripe.resources.portal_sessions import VISIT_LIFE
from standins.stripe.store import Obj
from standins.stripe.world import World


class Visit:
    """A session that is open: its customer, what its configuration allows, where its links lead."""

    def __init__(self, world: World, request: Request, session: Obj) -> None:
        self.world = world
        self.request = request
        self.session = session
        self.url = f"/p/session/{session['_token']}"
        self.customer = world.get("customer", session["customer"])
        self.configuration = world.get("billing_portal.configuration", session["configuration"])
        self.features = self.configuration["features"]

    def allows(self, feature: str) -> bool:
        """Whether the configuration switches a feature on."""
        return bool(self.features[feature]["enabled"])

    def may_update(self, name: str) -> bool:
        """Whether a part of the customer's details may be edited."""
        return self.allows("customer_update") and name in self.features["customer_update"]["allowed_updates"]

    def flow(self, kind: str) -> Obj | None:
        """The flow of the session, if it is of this type and not completed."""
        flow: Obj | None = self.session["flow"]
        return flow if flow and flow["type"] == kind and not self.session.get("_completed") else None

    @property
    def back(self) -> str:
        """Where "Go back" leads: out of a flow to whoever opened it, otherwise to the first page."""
        flow = self.session["flow"]
        if flow and not self.session.get("_completed") and self.session["return_url"]:
            return str(self.session["return_url"])
        return self.url

    def page(self, name: str, status: int = 200, **values: Any) -> Response:
        """A portal page."""
        common = {
            "visit": self,
            "customer": self.customer,
            "business": self.configuration["business_profile"]["headline"] or ACCOUNT_NAME,
            "profile": self.configuration["business_profile"],
            "back": self.session["return_url"],
            "lang": self.session["locale"] if self.session["locale"] not in (None, "auto") else "en",
        }
        return page(name, status, **common, **values)

    def done(self, kind: str, text: str) -> Response:
        """Where a finished action leads: after a flow, where `after_completion` says."""
        flow = self.flow(kind)
        if flow is None:
            return see(self.url)
        self.world.store.update(self.session | {"_completed": True})
        after = flow["after_completion"]
        if after["type"] == "redirect":
            return see(after["redirect"]["return_url"])
        if after["type"] == "hosted_confirmation":
            own = (after["hosted_confirmation"] or {}).get("custom_message")
            return message_page("Done", own or text, 200, self.session["return_url"])
        return see(self.url)


View = Callable[..., Response]


def visit(view: Callable[..., Response]) -> View:
    """Opens the session of the address; one that has expired answers 410."""

    @wraps(view)
    def opened(world: World, request: Request, token: str, **ids: str) -> Response:
        session = world.store.by_token("billing_portal.session", token)
        owner = world.store.find(session["customer"], "customer") if session else None
        if session is None or owner is None or owner.get("_deleted"):
            return message_page("There is no such page", "Check the address.", 404)
        if session["_expires"] <= world.now():
            text = "This link has expired. Go back and open it again."
            return message_page("Session expired", text, 410, session["return_url"])
        session["_expires"] = world.now() + VISIT_LIFE
        world.store.update(session)
        return view(Visit(world, request, session), **ids)

    return opened


def refused() -> Response:
    """403 for what the configuration does not allow, and for what belongs to somebody else."""
    return message_page("Not allowed", "This page does not offer that.", 403)
