"""The refusals of API keys."""

from __future__ import annotations

from app.core.errors import NotFound


class ApiKeyNotFound(NotFound):
    """The workshop has no such key."""

    code, title = "api_key_not_found", "API key not found."
