"""The ground floor: one tool a module, none of which knows a feature."""
