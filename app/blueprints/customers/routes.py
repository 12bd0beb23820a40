"""Customers: they register and keep their own record; the staff read, the owner corrects."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from app.blueprints.customers import erasures, registering, service
from app.blueprints.customers.models import Customer
from app.blueprints.customers.privacy_schemas import ErasedMessage
from app.blueprints.customers.schemas import (
    CustomerIn,
    CustomerOut,
    CustomerPatch,
    CustomerQuery,
    CustomerRegistrationIn,
    CustomerSelfIn,
    CustomerSelfPatch,
)
from app.blueprints.workshops import service as workshops
from app.core import paging, tenancy
from app.core.contract import evenly_timed, limited, needs, public_recognising_members, unversioned
from app.core.errors import Invalid, NotAllowed
from app.core.identity import principal, principal_if_admitted
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "customers", __name__, url_prefix="/customers", description="The people whose cars the workshop repairs."
)


@bp.post("/")
@limited("register")
@public_recognising_members
@evenly_timed
@bp.arguments(CustomerRegistrationIn)
@bp.response(201, CustomerOut)
@bp.alt_response(401, description="The account has a second factor, and no good code came.")
def create_customer(customer: dict[str, Any]) -> tuple[Customer, dict[str, str]]:
    """Register as a customer.

    Anybody may, with name, email, phone and password. Staff may also record someone who walked in: then only the name is
    needed. Where an installation has several workshops, `X-Workshop` names one. An address that has an account needs that
    account's password, and a code of its second factor if it has one.
    """
    made = _register(customer)
    return made, {"Location": url_for("customers.get_customer", customer_id=made.id)}


def _register(customer: dict[str, Any]) -> Customer:
    caller = principal_if_admitted()
    if caller is not None and caller.role == "admin":
        raise NotAllowed("An admin of the installation registers nobody in a workshop.")
    if caller is not None and caller.may("customers:create") and "password" not in customer:
        customer.pop("second_factor_code", None)  # of no account
        return registering.record(caller.workshop_id, **customer)
    if missing := [field for field in ("email", "phone", "password") if field not in customer]:
        raise Invalid(
            "See `errors`.", errors={field: ["Missing data for required field."] for field in missing}
        )
    workshop_id = caller.workshop_id if caller else workshops.named(request.headers.get("X-Workshop")).id
    with tenancy.acting_in(workshop_id):
        return registering.register(workshop_id, **customer, address=request.remote_addr)


@bp.get("/")
@limited("customers_list")
@needs("customers:read")
@bp.arguments(CustomerQuery, location="query")
@bp.response(200, CustomerOut(many=True))
def list_customers(query: dict[str, Any]) -> Any:
    """List the customers."""
    return paging.answer(service.find(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/<int:customer_id>")
@limited("read")
@needs("customers:read", "own:read")
@bp.response(200, CustomerOut)
def get_customer(customer_id: int) -> Customer:
    """Show a customer: any to staff, only themselves to a customer."""
    if not principal().may("customers:read") and principal().customer_id != customer_id:
        raise NotAllowed("A customer sees only their own record.")
    return service.get(principal().workshop_id, customer_id)


@bp.put("/")
@limited("write")
@needs("own:write")
@bp.arguments(CustomerSelfIn)
@bp.response(200, CustomerOut)
def replace_own_customer(changes: dict[str, Any]) -> Customer:
    """Replace one's own record."""
    return _change_own(changes)


@bp.patch("/")
@limited("write")
@needs("own:write")
@bp.arguments(CustomerSelfPatch)
@bp.response(200, CustomerOut)
def patch_own_customer(changes: dict[str, Any]) -> Customer:
    """Change one's own record."""
    return _change_own(changes)


def _change_own(changes: dict[str, Any]) -> Customer:
    return service.update_own(principal(), changes, expected_versions(), request.remote_addr)


@bp.delete("/")
@limited("delete")
@needs("own:write")
@bp.response(200, ErasedMessage)
def delete_own_customer() -> dict[str, Any]:
    """Erase one's own record and close the account.

    The tickets stay, without the person; the report says what else does, and why.
    """
    caller = principal()
    assert caller.customer_id is not None
    report = erasures.erase(caller.workshop_id, caller.customer_id, expected_versions())
    return {"message": "Your account was deleted.", "report": report}


@bp.put("/<int:customer_id>")
@limited("write")
@needs("customers:write")
@bp.arguments(CustomerIn)
@bp.response(200, CustomerOut)
def replace_customer(changes: dict[str, Any], customer_id: int) -> Customer:
    """Replace a customer's record."""
    return service.update(principal().workshop_id, customer_id, changes, expected_versions())


@bp.patch("/<int:customer_id>")
@limited("write")
@needs("customers:write")
@bp.arguments(CustomerPatch)
@bp.response(200, CustomerOut)
def patch_customer(changes: dict[str, Any], customer_id: int) -> Customer:
    """Change a customer's record."""
    return service.update(principal().workshop_id, customer_id, changes, expected_versions())


@bp.delete("/<int:customer_id>")
@limited("delete")
@needs("customers:write")
@bp.response(200, ErasedMessage)
def delete_customer(customer_id: int) -> dict[str, Any]:
    """Erase a customer's record and end their membership.

    The tickets stay, without the person; the report says what else does, and why.
    """
    report = erasures.erase(principal().workshop_id, customer_id, expected_versions())
    return {"message": f"Customer {customer_id} deleted.", "report": report}


@bp.post("/<int:customer_id>/unlock")
@limited("write")
@needs("customers:write")
@unversioned
@bp.response(200, Message)
def unlock_customer(customer_id: int) -> dict[str, str]:
    """Let a customer sign in at once who failed too often.

    What was counted against their address, their number and their second factor is forgotten.
    """
    service.unlock(principal(), customer_id)
    return {"message": f"Customer {customer_id} may sign in again."}


@bp.delete("/<int:customer_id>/second_factor")
@limited("delete")
@needs("customers:write")
@unversioned
@bp.response(200, Message)
@bp.alt_response(409, description="The account serves another workshop too.")
def delete_customer_second_factor(customer_id: int) -> dict[str, str]:
    """Switch off the second factor of a customer who has lost it; they are told by mail."""
    service.take_second_factor_away(principal(), customer_id)
    return {"message": f"The second factor of customer {customer_id} is switched off."}
