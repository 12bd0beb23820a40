"""What estimates look like on the wire."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import orjson
from flask import request
from marshmallow import ValidationError, fields, pre_load, validate, validates, validates_schema

from app.blueprints.estimates import content, links
from app.blueprints.estimates.content import NOTHING, OfferedLine
from app.blueprints.estimates.models import Estimate
from app.blueprints.estimates.service import ORDER, state_of
from app.blueprints.estimates.vocabulary import BY_WORD, EXPIRED, HOW, STATES
from app.blueprints.service_tickets.lines import MOST_LINES
from app.blueprints.service_tickets.vocabulary import KINDS
from app.core.bodies import FORMS
from app.core.paging import ListQuery
from app.core.quantities import Amount
from app.core.schema import Instant, Money, Percent, Reference, Schema, SignedMoney, Text, Whole

ALL_STATES = (*STATES, EXPIRED)
_NUMBER = re.compile(r"[0-9]{1,19}")
ACCEPTED = {
    "description": "The lines that are agreed to, of those that are up for decision; the others are declined."
    " A form without any declines all of them; JSON says `[]`.",
    "example": [1],
}
SIGNATURE = {"description": "Who decides, as a signature.", "example": "Ada Obi"}
NO_NAME = "Without a letter or digit it is no name."


class EstimateIn(Schema):
    """How long an estimate stands, and a word with it."""

    valid_days = Whole(
        1, 90, load_default=14, metadata={"description": "Days that it stands.", "example": 14}
    )
    message = Text(
        longest=1000,
        load_default=None,
        allow_none=True,
        metadata={"description": "To the customer.", "example": "The pads are down to 2 mm."},
    )


class DecisionByLinkIn(Schema):
    """What is agreed to, and by whom."""

    accepted_line_ids = fields.List(Reference(), validate=validate.Length(max=MOST_LINES), metadata=ACCEPTED)
    name = Text(required=True, longest=200, metadata=SIGNATURE)

    @pre_load
    def _of_a_form(self, data: Any, **kwargs: Any) -> Any:
        """Read the numbers of a form, where everything is text, one of them comes as no list, and none are not sent at all."""
        if request.mimetype not in FORMS or not isinstance(data, dict):
            return data
        sent = data.get("accepted_line_ids", [])
        texts = sent if isinstance(sent, list) else [sent]
        numbers = [int(text) if _NUMBER.fullmatch(text) else text for text in texts]
        return {**data, "accepted_line_ids": numbers}

    @validates("name")
    def _is_a_name(self, name: str, **kwargs: Any) -> None:
        if not any(character.isalnum() for character in name):
            raise ValidationError(NO_NAME)

    @validates_schema
    def _is_said(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "accepted_line_ids" not in data:
            raise ValidationError("Missing data for required field.", "accepted_line_ids")


class DecisionIn(DecisionByLinkIn):
    """What is agreed to, and by whom; staff say how they know."""

    accepted_line_ids = fields.List(
        Reference(), required=True, validate=validate.Length(max=MOST_LINES), metadata=ACCEPTED
    )
    how = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(BY_WORD),
        metadata={"description": "For staff: how the customer said it.", "example": "phone"},
    )
    note = Text(
        longest=500,
        load_default=None,
        allow_none=True,
        metadata={"description": "For staff.", "example": "Called at 10:15, repeated the total."},
    )


class EstimateQuery(ListQuery):
    """Which page of a ticket's estimates."""

    sort = ORDER.field()


class OfferedLineOut(Schema):
    """A line as it was offered."""

    line_id = fields.Integer(required=True, metadata={"example": 1})
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "labour"})
    description = fields.String(required=True, metadata={"example": "Brake pads, front: replaced"})
    item_id = fields.Integer(required=True, allow_none=True, metadata={"example": None})
    quantity = Amount(required=True, metadata={"example": 1.5})
    unit_price = Money(required=True, metadata={"example": 95})
    tax_rate = Percent(required=True, metadata={"example": 10.25})
    percent = Percent(
        required=True,
        allow_none=True,
        metadata={
            "description": "Of a discount that is so much of what is agreed to of the lines before it.",
            "example": None,
        },
    )
    net = SignedMoney(required=True, metadata={"example": 142.5})
    tax = SignedMoney(required=True, metadata={"example": 14.61})
    total = SignedMoney(required=True, metadata={"example": 157.11})
    agreed = fields.Boolean(required=True, metadata={"description": "Agreed to before.", "example": False})
    up_for_decision = fields.Boolean(
        required=True,
        metadata={"description": "Neither agreed to before nor a discount on the whole.", "example": True},
    )
    accepted = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "Null as long as nobody decided.", "example": None},
    )
    accepted_total = SignedMoney(
        required=True,
        allow_none=True,
        metadata={
            "description": "What it came to by the decision, tax included: their sum is the estimate's. Null until then.",
            "example": None,
        },
    )


class _EstimateBase(Schema):
    revision = fields.Integer(
        required=True, metadata={"description": "Counts within the ticket.", "example": 1}
    )
    state = fields.String(required=True, validate=validate.OneOf(ALL_STATES), metadata={"example": "sent"})
    lines = fields.List(fields.Nested(OfferedLineOut), required=True)
    currency = fields.String(
        required=True, metadata={"description": "Of its amounts, as they were offered.", "example": "USD"}
    )
    net_total = Money(required=True, metadata={"example": 142.5})
    tax_total = Money(required=True, metadata={"example": 14.61})
    total = Money(required=True, metadata={"example": 157.11})
    accepted_total = Money(required=True, allow_none=True, metadata={"example": None})
    message = fields.String(
        required=True, allow_none=True, metadata={"example": "The pads are down to 2 mm."}
    )
    content_hash = fields.String(
        required=True,
        metadata={
            "description": "SHA-256 of the lines as they were offered.",
            "example": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
    )
    valid_until = Instant(required=True)
    decided_at = Instant(required=True, allow_none=True)


class TicketEstimateOut(_EstimateBase):
    """An estimate, for whoever is signed in. What is kept as evidence is for staff."""

    id = fields.Integer(required=True, metadata={"example": 1})
    service_ticket_id = fields.Integer(required=True, metadata={"example": 1})
    account_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Who sent it.", "example": 1}
    )
    decided_how = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(HOW), metadata={"example": None}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)
    sent_to = fields.String(
        allow_none=True, metadata={"description": "For staff.", "example": "ada@example.com"}
    )
    link = fields.String(
        metadata={
            "description": "For staff who may record a decision: what to hand to a customer who has no mail.",
            "example": "http://127.0.0.1:5000/estimates/AAAAAAAAAAEAAAAAAAAAAQ",
        }
    )
    decided_account_id = fields.Integer(
        allow_none=True, metadata={"description": "For staff: who recorded it.", "example": None}
    )
    decided_name = fields.String(allow_none=True, metadata={"description": "For staff.", "example": None})
    decided_address = fields.String(allow_none=True, metadata={"description": "For staff.", "example": None})
    decided_agent = fields.String(allow_none=True, metadata={"description": "For staff.", "example": None})
    decided_note = fields.String(allow_none=True, metadata={"description": "For staff.", "example": None})


class EstimateByLinkOut(_EstimateBase):
    """An estimate, for whoever has its link: nothing of the person is in it."""

    workshop = fields.String(required=True, metadata={"example": "Demo Garage"})
    workshop_phone = fields.String(required=True, allow_none=True, metadata={"example": "+13125550100"})
    ticket_number = fields.Integer(required=True, metadata={"example": 17})


def told(estimate: Estimate) -> dict[str, Any]:
    """Return what everybody who sees an estimate is told of it."""
    accepted = None
    if estimate.accepted_line_ids is not None:
        stays = content.staying(estimate.content, set(orjson.loads(estimate.accepted_line_ids)))
        accepted = {line.line_id: line.total for line in stays}
    return {
        "revision": estimate.revision,
        "state": state_of(estimate),
        "lines": [_line(line, accepted) for line in content.read(estimate.content)],
        "currency": content.currency_of(estimate.content),
        "net_total": estimate.net_total,
        "tax_total": estimate.tax_total,
        "total": estimate.net_total + estimate.tax_total,
        "accepted_total": estimate.accepted_total,
        "message": estimate.message,
        "content_hash": estimate.content_hash,
        "valid_until": estimate.valid_until,
        "decided_at": estimate.decided_at,
    }


def _line(line: OfferedLine, accepted: dict[int, Decimal] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        name: getattr(line, name) for name in OfferedLineOut._declared_fields if hasattr(line, name)
    }
    decided: dict[str, Any] = {"accepted": None, "accepted_total": None}
    if accepted is not None:
        came_to = accepted.get(line.line_id)
        decided = {"accepted": came_to is not None, "accepted_total": came_to or NOTHING}
    return shown | {"up_for_decision": line.is_open, **decided}


_EVIDENCE = (
    "sent_to", "decided_account_id", "decided_name", "decided_address", "decided_agent", "decided_note",
)  # fmt: skip


def told_members(estimate: Estimate, *, staff: bool, decides: bool) -> dict[str, Any]:
    """Return what who is signed in is told of an estimate: `staff` the evidence, and who `decides` for others the link.

    Whoever has the link decides by it, so it is not for those who only read.
    """
    shown = told(estimate)
    for name in (
        "id",
        "service_ticket_id",
        "account_id",
        "decided_how",
        "created_at",
        "updated_at",
        "version",
    ):
        shown[name] = getattr(estimate, name)
    if staff:
        shown |= {name: getattr(estimate, name) for name in _EVIDENCE}
    if decides:
        shown["link"] = links.address_of(estimate.workshop_id, estimate.id)
    return shown
