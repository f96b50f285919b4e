"""Devices are named as people know them."""

import pytest

from portal.kit.agents import describe_agent

MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            f"{MOZILLA} (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        (
            f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Chrome/140.0 Safari/537.36",
            "Chrome on Mac",
        ),
        (f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) Version/19.0 Safari/605.1.15", "Safari on Mac"),
        (
            f"{MOZILLA} (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"{MOZILLA} (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/140.0 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            f"{MOZILLA} (Linux; Android 16; SM-S931B) {WEBKIT} SamsungBrowser/29.0 Chrome/136.0",
            "Samsung Internet on Android",
        ),
        (f"{MOZILLA} (X11; CrOS x86_64) {WEBKIT} Chrome/140.0 Safari/537.36", "Chrome on ChromeOS"),
        ("curl/8.1", "curl"),
        (f"{MOZILLA} (X11; Linux x86_64)", "Linux"),
        ("", "Unknown device"),
        ("<script>", "Unknown device"),
        (None, "Unknown device"),
    ],
)
def test_an_agent_is_a_browser_on_a_system(agent: str | None, name: str) -> None:
    assert describe_agent(agent) == name
