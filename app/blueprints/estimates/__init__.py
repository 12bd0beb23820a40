"""Estimates: what the work would come to, sent to the customer, decided line by line."""
