"""A test that did not run is a failure: a run with skipped tests exits with 1 and names them.

Loaded as a pytest plugin by tests/conftest.py. With xdist the workers' reports arrive in the controller,
which alone decides.
"""

import pytest


class NoSkips:
    """Collects every skipped test and module of a run."""

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """An expected failure did run; it is not a skip."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[report.nodeid] = reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped[report.nodeid] = reason(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            terminalreporter.section("not run, which counts as failed", red=True)
            for nodeid, why in sorted(self.skipped.items()):
                terminalreporter.write_line(f"{nodeid}: {why}")


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why it was skipped, as the test said it."""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(NoSkips(), "no_skips_collector")
