"""Typed settings, read once from the environment. A missing or contradictory one stops the start and is named."""

from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
MINIMUM_SECRET_LENGTH = 32
VIES_API = "https://ec.europa.eu/taxation_customs/vies/rest-api"
"""The REST API of the European Commission's register of VAT numbers."""
SECRET_STARTS = {
    "smtp_url": ("smtp://", "smtps://"),
    "redis_url": ("redis://", "rediss://"),
    "metering_url": ("sqlite:///", "postgres://", "postgresql://", "postgresql+psycopg://"),
    "stripe_secret_key": ("sk_", "rk_"),
}


class SettingsError(RuntimeError):
    """The environment does not make a start possible. The message is one line that names each setting."""


class Settings(BaseSettings):
    """Every setting of `docs/settings.md`. Names in the environment are the upper-case field names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    secret_key: SecretStr
    database_url: str = Field(default_factory=lambda: f"sqlite:///{VAR / 'portal.sqlite'}")
    public_app_url: str = "http://127.0.0.1:5000"
    product_name: str = "Portal"
    product_url: str = "/"
    support_email: str = ""
    product_accent: str = Field(default="#2b59c3", pattern=r"^#[0-9a-fA-F]{6}$")
    redis_url: SecretStr | None = None
    audit_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    service_tokens: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    worker_port: int = Field(default=0, ge=0, le=65535)
    proxy_hops: int = Field(default=0, ge=0, le=5)

    stripe_secret_key: SecretStr | None = None
    stripe_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    stripe_portal_config_id: str | None = None
    stripe_payment_attempts: int | None = Field(default=None, ge=1, le=20)
    stripe_api_base: str | None = None
    vies_api_base: str = VIES_API

    smtp_url: SecretStr | None = None
    mail_from: str = "Portal <no-reply@portal.example>"
    slack_webhook_url: SecretStr | None = None
    zendesk_shared_secret: SecretStr | None = None
    intercom_client_secret: SecretStr | None = None
    helpscout_secret: SecretStr | None = None
    zendesk_subdomain: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]*$")
    zendesk_email: str | None = None
    zendesk_api_token: SecretStr | None = None
    zendesk_api_base: str | None = None
    intercom_access_token: SecretStr | None = None
    intercom_region: Literal["us", "eu", "au"] = "us"
    intercom_api_base: str | None = None
    helpscout_app_id: str | None = None
    helpscout_app_secret: SecretStr | None = None
    helpscout_api_base: str | None = None
    freshdesk_domain: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*$")
    freshdesk_api_key: SecretStr | None = None
    freshdesk_api_base: str | None = None
    metering_url: SecretStr | None = None
    usage_metric: str = "api_calls"
    usage_unit: str = "API calls"

    session_source: Literal["portal"] = "portal"
    database_pool_size: int = Field(default=10, ge=1, le=100)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("stripe_webhook_secrets", "audit_secrets", "service_tokens", mode="before")
    @classmethod
    def _split_on_commas(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("database_url")
    @classmethod
    def _name_the_driver(cls, value: str) -> str:
        """Heroku says `postgres://`, most people `postgresql://`; SQLAlchemy wants the driver."""
        _check_port(value)
        for scheme in ("postgres://", "postgresql://"):
            if value.startswith(scheme):
                return "postgresql+psycopg://" + value.removeprefix(scheme)
        if not value.startswith(("postgresql+psycopg://", "sqlite:///")) or ":memory:" in value:
            raise ValueError("must start with postgresql://, or with sqlite:/// and name a file")
        return value

    @field_validator("product_url")
    @classmethod
    def _path_or_address(cls, value: str) -> str:
        if not value.startswith(("/", "https://", "http://")) or value.startswith("//"):
            raise ValueError("must be a path or an address that starts with https://")
        return value

    @field_validator("support_email")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        if value and parseaddr(value)[1] != value:
            raise ValueError("must be a mail address, such as support@example.com")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        if "@" not in parseaddr(value)[1] or "\n" in value or "\r" in value:
            raise ValueError("must hold a mail address, such as Portal <no-reply@example.com>")
        return value

    @field_validator("smtp_url", "redis_url", "metering_url", "stripe_secret_key")
    @classmethod
    def _well_formed(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """The right scheme and a port that is one; the value itself is never printed."""
        starts = SECRET_STARTS[str(info.field_name)]
        if value is not None and not value.get_secret_value().startswith(starts):
            raise ValueError(f"must start with {' or '.join(starts)}")
        if value is not None and "://" in value.get_secret_value():
            _check_port(value.get_secret_value())
        return value

    @field_validator("secret_key", "zendesk_shared_secret", "helpscout_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < MINIMUM_SECRET_LENGTH:
            raise ValueError(f"must have at least {MINIMUM_SECRET_LENGTH} characters")
        return value

    @field_validator("audit_secrets", "service_tokens")
    @classmethod
    def _each_long_enough(cls, values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(value.get_secret_value()) < MINIMUM_SECRET_LENGTH for value in values):
            raise ValueError(f"each must have at least {MINIMUM_SECRET_LENGTH} characters")
        return values

    @field_validator("slack_webhook_url")
    @classmethod
    def _slack_address(cls, value: SecretStr | None) -> SecretStr | None:
        """https, except for a catcher on this machine."""
        parts = urlsplit(value.get_secret_value()) if value else None
        if parts and parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
            raise ValueError("must start with https://")
        return value

    @field_validator("zendesk_api_base", "intercom_api_base", "helpscout_api_base", "freshdesk_api_base")
    @classmethod
    def _only_on_this_machine(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).hostname not in LOOPBACK_HOSTS:
            raise ValueError("only for a stand-in on this machine")
        return value

    @field_validator("public_app_url")
    @classmethod
    def _absolute_and_safe(cls, value: str) -> str:
        parts = urlsplit(value)
        is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not is_bare:
            raise ValueError("must be an address such as https://app.example.com, without a path")
        if ":" in parts.hostname:
            raise ValueError("must name a host: an IPv6 address cannot be checked against requests")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            raise ValueError("must be https, except on this machine")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _not_contradictory(self) -> Self:
        if self.stripe_secret_key and not self.stripe_webhook_secrets:
            raise ValueError("STRIPE_WEBHOOK_SECRETS: needed as soon as STRIPE_SECRET_KEY is set")
        if self.stripe_api_base and urlsplit(self.stripe_api_base).hostname not in LOOPBACK_HOSTS:
            raise ValueError("STRIPE_API_BASE: only for a stand-in on this machine")
        if self.vies_api_base != VIES_API and urlsplit(self.vies_api_base).hostname not in LOOPBACK_HOSTS:
            raise ValueError("VIES_API_BASE: only for a stand-in on this machine")
        if self.stripe_api_base and self.stripe_is_live:
            raise ValueError("STRIPE_API_BASE: contradicts the live key in STRIPE_SECRET_KEY")
        return self

    @property
    def is_https(self) -> bool:
        """Whether people reach the portal over TLS; cookies are Secure and `__Host-` exactly then."""
        return self.public_app_url.startswith("https://")

    @property
    def public_host(self) -> str:
        """The host name that requests ask for, without a port."""
        return urlsplit(self.public_app_url).hostname or ""

    @property
    def stripe_is_live(self) -> bool:
        """Whether the key is a live-mode key (Stripe: `sk_live_` and `rk_live_`)."""
        key = self.stripe_secret_key.get_secret_value() if self.stripe_secret_key else ""
        return key.startswith(("sk_live_", "rk_live_"))


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment; `overrides` win (tests). Raises `SettingsError`."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(
            "; ".join(_one_line(item["loc"], item["msg"]) for item in error.errors())
        ) from None


def _check_port(url: str) -> None:
    try:
        urlsplit(url).port  # noqa: B018  # reading it checks it
    except ValueError:
        raise ValueError("has a port that is not a number up to 65535") from None


def _one_line(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ").replace("Field required", "is missing")
    return f"{str(location[0]).upper()}: {text}" if location else text
