"""The refusals of the catalogue."""

from __future__ import annotations

from app.core.errors import NotFound


class MakeNotFound(NotFound):
    """The catalogue has no such make."""

    code, title = "make_not_found", "Make not found."
