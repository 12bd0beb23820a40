"""Attachments: photos and documents on a ticket."""
