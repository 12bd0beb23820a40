"""Inventory: the parts, their prices and stock."""
