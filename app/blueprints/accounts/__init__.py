"""Accounts and memberships: how people sign in, and as what."""
