"""Security headers on every answer, and the check that a change was asked for by one of our own pages."""

from urllib.parse import urlsplit

from flask import Response, g, request

from portal.config import Settings
from portal.errors import ForbiddenError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STRIPE_PAGES = "https://*.stripe.com"
FRAMED_ENDPOINTS = {"nudges.frame", "nudges.dismiss_note"}
"""What the product may put into a frame on its own pages; everything else is in nobody's."""
TOKEN_ENDPOINTS = {
    *("invitation.show", "invitation.accept"),
    *("notifications.confirm_unsubscribe", "notifications.unsubscribe"),
    *("recovery.show", "recovery.cancel"),
}


def refuse_cross_site() -> None:
    """Refuse changes that another site's page asks for (ASVS V3.5.1), on top of the CSRF token.

    `Sec-Fetch-Site` where the browser sends it, and `Origin`; machines send neither and carry no cookies. Our pages
    that withhold the referrer have the origin `null`, which counts only beside a `Sec-Fetch-Site` that vouches for it.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    is_own_site = site in {None, "same-origin", "none"}
    if not (is_own_site and _is_own_origin(origin, site)):
        raise ForbiddenError("This was sent from another site and was not carried out.")


def _is_own_origin(origin: str | None, site: str | None) -> bool:
    if origin == "null":
        return site == "same-origin"
    return origin is None or origin.partition("://")[2] == request.host


def add_security_headers(response: Response, settings: Settings) -> Response:
    """The same strict headers on pages, fragments, downloads and errors."""
    response.headers.update(security_headers(settings, request.endpoint, g.get("csp_nonce", "")))
    return response


def security_headers(settings: Settings, endpoint: str | None, nonce: str) -> dict[str, str]:
    """What stands on the answer of an endpoint. `nonce` is that of its scripts, empty where it has none."""
    headers = {
        "Content-Security-Policy": content_security_policy(settings, nonce),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    is_token_page = endpoint in TOKEN_ENDPOINTS
    headers["Referrer-Policy"] = "no-referrer" if is_token_page else "strict-origin-when-cross-origin"
    if settings.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if endpoint == "ops.brand":
        headers["Cache-Control"] = "public, max-age=3600"
    elif endpoint != "static":
        headers["Cache-Control"] = "no-store"
    if endpoint in FRAMED_ENDPOINTS:
        del headers["X-Frame-Options"]  # it cannot name another site; browsers that know the policy ignore it
        policy = headers["Content-Security-Policy"]
        wanted = f"frame-ancestors {_product_origin(settings)}"
        headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", wanted)
    return headers


def _product_origin(settings: Settings) -> str:
    """The site of `PRODUCT_URL` as a policy names it; a path there is on this host."""
    parts = urlsplit(settings.product_url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"


def content_security_policy(settings: Settings, nonce: str) -> str:
    """Nothing inline, nothing evaluated, nothing from another host.

    Browsers apply `form-action` to where a form's redirect leads, so Stripe's pages are named there.
    """
    portal_page = settings.stripe_api_base or STRIPE_PAGES
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'" if nonce else "script-src 'none'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            f"form-action 'self' {portal_page}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
        )
    )
