"""The absolute addresses that mails and outside services are given. From `PUBLIC_APP_URL`, never from a request."""

from urllib.parse import urlencode

from portal.context import current_settings


def billing() -> str:
    """The billing screen."""
    return _absolute("/account/billing")


def back_from_stripe() -> str:
    """The billing screen as a visit to Stripe comes back to it: it says so."""
    return _absolute("/account/billing?from=stripe")


def activity() -> str:
    """The activity screen."""
    return _absolute("/account/activity")


def api_keys() -> str:
    """The API keys screen."""
    return _absolute("/account/api-keys")


def team() -> str:
    """The team screen."""
    return _absolute("/account/team")


def usage() -> str:
    """The usage screen."""
    return _absolute("/account/usage")


def invoice(invoice_id: str) -> str:
    """An invoice's page."""
    return _absolute(f"/account/invoices/{invoice_id}")


def security() -> str:
    """The screen of password, second factor and devices."""
    return _absolute("/account/security")


def notifications() -> str:
    """The inbox, and what a person is told of."""
    return _absolute("/account/notifications")


def screen(screen_name: str) -> str:
    """The page of a screen, by the name it has in `portal.scope`."""
    return _absolute(f"/account/{screen_name}")


def unsubscribe(token: str) -> str:
    """The page that switches off a kind of mail without signing in."""
    return _absolute(f"/notifications/unsubscribe/{token}")


def staff_notifications() -> str:
    """What staff are told of, and what could not be delivered."""
    return _absolute("/admin/notifications")


def staff_webhooks() -> str:
    """What Stripe has told the portal, and how the comparisons with it went."""
    return _absolute("/admin/webhooks")


def invitation(token: str) -> str:
    """The page where an invitation is accepted."""
    return _absolute(f"/invitations/{token}")


def recovery(token: str) -> str:
    """The page where the recovery of an account is stopped."""
    return _absolute(f"/recoveries/{token}")


def staff_organization(organization_id: str) -> str:
    """An organization's page for staff."""
    return _absolute(f"/admin/organizations/{organization_id}")


def staff_search(text: str) -> str:
    """The search of staff, with `text` already looked for."""
    return _absolute(f"/admin/organizations?{urlencode({'q': text})}")


def _absolute(path: str) -> str:
    return current_settings().public_app_url + path
