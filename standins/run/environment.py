"""The settings that the demo gives to the portal. One that the caller has exported wins."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from standins.run.ports import Places
from standins.stripe.resources.invoice_engine import RETRY_DAYS

STRIPE_TEST_KEY = "sk_test_demo"
PRODUCT_NAME = "Skylark"
SLACK_PATH = "/hooks/slack"


def demo_environment(caller: Mapping[str, str], places: Places, var: Path) -> dict[str, str]:
    """The whole environment of every child. Makes `var` and the secrets kept in it."""
    var.mkdir(parents=True, exist_ok=True)
    ours = {
        "PUBLIC_APP_URL": places.url(places.web),
        "PRODUCT_NAME": PRODUCT_NAME,
        "SECRET_KEY": kept_secret(var / "secret_key"),
        "DATABASE_URL": f"sqlite:///{var / 'portal.sqlite'}",
        "METERING_URL": f"sqlite:///{var / 'metering.sqlite'}",
        "STRIPE_API_BASE": places.url(places.stripe),
        "STRIPE_SECRET_KEY": STRIPE_TEST_KEY,
        "STRIPE_PAYMENT_ATTEMPTS": str(1 + len(RETRY_DAYS)),
        "STRIPE_WEBHOOK_SECRETS": kept_secret(var / "stripe_webhook_secret", prefix="whsec_"),
        "SMTP_URL": f"smtp://{places.reachable_host}:{places.smtp}",
        "SUPPORT_EMAIL": "support@portal.example",
        "SLACK_WEBHOOK_URL": places.url(places.hooks) + SLACK_PATH,
        "VIES_API_BASE": places.url(places.vies),
        "MAIL_FROM": f"{PRODUCT_NAME} <no-reply@portal.example>",
    }
    programs = Path(sys.executable).parent
    fixed = {
        "HOST": places.address,
        "PORT": str(places.web),
        "PATH": f"{programs}{os.pathsep}{caller.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }
    exported = {name: value for name, value in caller.items() if value}
    return {**ours, **exported, **fixed}


def kept_secret(path: Path, prefix: str = "") -> str:
    """A random secret that stays the same from one run to the next; only its owner can read the file."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    secret = prefix + secrets.token_hex(32)
    with os.fdopen(handle, "w") as file:
        file.write(secret + "\n")
    return secret
