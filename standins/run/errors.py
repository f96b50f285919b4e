"""Why the demo ends before it is told to."""


class DemoError(Exception):
    """The demo cannot start or go on; the message says why, for the terminal."""


class Stopped(Exception):  # noqa: N818 - being told to stop is no error
    """SIGINT, SIGTERM or SIGHUP has arrived."""
