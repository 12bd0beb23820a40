"""Workshops: the tenants."""
