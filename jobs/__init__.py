"""The worker: when things happen."""
