"""What mechanics look like on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from app.blueprints.mechanics.service import ORDER
from app.core.paging import ListQuery
from app.core.parameters import QueryFlag
from app.core.schema import Email, Instant, Money, NewPassword, Password, PatchSchema, Phone, Schema, Text

MOST_SKILLS = 30


def _skills(**options: Any) -> fields.List[str]:
    return fields.List(
        Text(longest=60),
        validate=[validate.Length(max=MOST_SKILLS), _each_once],
        metadata={"description": "What they are good at.", "example": ["brakes", "diagnostics"]},
        **options,
    )


def _each_once(skills: list[str]) -> None:
    if len({skill.casefold() for skill in skills}) < len(skills):
        raise ValidationError("Each once.")


class MechanicIn(Schema):
    """A mechanic, whole. With a password the mechanic can sign in."""

    name = Text(required=True, metadata={"example": "Jane Wrench"})
    email = Email(required=True, metadata={"example": "jane@example.com"})
    phone = Phone(required=True, metadata={"example": "555-987-6543"})
    salary = Money(required=True, metadata={"example": 60000})
    skills = _skills(load_default=list)
    password = NewPassword()


class MechanicReplacement(MechanicIn):
    """A mechanic's record, whole; of who has an account also what they sign in with.

    Another address is asked about at both: until it is confirmed there, they sign in with the one before. A password, if
    given, replaces theirs; in one's own record, who signed in more than half an hour ago gives the present one too.
    """

    present_password = Password()


class MechanicPatch(PatchSchema):
    """What the owner changes of a mechanic."""

    name = Text(metadata={"example": "Jane Wrench"})
    email = Email(metadata={"example": "jane@example.com"})
    phone = Phone(metadata={"example": "555-987-6543"})
    salary = Money(metadata={"example": 60000})
    skills = _skills()
    password = NewPassword()
    present_password = Password()


class MechanicOut(Schema):
    """A mechanic. A customer sees id and name; the salary is for the owner's eyes."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Jane Wrench"})
    email = fields.String(metadata={"description": "For staff.", "example": "jane@example.com"})
    phone = fields.String(metadata={"description": "For staff.", "example": "555-987-6543"})
    salary = Money(metadata={"description": "For the owner.", "example": 60000})
    skills = fields.List(
        fields.String(), metadata={"description": "For staff.", "example": ["brakes", "diagnostics"]}
    )
    active = fields.Boolean(
        metadata={"description": "For staff: false of who has left, whom the tickets keep.", "example": True}
    )
    created_at = Instant(metadata={"description": "For staff.", "example": "2026-03-02T09:30:00Z"})
    updated_at = Instant(metadata={"description": "For staff.", "example": "2026-03-02T09:30:00Z"})


class MechanicQuery(ListQuery):
    """Which mechanics, in which order."""

    sort = ORDER.field()
    name = Text(longest=100, metadata={"description": "Words in the name.", "example": "jane"})
    skill = Text(
        longest=60, metadata={"description": "Words among the skills. For staff.", "example": "brakes"}
    )
    active = QueryFlag(
        load_default=True,
        metadata={"description": "`false`: those who have left. For staff.", "example": True},
    )


class MechanicSearchQuery(ListQuery):
    """A mechanic's name, or part of it."""

    sort = ORDER.field()
    name = Text(required=True, longest=100, metadata={"description": "Words in the name.", "example": "jane"})
