"""Vehicles: the cars, known by their encrypted VIN."""
