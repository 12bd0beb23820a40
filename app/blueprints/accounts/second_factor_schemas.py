"""What setting up a second factor, and showing it, take and answer."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.blueprints.accounts.schemas import LONGEST_TOKEN, RefreshPlace, sent_among
from app.core.schema import Instant, Password, Schema, SixDigits, Text


class SecondFactorOut(Schema):
    """Whether one has a second factor."""

    enabled = fields.Boolean(required=True, metadata={"example": True})
    required = fields.Boolean(
        required=True, metadata={"description": "Whether a workshop of one's asks for it.", "example": False}
    )
    enabled_at = Instant(required=True, allow_none=True)
    recovery_codes_left = fields.Integer(required=True, metadata={"example": 10})


class SecondFactorIn(Schema):
    """The present password, to begin with."""

    present_password = Password(required=True)


class SecondFactorBegunOut(Schema):
    """A secret for the app, in three forms."""

    secret = fields.String(required=True, metadata={"example": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"})
    uri = fields.String(
        required=True,
        metadata={
            "description": "As apps take it.",
            "example": "otpauth://totp/Demo%20Garage:ada%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Demo%20Garage",
        },
    )
    qr_code = fields.String(
        required=True,
        metadata={
            "description": "The URI to scan: an SVG as a data URI.",
            "example": "data:image/svg+xml;...",
        },
    )


class SecondFactorCodeIn(Schema):
    """A code of the app, to show that it has the secret."""

    code = SixDigits(required=True)


RECOVERY_CODE = {"description": "One of the ten.", "x-in-place-of": "code", "example": "k7wq-3mzt-9hfd"}


class _ByOneCode(Schema):
    """Something that is shown by the app's code, or by a recovery code."""

    code = SixDigits()
    recovery_code = Text(longest=40, metadata=RECOVERY_CODE)

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _shown_once(self, data: dict[str, Any], sent: Any, **kwargs: Any) -> None:
        given = sent_among(("code", "recovery_code"), sent)
        if not given:
            raise ValidationError("Missing data for required field.", "code")
        if len(given) > 1:
            raise ValidationError("Not together with `code`.", "recovery_code")


class SecondFactorRemovalIn(_ByOneCode):
    """The present password, and a code of the app or a recovery code."""

    present_password = Password(required=True)


class SecondFactorLoginIn(_ByOneCode):
    """The challenge that a sign-in was answered with, and a code of the app or a recovery code."""

    challenge = fields.String(
        required=True,
        validate=validate.Length(1, LONGEST_TOKEN),
        load_only=True,
        metadata={"example": "b64Yx9..."},
    )
    refresh_in = RefreshPlace()


class RecoveryCodesIn(Schema):
    """The present password, and a code of the app."""

    present_password = Password(required=True)
    code = SixDigits(required=True)


class RecoveryCodesOut(Schema):
    """Ten codes that stand in for the app once each. They are not shown again."""

    recovery_codes = fields.List(
        fields.String(), required=True, metadata={"example": ["k7wq-3mzt-9hfd", "p4xn-8vbe-w2ru"]}
    )
