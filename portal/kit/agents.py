"""What a browser says of itself, in words. A guess for people to recognise a device by, never a proof."""

# The order matters: most browsers name others too.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-requests/", "Python"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
UNKNOWN = "Unknown device"


def describe_agent(agent: str | None) -> str:
    """`Firefox on Windows`; what cannot be told is left out."""
    browser, system = _first(BROWSERS, agent or ""), _first(SYSTEMS, agent or "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or UNKNOWN


def _first(names: tuple[tuple[str, str], ...], agent: str) -> str | None:
    return next((name for mark, name in names if mark in agent), None)
