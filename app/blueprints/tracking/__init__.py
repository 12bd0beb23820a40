"""Tracking: a ticket's changes, told to whoever watches, as they happen."""
