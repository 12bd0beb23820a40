"""Notifications: what was sent in the workshop's name, and what could not be."""
