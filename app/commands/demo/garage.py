"""The standing rows of the demo shop: mechanics, customers, parts, and cars with their plates and odometers.

They are the same ones for the same number of tickets, whenever and wherever they are made. Each table draws from dice of
its own, so that the mechanics, say, are the same at any size. Only what must differ does: password hashes, and the
ciphertext of a VIN.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from random import Random

import phonenumbers
from faker import Faker

from app.blueprints.vehicles import distance
from app.blueprints.vehicles import plates as plate_rules
from app.blueprints.vehicles import service as vehicle_rules
from app.blueprints.vehicles.vin import check_digit
from app.commands.demo import hours
from app.commands.demo.bulk import Row
from app.commands.demo.vocabulary import CARS, COLOURS, FAMILIES, Car, Family
from app.core.money import rounded
from app.core.names import folded_number

MECHANICS = 8
VARIANTS = len(FAMILIES[0].variants)
PARTS = len(FAMILIES) * VARIANTS
COST = Decimal("0.6")  # of the price: what the shop pays
NEARBY = (312, 773, 708, 847, 630)  # telephone areas of Chicago
MODEL_YEARS = "89ABCDEFGHJKLMNPRST"  # the tenth character of a VIN: 2008 to 2026
FIRST_MODEL_YEAR = 2008


def dice(purpose: str) -> Random:
    """Return a source of chance that falls the same way each time, for one purpose."""
    return Random(f"Demo Garage {purpose}")  # made-up rows, no secrets  # noqa: S311  # nosec B311


@dataclass(frozen=True, slots=True)
class Ids:
    """The first id of each table; its rows are numbered on from there."""

    mechanics: int
    parts: int
    customers: int
    vehicles: int
    tickets: int


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is, by the number of tickets."""

    tickets: int

    @property
    def customers(self) -> int:
        return max(200, self.tickets // 50)

    @property
    def vehicles(self) -> int:
        """One for each customer, and for every fifth a second."""
        return self.customers + -(-self.customers // 5)


class Garage:
    """The rows of one demo shop."""

    def __init__(self, workshop_id: int, size: Size, ids: Ids) -> None:
        self.workshop_id = workshop_id
        self.size = size
        self.ids = ids
        self.prices = {family.sku: _prices(family) for family in FAMILIES}
        self.families = {family.sku: family for family in FAMILIES}
        self.first_part = {family.sku: ids.parts + i * VARIANTS for i, family in enumerate(FAMILIES)}

    def mechanics(self, email: str) -> Iterator[Row]:
        """Yield the mechanics; the first one's address is `email`."""
        chance = dice("salaries")
        for place, person in enumerate(islice(_people("mechanics", 0, email), MECHANICS)):
            yield {
                "id": self.ids.mechanics + place,
                "workshop_id": self.workshop_id,
                **person,
                "salary": Decimal(chance.randrange(42_000, 78_000, 500)),
                "left_at": None,
                **recorded(place / MECHANICS),
            }

    def customers(self, email: str) -> Iterator[Row]:
        """Yield the customers; the first one's address is `email`."""
        people = _people("customers", MECHANICS, email)
        for place, person in enumerate(islice(people, self.size.customers)):
            yield {
                "id": self.ids.customers + place,
                "workshop_id": self.workshop_id,
                **person,
                "erased_at": None,
                **recorded(place / self.size.customers),
            }

    def parts(self) -> Iterator[Row]:
        """Yield the parts. Of those that are counted a few are at their minimum, below it, or out of stock."""
        chance = dice("stock")
        for place, (family, variant) in enumerate((f, v) for f in FAMILIES for v in range(VARIANTS)):
            minimum = chance.choice((2, 4, 6, 10))
            low = chance.random() < 0.15
            on_hand = chance.choice((0, minimum // 2, minimum)) if low else minimum + chance.randint(1, 40)
            cost = self.cost(family, variant)
            yield {
                "id": self.ids.parts + place,
                "workshop_id": self.workshop_id,
                "name": self.name(family, variant),
                "price": self.prices[family.sku][variant][True],
                "sku": (sku := f"{family.sku}-{variant + 1:02d}" if family.tracked else None),
                "folded_sku": folded_number(sku) if sku else None,
                "on_hand": on_hand if family.tracked else None,
                "minimum_stock_level": minimum if family.tracked else None,
                "stock_value": cost * on_hand,
                "last_cost": cost if family.tracked else None,
                "archived_at": None,
                **recorded(0),
                "version": 2,
                "updated_at": hours.instant(hours.PRICE_RISE),
            }

    @staticmethod
    def name(family: Family, variant: int) -> str:
        """Return what a part is called."""
        return f"{family.name}, {family.variants[variant]}"

    def cost(self, family: Family, variant: int) -> Decimal:
        """Return what one of a part cost; nothing of one whose stock is not counted, for nobody said."""
        return rounded(self.prices[family.sku][variant][True] * COST) if family.tracked else Decimal("0.00")

    def openings(self) -> Iterator[Row]:
        """Yield the movements by which the ledger of the stock begins: with what is on hand now, after all those visits."""
        for part in self.parts():
            if part["on_hand"]:
                yield {
                    "workshop_id": self.workshop_id,
                    "part_id": part["id"],
                    "kind": "opening",
                    "quantity": part["on_hand"],
                    "unit_cost": part["last_cost"],
                    "value": part["stock_value"],
                    "balance": part["on_hand"],
                    "balance_value": part["stock_value"],
                    "at": hours.instant(hours.NOW),
                    "account_id": None,
                    "service_ticket_id": None,
                    "reason": "On hand when the ledger began.",
                }

    def vehicles(self) -> Iterator[Row]:
        """Yield the cars: one for each customer in turn, then a second for every fifth."""
        chance = dice("vehicles")
        for place in range(self.size.vehicles):
            car, year, vin = _car(chance, place)
            own = dice(f"vehicle {place}")
            last = _readings(own, place, year)[-1]
            yield {
                "id": self.ids.vehicles + place,
                "workshop_id": self.workshop_id,
                "customer_id": self.keeper(place),
                "vin": vin,
                "vin_digest": vehicle_rules.digest(vin),
                "vin_tail_digest": vehicle_rules.tail_digest(vin),
                "make": car.make,
                "model": car.model,
                "year": year,
                "fuel_type": car.fuel,
                "transmission": "single_speed" if car.fuel == "electric" else "automatic",
                "colour": own.choice(COLOURS),
                "odometer_unit": last["unit"],
                "odometer_metres": last["metres"],
                "odometer_read_at": last["read_at"],
                **recorded(1),
                "archived_at": None,
            }

    def plates(self) -> Iterator[Row]:
        """Yield the plates: one on each car, no two alike."""
        for place in range(self.size.vehicles):
            letters, digits = divmod(place * 7_919 + 10_007, 90_000)
            plate = f"{chr(65 + letters // 26 % 26)}{chr(65 + letters % 26)} {10_000 + digits}"
            yield {
                "workshop_id": self.workshop_id,
                "vehicle_id": self.ids.vehicles + place,
                "customer_id": self.keeper(place),
                "plate": plate,
                "folded": plate_rules.folded(plate),
                "since": hours.before_opening(1),
                "until": None,
            }

    def readings(self, account_id: int) -> Iterator[Row]:
        """Yield what the odometers showed: a few times in the past year, taken down by one account."""
        chance = dice("vehicles")
        for place in range(self.size.vehicles):
            _, year, _ = _car(chance, place)
            for reading in _readings(dice(f"vehicle {place}"), place, year):
                yield {
                    "workshop_id": self.workshop_id,
                    "vehicle_id": self.ids.vehicles + place,
                    "customer_id": self.keeper(place),
                    **reading,
                    "source": "dashboard",
                    "recorded_at": reading["read_at"],
                    "account_id": account_id,
                    "reason": None,
                }

    def keeper(self, vehicle: int) -> int:
        """Return the id of the customer whose car is the one at that place."""
        second = vehicle - self.size.customers
        return self.ids.customers + (vehicle if second < 0 else second * 5)


def _people(table: str, skipped: int, email: str) -> Iterator[Row]:
    """Yield names with addresses and phone numbers, no address or number twice; the first one's address is `email`."""
    faker = Faker("en_US")
    faker.seed_instance(f"Demo Garage {table}")
    given: Counter[str] = Counter()
    for place, phone in enumerate(islice(_fictional_phones(), skipped, None)):
        name = f"{faker.first_name()} {faker.last_name()}"
        address = re.sub("[^a-z]+", ".", name.lower())
        given[address] += 1
        namesake = given[address] if given[address] > 1 else ""
        yield {
            "name": name,
            "email": f"{address}{namesake}@example.com" if place else email,
            "phone": phone,
        }


def _fictional_phones() -> Iterator[str]:
    """Yield numbers that are kept for fiction, so nobody's: 555-0100 to 555-0199 of every area, Chicago's first."""
    for area in chain(NEARBY, (area for area in range(200, 1000) if area not in NEARBY)):
        if phonenumbers.is_valid_number(phonenumbers.parse(f"+1{area}5550100")):
            yield from (f"+1{area}55501{number:02d}" for number in range(100))


def recorded(share: float) -> Row:
    moment = hours.before_opening(share)
    return {"version": 1, "created_at": moment, "updated_at": moment}


def _prices(family: Family) -> list[tuple[Decimal, Decimal]]:
    """Return the price of each variant: before the rise, and since."""
    present = [rounded(family.price * (8 + place) / 8) for place in range(VARIANTS)]
    return [(rounded(price * Decimal("0.94")), price) for price in present]


def _car(chance: Random, place: int) -> tuple[Car, int, str]:
    """Return a made-up car with its model year and VIN; 7,919 shares no factor with a million: no serial comes twice."""
    car = chance.choice(CARS)
    code, serial = chance.choice(MODEL_YEARS), (place * 7_919 + 104_729) % 1_000_000
    end = f"{code}{car.plant}{serial:06d}"
    vin = car.vin + end if len(car.vin) == 9 else car.vin + check_digit(f"{car.vin}0{end}") + end
    return car, FIRST_MODEL_YEAR + MODEL_YEARS.index(code), vin


def _readings(chance: Random, place: int, year: int) -> list[Row]:
    """Return what a car's odometer showed at three or four visits, ever more."""
    miles = (hours.TODAY.year - year) * chance.randrange(6_000, 14_000) + chance.randrange(40, 4_000)
    visits = chance.randint(3, 4)
    readings = []
    for visit in range(visits):
        miles += chance.randrange(500, 4_000)
        moment = hours.instant(hours.NOW * (visit + 1) // (visits + 1) + place % hours.HOUR)
        readings.append(
            {"value": miles, "unit": "mi", "metres": distance.in_metres(miles, "mi"), "read_at": moment}
        )
    return readings
