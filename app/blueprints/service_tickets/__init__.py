"""Service tickets: one visit of a car each."""
