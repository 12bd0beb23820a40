"""The base of every schema, and the fields that the whole API shares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from unicodedata import category, normalize

from email_validator import EmailNotValidError, validate_email
from marshmallow import RAISE, ValidationError, fields, validate

from app.core.clock import rfc3339
from app.core.money import GREATEST_AMOUNT, rounded
from app.core.passwords import LONGEST_PASSWORD
from app.core.scopes import GRANTABLE
from app.extensions import ma

GREATEST_ID = 2**63 - 1
EXACT_IN_A_FLOAT = 2**53
# Unicode's blanks, control characters and marks of format; and what is a letter or a sign there, and is drawn as nothing:
# the fillers of Hangul, and Braille without a dot.
UNSEEN = ("Zs", "Zl", "Zp", "Cc", "Cf")
DRAWN_AS_NOTHING = frozenset("\u115f\u1160\u3164\uffa0\u2800")


class Schema(ma.Schema):  # type: ignore[misc, name-defined]
    """A schema that refuses what it does not know."""

    class Meta:
        unknown = RAISE


class PatchSchema(Schema):
    """The fields of its base as a JSON Merge Patch (RFC 7396): all may be left out, a null clears what may be empty."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("partial", True)
        super().__init__(**options)


class Text(fields.String):
    """Text without control characters, trimmed; by default not empty and at most 200 characters.

    Letters are composed (Unicode's NFC), so that what looks the same is found. What shows nothing at all, such as a name of
    zero-width spaces, is empty. `pattern` (ECMA-262) is how the document tells what is taken. The longest counts before
    trimming, as the document has it.
    """

    PATTERN: ClassVar[str] = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F]*$"

    def __init__(self, *, shortest: int = 1, longest: int = 200, **options: Any) -> None:
        self.longest = longest
        metadata = {"pattern": self.PATTERN, **options.pop("metadata", {})}
        super().__init__(validate=validate.Length(shortest, longest), metadata=metadata, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = normalize("NFC", super()._deserialize(value, attr, data, **kwargs))
        if not re.fullmatch(Text.PATTERN, text):
            raise ValidationError("Control characters are not allowed.")
        if len(text) > self.longest:
            raise ValidationError(f"Longer than maximum length {self.longest}.")
        return text.strip() if any(_is_seen(letter) for letter in text) else ""


def _is_seen(letter: str) -> bool:
    return category(letter) not in UNSEEN and letter not in DRAWN_AS_NOTHING


class SixDigits(Text):
    """A code of six digits, as it was mailed or as an app shows it: with blanks between, or without."""

    PATTERN = r"^[0-9]{6}$"

    def __init__(self, **options: Any) -> None:
        metadata = {"example": "492817", **options.pop("metadata", {})}
        super().__init__(longest=20, metadata=metadata, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).replace(" ", "")
        if not re.fullmatch(self.PATTERN, text):
            raise ValidationError("A code has six digits.")
        return text


class Email(Text):
    """An e-mail address (RFC 5321), in lower case: addresses are told apart without regard to case."""

    def __init__(self, **options: Any) -> None:
        metadata = {"format": "email", "example": "ada@example.com", **options.pop("metadata", {})}
        super().__init__(longest=254, metadata=metadata, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            # test_environment lets the reserved names (.test, .example) through: a shop may well use one on its own net
            found = validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            raise ValidationError("Not a valid email address.") from error
        return found.normalized.lower()


class Phone(Text):
    """A telephone number: digits and the usual marks, 5 to 20 characters; the service brings it to E.164 where it can."""

    PATTERN = r"^\+?\(?[0-9][0-9 ().\-/]*[0-9)](?: ?x[0-9]+)?$"

    def __init__(self, **options: Any) -> None:
        options.setdefault("metadata", {}).setdefault("example", "555-123-4567")
        super().__init__(shortest=5, longest=20, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(self.PATTERN, text):
            raise ValidationError("A phone number has digits and the usual marks: + ( ) . - /")
        return text


class Money(fields.Decimal):
    """An amount of money: a JSON number or a decimal string in, a JSON number with two places out.

    The document states the two places in words: `multipleOf: 0.01` is reckoned in binary fractions by most who check it,
    where 19.99 is no multiple of 0.01.
    """

    PATTERN = r"^[0-9]{1,10}(?:\.[0-9]{1,2})?$"
    TAKEN_AS: ClassVar[dict[str, Any]] = {
        "type": ["number", "string"],
        "pattern": PATTERN,
        "description": "At most two decimal places.",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("validate", validate.Range(Decimal(0), GREATEST_AMOUNT))
        options.setdefault("metadata", {}).setdefault("example", 19.99)
        super().__init__(allow_nan=False, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(self.PATTERN, value)):
            raise self.make_error("invalid")
        amount: Decimal = super()._deserialize(value, attr, data, **kwargs)
        if abs(amount) > GREATEST_AMOUNT:
            return amount  # the validator of the range refuses it; 1e308 has too many digits to be rounded
        if amount != rounded(amount):
            raise ValidationError("At most two decimal places.")
        return rounded(amount) + 0  # -0.0 is 0.00


class SignedMoney(Money):
    """An amount of money in an answer, which may be below nothing, as a discount is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Range(-GREATEST_AMOUNT, GREATEST_AMOUNT), **options)


class Percent(fields.Decimal):
    """A percentage from 0 to 100 (or more): a JSON number or decimal string in, a JSON number with at most three places out."""

    PATTERN = r"^[0-9]{1,3}(?:\.[0-9]{1,3})?$"
    TAKEN_AS: ClassVar[dict[str, Any]] = {
        "type": ["number", "string"],
        "pattern": PATTERN,
        "description": "At most three decimal places.",
    }

    def __init__(self, most: int = 100, **options: Any) -> None:
        self.most = most
        options.setdefault("metadata", {}).setdefault("example", 8.875)
        super().__init__(allow_nan=False, validate=validate.Range(Decimal(0), Decimal(most)), **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(self.PATTERN, value)):
            raise self.make_error("invalid")
        percent: Decimal = super()._deserialize(value, attr, data, **kwargs)
        if 0 <= percent <= self.most and percent != percent.quantize(Decimal("0.001")):
            raise ValidationError("At most three decimal places.")
        return percent + 0


class Degrees(fields.Float):
    """An angle on the globe in degrees, from -`most` to `most`, kept to six places: a tenth of a metre."""

    def __init__(self, most: int, **options: Any) -> None:
        self.most = most
        super().__init__(allow_nan=False, validate=validate.Range(-most, most), **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> float:
        if isinstance(value, bool | str):
            raise self.make_error("invalid")
        angle: float = super()._deserialize(value, attr, data, **kwargs)
        return round(angle, 6) + 0.0 if abs(angle) <= self.most else angle  # -0.0 is 0.0


class Flag(fields.Boolean):
    """Yes or no: JSON's true and false, and nothing that looks like them."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Day(fields.Date):
    """A day, YYYY-MM-DD (RFC 3339); ISO 8601's other forms are refused."""

    _FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> date:
        if not (isinstance(value, str) and self._FORM.fullmatch(value)):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        day: date = super()._deserialize(value, attr, data, **kwargs)
        return day


class Whole(fields.Integer):
    """A whole number within bounds. 5.0 is one, as JSON has no other kind (JSON Schema, 6.1.1); true and "5" are none."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if isinstance(value, bool | str):
            raise self.make_error("invalid")
        if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT_IN_A_FLOAT:
            value = int(value)
        number: int = super()._deserialize(value, attr, data, **kwargs)
        return number


class Reference(Whole):
    """The id of another resource."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("metadata", {}).setdefault("example", 1)
        super().__init__(1, GREATEST_ID, **options)


class Instant(fields.AwareDateTime):
    """An instant, RFC 3339 in UTC with Z."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("metadata", {}).setdefault("example", "2026-03-02T09:30:00Z")
        super().__init__(**options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)


class InstantIn(Instant):
    """An instant that comes in, with its offset, and is brought to UTC."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:  # the first or last day of the calendar, moved beyond it
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from error


class Password(fields.String):
    """A password on its way in; never trimmed, never answered."""

    def __init__(self, **options: Any) -> None:
        metadata = {"format": "password", "example": "correct-horse-battery", **options.pop("metadata", {})}
        super().__init__(
            validate=validate.Length(1, LONGEST_PASSWORD), load_only=True, metadata=metadata, **options
        )


class NewPassword(Password):
    """A password to be kept. The document has the usual least length; the service checks the installation's setting."""

    def __init__(self, **options: Any) -> None:
        text = "Its least length is a setting of the installation: 8 unless that says otherwise."
        super().__init__(metadata={"minLength": 8, "description": text}, **options)


class ScopeList(fields.List[str]):
    """Scopes that can be given, each once, in the order of their names; app/core/scopes.py has the table."""

    def __init__(self, *, of: tuple[str, ...] = GRANTABLE, least: int = 0, **options: Any) -> None:
        metadata = {"uniqueItems": True, "example": ["tickets:read", "tickets:write"]}
        super().__init__(
            fields.String(validate=validate.OneOf(of, error="Not a scope that can be given.")),
            validate=validate.Length(least, len(of)),
            metadata=metadata | options.pop("metadata", {}),
            **options,
        )

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[str | None]:
        names = super()._deserialize(value, attr, data, **kwargs)
        if len(set(names)) < len(names):
            raise ValidationError("Each scope once.")
        return names

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> list[Any] | None:
        return super()._serialize(sorted(value), attr, obj, **kwargs)


class Message(Schema):
    """What was done, in words."""

    message = fields.String(required=True, metadata={"example": "Service ticket 7 deleted."})


class ReasonIn(Schema):
    """Why it is done: kept with it, and told to whom it concerns."""

    reason = Text(longest=300, required=True, metadata={"example": "Unpaid since June."})
