"""What the people on call and the newcomers use: health, documentation, the root, commands."""
