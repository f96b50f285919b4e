"""A stateful stand-in for Stripe's API, version 2026-05-27.dahlia, as a process of its own."""
