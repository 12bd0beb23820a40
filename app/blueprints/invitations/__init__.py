"""Invitations: how staff come to a workshop, and how somebody who walked in gets at their record."""
