"""Measurements, not tests: each module prints a table; `python -m tests.bench` runs them all and keeps a history."""
