"""The refusals of workshops."""

from __future__ import annotations

from app.core.errors import Conflict, Invalid, NotFound


class WorkshopNotFound(NotFound):
    """No workshop has the slug that X-Workshop names."""

    code, title = "workshop_not_found", "There is no such workshop."


class WorkshopRequired(Invalid):
    """A public request must name a workshop where there are several."""

    code, title = "workshop_required", "Name the workshop: send its slug as `X-Workshop`."


class SlugTaken(Conflict):
    """Another workshop has the slug."""

    code, title = "slug_taken", "Another workshop has this slug."
