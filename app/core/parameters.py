"""The fields of query parameters: an address has words alone, and these say which of them are a number, a day or a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from app.core.schema import GREATEST_ID, Day, InstantIn


class QueryNumber(fields.Float):
    """A number in a query parameter: decimal, with an exponent if need be, and neither infinite nor none."""

    _FORM = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_nan=False, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> float:
        if not self._FORM.fullmatch(str(value)):
            raise self.make_error("invalid")
        number: float = super()._deserialize(value, attr, data, **kwargs)
        return number


class QueryFlag(fields.Boolean):
    """Yes or no in a query parameter: `true` or `false`."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if value not in ("true", "false"):
            raise self.make_error("invalid", input=value)
        return bool(value == "true")


class QueryInteger(fields.Integer):
    """A whole number in a query parameter: decimal digits, within bounds."""

    _DIGITS = re.compile(r"[0-9]{1,19}")

    def __init__(self, least: int = 1, most: int = GREATEST_ID, **options: Any) -> None:
        super().__init__(validate=validate.Range(least, most), **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if not self._DIGITS.fullmatch(str(value)):
            raise self.make_error("invalid")
        number: int = super()._deserialize(value, attr, data, **kwargs)
        return number


class QueryMoment(fields.Field[date]):
    """An instant in a query parameter, with its offset, or a whole day, which is left to whoever knows whose day it is."""

    TAKEN_AS: ClassVar[dict[str, Any]] = {"anyOf": [{"format": "date"}, {"format": "date-time"}]}
    _DAY, _INSTANT = Day(), InstantIn()

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> date:
        kind = self._INSTANT if "T" in str(value).upper() else self._DAY
        moment: date = kind.deserialize(value, attr, data, **kwargs)
        return moment


class CommaSeparated(fields.Field[list[str]]):
    """One or more of the `known` words in a query parameter: `?status=booked,received`."""

    def __init__(self, known: tuple[str, ...], **options: Any) -> None:
        self.known = known
        self.TAKEN_AS = {"type": "array", "items": {"type": "string", "enum": list(known)}, "minItems": 1}
        super().__init__(**options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[str]:
        words = str(value).split(",")
        if strange := [word for word in words if word not in self.known]:
            raise ValidationError(f"Unknown: {', '.join(strange)}. Known: {', '.join(self.known)}.")
        return words


class Ids(fields.Field[list[int]]):
    """The ids of some resources in a query parameter, comma-separated: `?items=1,2,3`."""

    def __init__(self, most: int, **options: Any) -> None:
        self.most = most
        self.TAKEN_AS = {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": GREATEST_ID},
            "minItems": 1,
            "maxItems": most,
        }
        super().__init__(**options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[int]:
        words = str(value).split(",")
        if not all(re.fullmatch(r"[0-9]{1,19}", word) and 1 <= int(word) <= GREATEST_ID for word in words):
            raise ValidationError("Ids, with commas between them.")
        if len(words) > self.most:
            raise ValidationError(f"At most {self.most}.")
        return [int(word) for word in words]
