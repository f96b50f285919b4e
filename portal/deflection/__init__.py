"""Deflection: what customers no longer write about since a screen does it."""
