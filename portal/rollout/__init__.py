"""Rollout: which screens are open to which organizations, since when, and why."""
