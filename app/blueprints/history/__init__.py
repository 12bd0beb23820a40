"""The history of a vehicle: what was done at its visits, what was said of it, and what was shown."""
