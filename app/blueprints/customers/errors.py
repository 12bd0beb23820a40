"""The refusals of customers."""

from __future__ import annotations

from app.core.errors import Conflict, Invalid, NotFound


class CustomerNotFound(NotFound):
    """No such customer in this workshop."""

    code, title = "customer_not_found", "Customer not found."


class PhoneTaken(Conflict):
    """Another customer of the workshop has the number."""

    code, title = "phone_taken", "This phone number already exists here."


class InvalidNationalId(Invalid):
    """Not a well-formed number of its kind."""

    code, title = "invalid_national_id", "The national id is not valid."


class NationalIdTaken(Conflict):
    """Another customer of the workshop has the number."""

    code, title = "national_id_taken", "This national id already exists here."


class PhotoNotFound(NotFound):
    """The customer has no photo."""

    code, title = "photo_not_found", "This customer has no photo."


class ErasureNotFound(NotFound):
    """Nobody with this id was erased here."""

    code, title = "erasure_not_found", "No customer with this id was erased here."
