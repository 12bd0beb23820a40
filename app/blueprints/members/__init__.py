"""Who may sign in to a workshop as one of its people, and as what."""
