"""Canned jobs: what is done again and again, put on a ticket by one call."""
