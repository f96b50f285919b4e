"""How each help desk is reached, from the settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import SecretStr

from portal.config import Settings
from portal.errors import UnavailableError

Vendor = Literal["zendesk", "intercom", "helpscout", "freshdesk"]
"""A help desk, by the name that its tickets have as `Ticket.source`."""
INTERCOM_HOSTS = {"us": "api.intercom.io", "eu": "api.eu.intercom.io", "au": "api.au.intercom.io"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """`base` is the origin of the API, `key` the secret, `name` whose it is.

    `name` is the mail address at Zendesk (none: `key` is an OAuth token) and the app's id at Help Scout.
    """

    base: str
    key: str = field(repr=False)
    name: str = ""


def credentials_of(vendor: Vendor, settings: Settings) -> Credentials:
    """What the settings say. Raises `UnavailableError` that names the missing ones."""
    return _READERS[vendor](settings)


def _zendesk(settings: Settings) -> Credentials:
    subdomain = _needed(settings.zendesk_subdomain or settings.zendesk_api_base, "ZENDESK_SUBDOMAIN")
    key = _needed(settings.zendesk_api_token, "ZENDESK_API_TOKEN")
    base = settings.zendesk_api_base or f"https://{subdomain}.zendesk.com"
    return Credentials(base, key, settings.zendesk_email or "")


def _intercom(settings: Settings) -> Credentials:
    key = _needed(settings.intercom_access_token, "INTERCOM_ACCESS_TOKEN")
    return Credentials(
        settings.intercom_api_base or f"https://{INTERCOM_HOSTS[settings.intercom_region]}", key
    )


def _helpscout(settings: Settings) -> Credentials:
    name = _needed(settings.helpscout_app_id, "HELPSCOUT_APP_ID")
    key = _needed(settings.helpscout_app_secret, "HELPSCOUT_APP_SECRET")
    return Credentials(settings.helpscout_api_base or "https://api.helpscout.net", key, name)


def _freshdesk(settings: Settings) -> Credentials:
    domain = _needed(settings.freshdesk_domain or settings.freshdesk_api_base, "FRESHDESK_DOMAIN")
    key = _needed(settings.freshdesk_api_key, "FRESHDESK_API_KEY")
    host = domain if "." in domain else f"{domain}.freshdesk.com"
    return Credentials(settings.freshdesk_api_base or f"https://{host}", key)


def _needed(value: str | SecretStr | None, setting: str) -> str:
    if value is None:
        raise UnavailableError(f"{setting} is not set.")
    return value.get_secret_value() if isinstance(value, SecretStr) else value


_READERS: dict[Vendor, Callable[[Settings], Credentials]] = {
    "zendesk": _zendesk,
    "intercom": _intercom,
    "helpscout": _helpscout,
    "freshdesk": _freshdesk,
}
