"""What vehicles look like on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.blueprints.vehicles import odometer, plates, service, transfers, views, vin
from app.blueprints.vehicles.models import (
    EARLIEST_YEAR,
    FUELS,
    GREATEST_CAPACITY,
    GREATEST_POWER,
    GREATEST_READING,
    LATEST_YEAR,
    SOURCES,
    TRANSMISSIONS,
    UNITS,
)
from app.core.paging import ListQuery
from app.core.parameters import QueryFlag, QueryInteger
from app.core.schema import (
    Email,
    Flag,
    Instant,
    InstantIn,
    PatchSchema,
    Phone,
    Reference,
    Schema,
    Text,
    Whole,
)

EXAMPLE_VIN = "1HGCM82633A004352"
RECENT_PER_PAGE = 8
LONGEST_PLATE = 20


class VinText(Text):
    """A VIN, or the chassis number of a car from before 1981."""

    FORM = "17 of A-Z and 0-9 without I, O and Q; fewer for a car from before 1981."
    PATTERN = vin.PATTERN

    def __init__(self, *, description: str = FORM, **options: Any) -> None:
        metadata = {"description": description, "example": EXAMPLE_VIN}
        super().__init__(longest=40, metadata=metadata, **options)


class Plate(Text):
    """A number plate of any country, as people write it."""

    def __init__(self, **options: Any) -> None:
        metadata = {"example": "GD 2137K", **options.pop("metadata", {})}
        super().__init__(longest=LONGEST_PLATE, metadata=metadata, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        plate = plates.normalised(super()._deserialize(value, attr, data, **kwargs))
        if not plates.folded(plate) or len(plate) > LONGEST_PLATE:  # some letters are two in capitals
            raise ValidationError(f"A plate has letters or digits, and at most {LONGEST_PLATE} characters.")
        return plate


class _Word(fields.String):
    def __init__(self, words: tuple[str, ...], example: str, **options: Any) -> None:
        super().__init__(validate=validate.OneOf(words), metadata={"example": example}, **options)


class _Year(Whole):
    def __init__(self, **options: Any) -> None:
        super().__init__(EARLIEST_YEAR, LATEST_YEAR, metadata={"example": 2003}, **options)


class _Capacity(Whole):
    def __init__(self, **options: Any) -> None:
        super().__init__(1, GREATEST_CAPACITY, metadata={"example": 2354}, **options)


class _Power(Whole):
    def __init__(self, **options: Any) -> None:
        super().__init__(1, GREATEST_POWER, metadata={"example": 118}, **options)


class VehicleIn(Schema):
    """A vehicle, whole. Its keeper changes by a transfer, what its odometer shows by a reading."""

    VIN = VinText(required=True)
    plate = Plate(load_default=None, allow_none=True)
    make = Text(load_default=None, allow_none=True, longest=60, metadata={"example": "Honda"})
    model = Text(load_default=None, allow_none=True, longest=80, metadata={"example": "Accord"})
    year = _Year(load_default=None, allow_none=True)
    fuel_type = _Word(FUELS, "petrol", load_default=None, allow_none=True)
    transmission = _Word(TRANSMISSIONS, "manual", load_default=None, allow_none=True)
    engine_capacity_cc = _Capacity(load_default=None, allow_none=True)
    engine_power_kw = _Power(load_default=None, allow_none=True)
    colour = Text(load_default=None, allow_none=True, longest=40, metadata={"example": "Silver"})
    odometer_unit = _Word(UNITS, "km", load_default=None, allow_none=True)


class VehiclePatch(PatchSchema):
    """What changes of a vehicle."""

    VIN = VinText()
    plate = Plate(allow_none=True)
    make = Text(allow_none=True, longest=60, metadata={"example": "Honda"})
    model = Text(allow_none=True, longest=80, metadata={"example": "Accord"})
    year = _Year(allow_none=True)
    fuel_type = _Word(FUELS, "petrol", allow_none=True)
    transmission = _Word(TRANSMISSIONS, "manual", allow_none=True)
    engine_capacity_cc = _Capacity(allow_none=True)
    engine_power_kw = _Power(allow_none=True)
    colour = Text(allow_none=True, longest=40, metadata={"example": "Silver"})
    odometer_unit = _Word(UNITS, "km", allow_none=True)


class NewKeeperIn(Schema):
    """A customer who comes with the vehicle."""

    name = Text(required=True, metadata={"example": "Ada Obi"})
    email = Email()
    phone = Phone()


class NewVehicleIn(VehicleIn):
    """A new vehicle: by staff of a customer who is there, or of a new one; by a customer of their own."""

    customer_id = Reference(
        metadata={"description": "Whose it is; not together with `customer`.", "example": 1}
    )
    customer = fields.Nested(NewKeeperIn)
    odometer = Whole(
        0,
        GREATEST_READING,
        metadata={"description": "What it shows, in `odometer_unit`: the first reading.", "example": 84200},
    )


class VehicleOut(Schema):
    """A vehicle."""

    id = fields.Integer(required=True, metadata={"example": 1})
    customer_id = fields.Integer(required=True, metadata={"description": "Its keeper.", "example": 1})
    VIN = fields.String(required=True, attribute="vin", metadata={"example": EXAMPLE_VIN})
    short_number = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether that is the shorter chassis number of a car from before 1981.",
            "example": False,
        },
    )
    plate = fields.String(required=True, allow_none=True, metadata={"example": "GD 2137K"})
    make = fields.String(required=True, allow_none=True, metadata={"example": "Honda"})
    model = fields.String(required=True, allow_none=True, metadata={"example": "Accord"})
    year = fields.Integer(required=True, allow_none=True, metadata={"example": 2003})
    fuel_type = _Word(FUELS, "petrol", required=True, allow_none=True)
    transmission = _Word(TRANSMISSIONS, "manual", required=True, allow_none=True)
    engine_capacity_cc = fields.Integer(required=True, allow_none=True, metadata={"example": 2354})
    engine_power_kw = fields.Integer(required=True, allow_none=True, metadata={"example": 118})
    colour = fields.String(required=True, allow_none=True, metadata={"example": "Silver"})
    odometer = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "By the last reading, in `odometer_unit`.", "example": 84200},
    )
    odometer_unit = _Word(UNITS, "km", required=True, allow_none=True)
    odometer_read_at = Instant(required=True, allow_none=True)
    archived = fields.Boolean(
        required=True, metadata={"description": "Kept for its history alone.", "example": False}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class VinHintsOut(Schema):
    """What the VIN says by itself: proposals to be confirmed, looked up nowhere and written to nothing."""

    make = fields.String(required=True, allow_none=True, metadata={"example": "Honda"})
    country = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Where it was made.", "example": "United States"},
    )
    years = fields.List(
        fields.Integer(),
        required=True,
        metadata={
            "description": "Possible model years; outside North America a maker may mean something else by that character.",
            "example": [2003],
        },
    )


class VinQuery(Schema):
    """Which VIN."""

    VIN = VinText(required=True, description="The VIN to be read.")


class VinReadOut(Schema):
    """A VIN as it would be kept, with what it says by itself, and what to look at twice in it."""

    VIN = fields.String(required=True, metadata={"example": EXAMPLE_VIN})
    short_number = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether it is the shorter chassis number of a car from before 1981.",
            "example": False,
        },
    )
    hints = fields.Nested(
        VinHintsOut,
        required=True,
        allow_none=True,
        metadata={
            "description": "Only hints. Null of an old car's shorter number.",
            "example": {"make": "Honda", "country": "United States", "years": [2003]},
        },
    )
    warnings = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Such as a check digit that is off.", "example": []},
    )


class VehicleWholeOut(VehicleOut):
    """A vehicle with what its VIN says by itself, and what to look at twice in it."""

    hints = fields.Nested(
        VinHintsOut,
        required=True,
        allow_none=True,
        metadata={
            "description": "Read from the VIN, and only hints. Null of an old car's shorter number.",
            "example": {"make": "Honda", "country": "United States", "years": [2003]},
        },
    )
    warnings = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Such as a VIN whose check digit is off.", "example": []},
    )


class VehicleQuery(ListQuery):
    """Which vehicles, in which order."""

    sort = service.ORDER.field()
    vin = VinText(description="With this VIN, or with these last six of it.")
    plate = Plate(metadata={"description": "With this plate now; blanks, hyphens and dots do not matter."})
    q = Text(
        shortest=2,
        longest=100,
        metadata={
            "description": "Words in make, model and plate, in any order; blanks and hyphens in a plate do not matter.",
            "example": "honda accord",
        },
    )
    customer_id = QueryInteger(metadata={"description": "Of this customer."})
    archived = QueryFlag(
        load_default=False,
        metadata={"description": "Those that are archived, and no others.", "example": False},
    )


class RecentQuery(ListQuery):
    """Which page of what the caller looked at last."""

    sort = views.ORDER.field()
    per_page = QueryInteger(
        most=100,
        load_default=RECENT_PER_PAGE,
        metadata={"description": "Rows a page.", "example": RECENT_PER_PAGE},
    )


class PlateQuery(ListQuery):
    """Which page of a vehicle's plates."""

    sort = plates.ORDER.field()


class PlateOut(Schema):
    """A plate that a vehicle has or had."""

    id = fields.Integer(required=True, metadata={"example": 1})
    plate = fields.String(required=True, metadata={"example": "GD 2137K"})
    since = Instant(required=True)
    until = Instant(
        required=True, allow_none=True, metadata={"description": "Null while it has it.", "example": None}
    )


class ReadingIn(Schema):
    """What an odometer showed."""

    value = Whole(0, GREATEST_READING, required=True, metadata={"example": 84200})
    unit = _Word(UNITS, "km", required=True)
    source = _Word(SOURCES, "dashboard")
    read_at = InstantIn(
        metadata={"description": "Now, unless it says otherwise.", "example": "2026-03-02T09:30:00Z"}
    )
    override_reason = Text(
        longest=300,
        metadata={
            "description": "Why it is less than before; for who has `vehicles:override`.",
            "example": "The instrument cluster was replaced.",
        },
    )


class ReadingOut(Schema):
    """What an odometer showed, as it was told."""

    id = fields.Integer(required=True, metadata={"example": 1})
    value = fields.Integer(required=True, metadata={"example": 84200})
    unit = _Word(UNITS, "km", required=True)
    source = _Word(SOURCES, "dashboard", required=True)
    read_at = Instant(required=True)
    recorded_at = Instant(required=True)
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it is less than before.", "example": None},
    )


class ReadingQuery(ListQuery):
    """Which page of a vehicle's readings."""

    sort = odometer.ORDER.field()


class TransferIn(Schema):
    """Who has the vehicle from now on."""

    customer_id = Reference(required=True)
    keeps_plate = Flag(
        load_default=True, metadata={"description": "Whether its plate goes with it.", "example": True}
    )


class TransferOut(Schema):
    """That a vehicle changed hands."""

    id = fields.Integer(required=True, metadata={"example": 1})
    from_customer_id = fields.Integer(required=True, metadata={"example": 1})
    to_customer_id = fields.Integer(required=True, metadata={"example": 2})
    at = Instant(required=True)
    account_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Who did it.", "example": 1}
    )


class TransferQuery(ListQuery):
    """Which page of a vehicle's changes of keeper."""

    sort = transfers.ORDER.field()
