"""The refusals of mechanics."""

from __future__ import annotations

from app.core.errors import NotFound


class MechanicNotFound(NotFound):
    """No such mechanic in this workshop, or one who has left."""

    code, title = "mechanic_not_found", "Mechanic not found."
