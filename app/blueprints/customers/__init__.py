"""Customers: whose cars the workshop repairs."""
