"""Limits on costly and harvestable routes (ASVS V2.4.1). Guessing has its own, in `portal.identity.throttle`."""

from flask import Flask, request
from flask_limiter import Limiter

from blueprints._actor import signed_in
from blueprints._headers import SAFE_METHODS
from portal.config import Settings

WRITES = "60 per minute"
COSTLY = "30 per minute"
SEARCHES = "120 per minute"


def caller() -> str:
    """Whose count a request goes on: the session's, or for visitors the address. A made-up cookie is no session."""
    session = signed_in()
    return session.token_hash if session else request.remote_addr or "unknown"


limiter = Limiter(
    key_func=caller,
    default_limits=[WRITES],
    default_limits_exempt_when=lambda: request.method in SAFE_METHODS,
    headers_enabled=False,
    strategy="fixed-window",
    in_memory_fallback_enabled=True,  # Redis down: each process counts for itself
)


def register_limits(app: Flask, settings: Settings) -> None:
    """Count in Redis where there is one, so that processes share; else each process counts for itself."""
    app.config["RATELIMIT_STORAGE_URI"] = (
        settings.redis_url.get_secret_value() if settings.redis_url else "memory://"
    )
    if settings.redis_url:  # a silent Redis must not hold every form
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    limiter.init_app(app)
