"""Timesheets: who worked on which ticket from when to when."""
