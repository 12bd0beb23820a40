"""What people may do in a workshop: the built-in roles, and those of its own making."""
