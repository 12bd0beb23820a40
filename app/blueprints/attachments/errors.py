"""The refusals of attachments."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Conflict, DomainError, Invalid, NotFound


class AttachmentNotFound(NotFound):
    """The ticket has no such attachment, or none that the caller may see."""

    code, title = "attachment_not_found", "There is no such attachment on this ticket."


class TooManyAttachments(Conflict):
    """A ticket takes so many attachments, and no more."""

    code, title = "too_many_attachments", "The ticket has as many attachments as it takes."


class AttachmentInUse(Conflict):
    """A progress update or an inspection shows it."""

    code, title = "attachment_in_use", "Something on the ticket shows this photo."


class AttachmentTypeNotTaken(DomainError):
    """Neither a picture nor a PDF, by its bytes."""

    status: ClassVar[int] = 415
    code: ClassVar[str] = "attachment_type_not_taken"
    title: ClassVar[str] = "Only JPEG, PNG, WebP and PDF are taken."


class NotADocument(Invalid):
    """It begins like a PDF, and is none, or is something else as well."""

    code, title = "not_a_document", "This is not a whole PDF."
