"""Links in mails: to pages of the frontend, which FRONTEND_URL names."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import current_app


def frontend(page: str, **query: str) -> str:
    """Return the address of a page of the frontend; what is secret goes into the fragment, which no server's log sees."""
    base: str = current_app.config["FRONTEND_URL"]
    return f"{base.rstrip('/')}/{page}#{urlencode(query)}"
