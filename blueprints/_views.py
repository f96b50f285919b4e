"""What every template may count on: the viewer, the organization, the navigation, words for times and money."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from flask import Flask, g, request, url_for
from markupsafe import Markup

from blueprints._actor import current_actor, require_signed_in, signed_in
from blueprints._session_sources import cookie_name
from portal.billing.payment_trouble import PaymentTrouble, known_trouble
from portal.config import ROOT
from portal.context import current_settings
from portal.identity.queries import memberships_of_user
from portal.identity.sessions import SignedIn
from portal.jobs.queries import trouble
from portal.kit.clock import utcnow
from portal.kit.money import Money
from portal.kit.text import initials
from portal.kit.words import ago, exact_time, file_size, long_date, number, short_date
from portal.notifications.catalogue import topic_label
from portal.notifications.inbox import unread_count
from portal.permissions import ROLE_LABELS, Permission
from portal.scope import SCREENS, open_screens

THEMES = ("light", "dark", "system")


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the navigation at the left."""

    label: str
    href: str
    icon: str
    current: bool
    group: str = ""


STAFF_PAGES = (
    ("Organizations", "admin.organizations", "building"),
    ("Audit log", "admin.audit_log", "activity"),
    ("Flags", "admin.flags", "flag"),
    ("Deflection", "admin.deflection", "chart"),
    ("Webhooks", "admin.webhooks", "webhook"),
    ("Jobs", "admin.jobs", "clock"),
    ("Notifications", "admin.notifications", "bell"),
)


def register_template_context(app: Flask) -> None:
    """Give templates their context, filters and globals."""
    app.context_processor(page_context)
    app.jinja_env.filters.update(
        long_date=long_date,
        short_date=short_date,
        exact_time=exact_time,
        number=number,
        file_size=file_size,
        initials=initials,
        money=lambda minor, currency: Money(minor, currency).format(),
        when=when,
        day=day,
        topic=topic_label,
    )
    app.jinja_env.globals.update(Permission=Permission, ROLE_LABELS=ROLE_LABELS, static_url=static_url)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def support_link(address: str) -> Markup:
    """The word "support", as a link where there is an address to write to."""
    return Markup('<a href="mailto:{}">support</a>').format(address) if address else Markup("support")


def page_context() -> dict[str, Any]:
    """The variables that layouts read. Looks nobody up, and on error pages asks the database for nothing."""
    settings = current_settings()
    known = signed_in() if "signed_in" in g else None
    session = None if g.get("is_error_page") else known
    context: dict[str, Any] = {
        "product_name": settings.product_name,
        "product_url": settings.product_url,
        "support": support_link(settings.support_email),
        "csp_nonce": g.get("csp_nonce", ""),
        "theme": current_theme(),
        "viewer": None,
        "view": known.view if known else None,
        "payment_trouble": None,
        "organization": None,
        "memberships": [],
        "navigation": [],
        "can": lambda _permission: False,
    }
    if session is not None:
        context.update(_signed_in_context(session))
    return context


def current_theme() -> str:
    """The theme this browser chose, else what the device says."""
    chosen = request.cookies.get(theme_cookie(), "")
    return chosen if chosen in THEMES else "system"


def theme_cookie() -> str:
    """The name of the cookie that keeps the theme."""
    return cookie_name(current_settings(), "portal_theme")


@lru_cache
def static_url(name: str) -> str:
    """The address of one of our files; it changes with the content, so that no browser keeps an old one."""
    content = (ROOT / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:10]}"


def when(value: datetime) -> Markup:
    """A time as people say it, the exact one on hover."""
    return _time(value.isoformat(), exact_time(value), ago(value, utcnow()))


def day(value: date | datetime) -> Markup:
    """A day, the exact time on hover where there is one."""
    exact = exact_time(value) if isinstance(value, datetime) else ""
    return _time(value.isoformat(), exact, short_date(value))


def _time(machine: str, exact: str, words: str) -> Markup:
    """None of the three comes from people; building it as text is five times faster than `Markup.format`."""
    title = f' title="{exact}"' if exact else ""
    return Markup(f'<time datetime="{machine}"{title}>{words}</time>')  # noqa: S704  # nosec B704


def _signed_in_context(session: SignedIn) -> dict[str, Any]:
    is_staff_page = (request.endpoint or "").startswith("admin.")
    context: dict[str, Any] = {
        "viewer": {
            "id": session.user_id,
            "name": session.name,
            "email": session.email,
            "initials": initials(session.name),
        },
        "navigation": _staff_navigation() if is_staff_page else _navigation(session),
        "work_trouble": trouble if is_staff_page else None,
    }
    if session.view is None:
        context["unread"] = lambda: unread_count(session.user_id, session.staff_role is not None)
    if session.organization_id and session.role:
        context["organization"] = {"id": session.organization_id, "name": session.organization_name}
        context["role"] = session.role
        context["can"] = _can(session)
        context["payment_trouble"] = _payment_trouble
    if session.memberships_count > 1:
        context["memberships"] = [
            {
                "organization_id": row.organization_id,
                "name": row.name,
                "role_label": ROLE_LABELS[row.role],
                "current": row.organization_id == session.organization_id,
            }
            for row in memberships_of_user(session.user_id)
        ]
    return context


def _can(session: SignedIn) -> Callable[[Permission], bool]:
    """What buttons and links ask: the role allows it, and its screen is not switched off."""
    actor = current_actor()
    closed = {screen.permission for screen in SCREENS if screen.name in session.closed_screens}
    return lambda permission: permission not in closed and actor.can(permission)


def _payment_trouble() -> PaymentTrouble | None:
    """For who can put it right. That nothing is wrong stands in the session, so it costs no query."""
    session, actor = require_signed_in(), current_actor()
    if session.payment_trouble is None or not actor.can(Permission.BILLING_MANAGE):
        return None
    return known_trouble(actor.organization, session.payment_trouble)


def _navigation(session: SignedIn) -> list[NavigationItem]:
    blueprint = request.blueprint or ""
    return [
        NavigationItem(
            screen.label, url_for(screen.endpoint), screen.icon, blueprint == screen.blueprint, screen.group
        )
        for screen in open_screens(session.role, session.closed_screens)
        if session.view is None or screen.permission is not None
    ]


def _staff_navigation() -> list[NavigationItem]:
    """A page's own pages, such as one organization's, count as it."""
    addresses = [(label, url_for(endpoint), icon) for label, endpoint, icon in STAFF_PAGES]
    return [
        NavigationItem(label, href, icon, f"{request.path}/".startswith(f"{href}/"))
        for label, href, icon in addresses
    ]
