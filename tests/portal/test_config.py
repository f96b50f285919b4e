"""A missing or contradictory setting stops the start, in one line that names it."""

import os
import subprocess
import sys

import pytest

from portal.config import ROOT, SettingsError, load_settings
from tests.conftest import SECRET_KEY

GOOD = {
    "secret_key": SECRET_KEY,
    "stripe_secret_key": "sk_test_x",
    "stripe_webhook_secrets": "whsec_a, whsec_b",
}
WRONG = [
    ({"secret_key": "short"}, "SECRET_KEY"),
    ({"zendesk_shared_secret": "x" * 31}, "ZENDESK_SHARED_SECRET"),
    ({"helpscout_secret": "x" * 31}, "HELPSCOUT_SECRET"),
    ({"stripe_webhook_secrets": ""}, "STRIPE_WEBHOOK_SECRETS"),
    ({"stripe_webhook_secrets": " , "}, "STRIPE_WEBHOOK_SECRETS"),
    ({"stripe_api_base": "https://stripe.evil.example"}, "STRIPE_API_BASE"),
    ({"stripe_api_base": "http://127.0.0.1:1", "stripe_secret_key": "sk_live_x"}, "STRIPE_API_BASE"),
    ({"stripe_api_base": "http://127.0.0.1:1", "stripe_secret_key": "rk_live_x"}, "STRIPE_API_BASE"),
    ({"vies_api_base": "https://vies.evil.example"}, "VIES_API_BASE"),
    ({"zendesk_api_base": "https://acme.evil.example"}, "ZENDESK_API_BASE"),
    ({"freshdesk_api_base": "http://acme.evil.example"}, "FRESHDESK_API_BASE"),
    ({"zendesk_subdomain": "acme.evil.example/"}, "ZENDESK_SUBDOMAIN"),
    ({"freshdesk_domain": "me@acme.example"}, "FRESHDESK_DOMAIN"),
    ({"intercom_region": "mars"}, "INTERCOM_REGION"),
    ({"database_url": "mysql://localhost/x"}, "DATABASE_URL"),
    ({"public_app_url": "app.example.com"}, "PUBLIC_APP_URL"),
    ({"public_app_url": "http://app.example.com"}, "PUBLIC_APP_URL"),
    ({"public_app_url": "https://app.example.com/portal"}, "PUBLIC_APP_URL"),
    ({"public_app_url": "javascript://app.example.com"}, "PUBLIC_APP_URL"),
    ({"public_app_url": "https://app.example.com/?x=1"}, "PUBLIC_APP_URL"),
    ({"public_app_url": "https://me@app.example.com"}, "PUBLIC_APP_URL"),
    ({"public_app_url": "http://[::1]:5000"}, "PUBLIC_APP_URL"),
    ({"database_url": "postgres://u:p@h:abc/db"}, "DATABASE_URL"),
    ({"database_url": "sqlite:///:memory:"}, "DATABASE_URL"),
    ({"redis_url": "unix:///tmp/redis.sock"}, "REDIS_URL"),
    ({"smtp_url": "smtp.example.com:587"}, "SMTP_URL"),
    ({"smtp_url": "smtp://smtp.example.com:99999"}, "SMTP_URL"),
    ({"metering_url": "mysql://h/x"}, "METERING_URL"),
    ({"mail_from": "Portal"}, "MAIL_FROM"),
    ({"product_url": "javascript:alert(1)"}, "PRODUCT_URL"),
    ({"support_email": "Support <support@skylark.example>"}, "SUPPORT_EMAIL"),
    ({"stripe_secret_key": "pk_test_x"}, "STRIPE_SECRET_KEY"),
    ({"product_accent": "red;}"}, "PRODUCT_ACCENT"),
    ({"proxy_hops": "-1"}, "PROXY_HOPS"),
    ({"session_source": "nobody"}, "SESSION_SOURCE"),
    ({"database_pool_size": "many"}, "DATABASE_POOL_SIZE"),
    ({"log_level": "LOUD"}, "LOG_LEVEL"),
]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SECRET_KEY",
        "DATABASE_URL",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRETS",
        "PUBLIC_APP_URL",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("wrong", "name"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_setting_is_named_in_one_line(wrong: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(**{**GOOD, **wrong})
    assert str(refusal.value).startswith(f"{name}: ")
    assert "\n" not in str(refusal.value)


def test_a_missing_secret_key_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^SECRET_KEY: is missing$"):
        load_settings()


def test_several_mistakes_are_all_named() -> None:
    with pytest.raises(SettingsError, match=r"SECRET_KEY.*; .*LOG_LEVEL"):
        load_settings(secret_key="short", log_level="LOUD")


def test_no_secret_is_in_a_message_or_a_repr() -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(**{**GOOD, "secret_key": "hunter2", "proxy_hops": "x"})
    assert "hunter2" not in str(refusal.value)
    assert "sk_test_x" not in repr(load_settings(**GOOD))
    assert SECRET_KEY not in repr(load_settings(**GOOD))


def test_both_webhook_secrets_of_a_roll_are_kept() -> None:
    secrets = load_settings(**GOOD).stripe_webhook_secrets
    assert [secret.get_secret_value() for secret in secrets] == ["whsec_a", "whsec_b"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgres_gets_the_driver(scheme: str) -> None:
    settings = load_settings(**GOOD, database_url=f"{scheme}://u:p@host/db")
    assert settings.database_url == "postgresql+psycopg://u:p@host/db"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert load_settings(**GOOD).database_url.startswith("sqlite:///")


@pytest.mark.parametrize(
    "program", [["-m", "jobs"], ["-m", "flask", "db", "upgrade"], ["-c", "import wsgi; wsgi.create_app()"]]
)
def test_every_process_stops_with_that_line(program: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    done = subprocess.run(
        [sys.executable, *program],
        cwd=ROOT,
        env={**environment, "DATABASE_URL": "mysql://x"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    line = done.stderr.strip().splitlines()
    assert len(line) == 1, done.stderr
    assert "SECRET_KEY: is missing" in line[0]
    assert "DATABASE_URL" in line[0]
