"""The browser of the tests: settings for pytest-playwright and the accessibility check.

Loaded as a pytest plugin by tests/conftest.py.
"""

import shutil
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page

# Chromium as the system has it; without one, the browser that playwright has installed for itself is used.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RUN_AXE = "() => axe.run(document, {resultTypes: ['violations']})"


def launch_options() -> dict[str, Any]:
    """What `playwright.chromium.launch` takes here."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    options: dict[str, Any] = {"headless": True, "args": list(FLAGS)}
    return options | {"executable_path": found} if found else options


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Takes the place of pytest-playwright's fixture."""
    return launch_options()


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """Takes the place of pytest-playwright's fixture: one language, zone and size for every run."""
    return {"locale": "en-US", "timezone_id": "UTC", "viewport": {"width": 1280, "height": 800}}


def axe_violations(page: Page) -> list[str]:
    """One line for each element that breaks one of axe-core's rules.

    axe-core enters through the debugging protocol: a script tag would be blocked by the page's own policy.
    """
    page.evaluate(AXE)
    violations = page.evaluate(RUN_AXE)["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['target']} {node['html'][:200]}"
        for violation in violations
        for node in violation["nodes"]
    ]


def assert_no_axe_violations(page: Page) -> None:
    """Fails naming every element that breaks a rule."""
    found = axe_violations(page)
    assert not found, f"{page.url}\n" + "\n".join(found)
