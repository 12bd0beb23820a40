"""What integrations send in place of a token."""
