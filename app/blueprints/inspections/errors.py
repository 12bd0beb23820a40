"""The refusals of inspections."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class TemplateNotFound(NotFound):
    """No such template in this workshop."""

    code, title = "inspection_template_not_found", "Inspection template not found."


class TemplateNameTaken(Conflict):
    """Another template of the workshop has the name."""

    code, title = "inspection_template_name_taken", "Another inspection template has this name."


class TooManyTemplates(Conflict):
    """A workshop has a bounded number of templates."""

    code, title = "too_many_inspection_templates", "The workshop has as many inspection templates as it may."


class InspectionNotFound(NotFound):
    """No such inspection of the ticket, as far as this caller can tell."""

    code, title = "inspection_not_found", "The ticket has no such inspection."


class InspectionUnvalidated(Conflict):
    """One inspection of a ticket at a time waits for validation."""

    code, title = "inspection_unvalidated", "The ticket has an inspection that is not validated."


class InspectionValidated(Conflict):
    """Nothing of a validated inspection changes."""

    code, title = "inspection_validated", "The inspection is validated."


class NothingInspected(Conflict):
    """An inspection that says nothing is neither finished nor validated."""

    code, title = "nothing_inspected", "Nothing was looked at yet, and nothing is recommended."


class RecommendationNotFound(NotFound):
    """No such recommendation there, as far as this caller can tell."""

    code, title = "recommendation_not_found", "Recommendation not found."


class RecommendationSettled(Conflict):
    """What became of a recommendation stands in the way."""

    code, title = "recommendation_settled", "The recommendation cannot come into that state."


class TooManyRecommendations(Conflict):
    """An inspection has a bounded number of recommendations."""

    code, title = "too_many_recommendations", "The inspection has as many recommendations as it may."


class RecommendationOutdated(Conflict):
    """What was put off cannot be put on a ticket as it was."""

    code, title = (
        "recommendation_outdated",
        "The recommendation names a part that was taken out of the inventory.",
    )


class LineTaken(Conflict):
    """A line is one recommendation's."""

    code, title = "line_taken", "The line is another recommendation's."
