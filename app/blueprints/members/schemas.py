"""What members look like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.members.service import ORDER
from app.core.paging import ListQuery
from app.core.schema import Instant, Phone, Reference, Schema
from app.core.scopes import STAFF

ROLE = {"description": "`staff` has a role of the workshop's own making.", "example": "staff"}
ROLE_ID = {"description": "Which one, with `staff`; GET /roles lists them.", "example": 1}


class MemberRoleIn(Schema):
    """What a member shall be."""

    role = fields.String(required=True, validate=validate.OneOf(STAFF), metadata=ROLE)
    role_id = Reference(load_default=None, allow_none=True, metadata=ROLE_ID)


class MemberPhoneIn(Schema):
    """The number of a member; null: none but their record's."""

    phone = Phone(required=True, allow_none=True, metadata={"example": "555-987-6500"})


class MemberOut(Schema):
    """Somebody who may sign in to the workshop as one of its people."""

    id = fields.Integer(required=True, metadata={"example": 1})
    account_id = fields.Integer(
        required=True, metadata={"description": "As the audit log names them.", "example": 1}
    )
    email = fields.String(
        required=True, metadata={"description": "What they sign in with.", "example": "jane@example.com"}
    )
    phone = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What they sign in with as well.", "example": "+12025550199"},
    )
    name = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "From their mechanic's record, if they have one.", "example": "Jane Wrench"},
    )
    role = fields.String(required=True, validate=validate.OneOf(STAFF), metadata=ROLE)
    role_id = fields.Integer(required=True, allow_none=True, metadata=ROLE_ID)
    role_name = fields.String(required=True, allow_none=True, metadata={"example": "Front desk"})
    mechanic_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Their mechanic's record.", "example": 1}
    )
    since = Instant(required=True, attribute="created_at")


class MemberQuery(ListQuery):
    """Which members, in which order."""

    sort = ORDER.field()
