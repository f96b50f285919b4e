"""Processes that stand in for outside services in the demo and in tests. Never imported by the portal."""
