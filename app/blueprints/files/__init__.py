"""Files: served to whoever has a link that has not expired."""
