"""create_app(): where the layers meet. Also the WSGI entry point and the home of the one commit per request."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from htmx_flask import Htmx

from blueprints import register_blueprints
from blueprints._errors import register_errors
from blueprints._limits import register_limits
from blueprints._requests import register_request_hooks
from blueprints._session_sources import SOURCES
from blueprints._views import register_template_context
from blueprints.webhooks.short_way import add_short_way
from commands import register_commands
from commands.keyless import throwaway_key
from portal import models  # noqa: F401
from portal.config import Settings, SettingsError, load_settings
from portal.context import Services
from portal.extensions import csrf, db, login, migrate
from portal.gateways.mailer import Mailer
from portal.gateways.slack import SlackWebhook
from portal.gateways.stripe_api import StripeGateway
from portal.gateways.vies import ViesRegister
from portal.logs import configure_logging
from portal.metering.source import MeteringSource

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PROBES = ("/healthz", "/readyz", "/metrics")
LARGEST_BODY = 1_000_000
LARGEST_FORM_PARTS = 200


def create_app(settings: Settings | None = None) -> Flask:
    """The application, ready to serve. With a setting missing or wrong the process ends with one line that names it."""
    settings = settings or settings_or_exit()
    configure_logging(settings.log_level)
    app = Flask(__name__, template_folder="templates", static_folder="static")
    app.config.update(flask_config(settings))
    app.extensions["portal"] = build_services(settings)
    app.extensions["session_source"] = SOURCES[settings.session_source](settings)
    db.init_app(app)
    migrate.init_app(app, db, directory=str(Path(__file__).parent / "migrations"))
    login.init_app(app, add_context_processor=False)  # it would ask the database on every error page
    login.session_protection = None
    register_request_hooks(app, settings)
    csrf.init_app(app)
    register_limits(app, settings)
    Htmx(app)
    register_errors(app)
    register_template_context(app)
    register_blueprints(app)
    register_commands(app)
    app.wsgi_app = answer_probes(app.wsgi_app, settings.public_host)  # type: ignore[assignment, method-assign]
    app.wsgi_app = add_short_way(app, app.wsgi_app)  # type: ignore[assignment, method-assign]
    return app


def settings_or_exit() -> Settings:
    """The environment's settings; the same one line for the web server, the worker and every command."""
    try:
        return load_settings(**throwaway_key(sys.argv))
    except SettingsError as error:
        sys.exit(f"settings: {error}")


def flask_config(settings: Settings) -> dict[str, object]:
    """Flask's own settings, from ours."""
    return {
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings),
        "TRUSTED_HOSTS": [settings.public_host, "127.0.0.1", "localhost"],
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_PARTS": LARGEST_FORM_PARTS,
        "SESSION_COOKIE_NAME": "__Host-portal" if settings.is_https else "portal",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the browser's session lasts
        "WTF_CSRF_SSL_STRICT": False,  # Referrer is withheld by us; Origin and Sec-Fetch-Site are checked instead
        "WTF_CSRF_METHODS": {"POST", "PUT", "PATCH", "DELETE"},
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
        "TEMPLATES_AUTO_RELOAD": False,
    }


def engine_options(settings: Settings) -> dict[str, object]:
    """Connection pool. SQLite waits for its one writer; Postgres connections are checked before use."""
    if settings.database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": 15}, "pool_size": settings.database_pool_size}
    return {
        "pool_size": settings.database_pool_size,
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": 3, "options": "-c timezone=utc"},
    }


def build_services(settings: Settings) -> Services:
    """One client for each outside service that the settings name."""
    return Services(
        settings=settings,
        stripe=StripeGateway(settings) if settings.stripe_secret_key else None,
        mailer=Mailer(settings.smtp_url.get_secret_value()) if settings.smtp_url else None,
        slack=SlackWebhook(settings.slack_webhook_url.get_secret_value())
        if settings.slack_webhook_url
        else None,
        metering=MeteringSource(settings.metering_url.get_secret_value()) if settings.metering_url else None,
        vies=ViesRegister(settings.vies_api_base),
    )


def answer_probes(inner: "WSGIApplication", host: str) -> "WSGIApplication":
    """Probes and scrapes come by address, not by our name: for them alone the host does not matter."""

    def outer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") in PROBES:
            environ["HTTP_HOST"] = host
        return inner(environ, start_response)

    return outer
