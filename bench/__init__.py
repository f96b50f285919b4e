"""Benchmarks: `python -m bench`. Ratios against a floor measured in the same run, never times."""
