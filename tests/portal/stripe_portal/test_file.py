"""`stripe_portal.toml`: what it may say, and how a slip of the pen is named."""

from pathlib import Path

import pytest

from portal.stripe_portal.file import PORTAL_FILE, PortalFileError, read_portal_file
from tests.portal.stripe_portal.portal_files import PLAIN, portal_file


def test_the_file_of_this_portal_can_be_read() -> None:
    file = read_portal_file(PORTAL_FILE)
    assert list(file.classes) == ["standard", "managed"]
    assert file.headline("Skylark") == "Billing of Skylark"


def test_what_is_left_out_is_off(tmp_path: Path) -> None:
    features = portal_file(tmp_path).classes["managed"].features
    assert features.invoice_history.enabled
    assert not features.payment_method_update.enabled
    assert not features.subscription_cancel.enabled
    assert not features.subscription_update.enabled
    assert features.customer_update.allowed_updates == ()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[classes.standard", "[classes.usual", r"\[classes\.standard\] is missing"),
        ("[classes.managed]", "[classes.Managed]", "classes.Managed"),
        ("invoice_history.enabled = true\npay", "invoice_histroy.enabled = true\npay", "invoice_histroy"),
        ('["unused", "other"]', '["boredom"]', "cancellation_reasons"),
        ('["price", "quantity"]', "[]", "needs products and default_allowed_updates"),
        ("minimum = 1, maximum = 50", "minimum = 51, maximum = 50", "minimum is above maximum"),
        ('metadata = { plan = "starter" }', "", "one of them"),
        ('headline = "', 'privacy_policy_url = "http://example.com"\nheadline = "', "privacy_policy_url"),
        ("[business_profile]", "[business_profile", "portal.toml"),
    ],
)
def test_what_stripe_would_not_take_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in PLAIN
    with pytest.raises(PortalFileError, match=named):
        portal_file(tmp_path, PLAIN.replace(old, new))


def test_a_headline_may_not_be_longer_than_stripe_takes(tmp_path: Path) -> None:
    file = portal_file(tmp_path)
    assert len(file.headline("x" * 49)) == 60
    with pytest.raises(PortalFileError, match="has 61 characters"):
        file.headline("x" * 50)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PortalFileError, match=r"none\.toml: No such file"):
        read_portal_file(tmp_path / "none.toml")
