"""The refusals of customers."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class CustomerNotFound(NotFound):
    """No such customer in this workshop."""

    code, title = "customer_not_found", "Customer not found."


class PhoneTaken(Conflict):
    """Another customer of the workshop has the number."""

    code, title = "phone_taken", "This phone number already exists here."
