"""Examining a car: what was looked at, how it was, and what should be done."""
