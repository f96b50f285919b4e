"""The absolute addresses that mails and outside services are given. From `PUBLIC_APP_URL`, never from a request."""

from portal.context import current_settings


def billing() -> str:
    """The billing screen, where Stripe's pages lead back to."""
    return _absolute("/account/billing")


def activity() -> str:
    """The activity screen."""
    return _absolute("/account/activity")


def api_keys() -> str:
    """The API keys screen."""
    return _absolute("/account/api-keys")


def team() -> str:
    """The team screen."""
    return _absolute("/account/team")


def invitation(token: str) -> str:
    """The page where an invitation is accepted."""
    return _absolute(f"/invitations/{token}")


def _absolute(path: str) -> str:
    return current_settings().public_app_url + path
