"""Mechanics: who does the work."""
