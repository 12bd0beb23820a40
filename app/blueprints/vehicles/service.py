"""The rules of vehicles: one active record a VIN and workshop, found without reading what is encrypted; and who sees one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    delete,
    false,
    literal_column,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from app.blueprints.customers import service as customers
from app.blueprints.vehicles import plates
from app.blueprints.vehicles import vin as vins
from app.blueprints.vehicles.errors import NotYourVehicle, VehicleArchived, VehicleInUse, VehicleNotFound
from app.blueprints.vehicles.models import ACTIVE, MaintenanceInterval, Vehicle, VehiclePlate
from app.core import audit, clock, paging, tenancy
from app.core.crypto import blind_index
from app.core.db import atomic, locked
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.prepared import Prepared, here
from app.core.search import contains, pattern, split
from app.extensions import db

DESCRIBED = (
    "make", "model", "year", "fuel_type", "transmission", "engine_capacity_cc", "engine_power_kw", "colour", "odometer_unit",
)  # fmt: skip
RECORD = ("customer_id", "vin", "plate", *DESCRIBED)
ORDER = Order(Vehicle.id, "-created_at", created_at=Vehicle.created_at, updated_at=Vehicle.updated_at)


def _upsert() -> Any:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    columns = (
        "workshop_id", "customer_id", "vin", "vin_digest", "vin_tail_digest", "version", "created_at", "updated_at",
    )  # fmt: skip
    statement = insert(Vehicle).values({name: bindparam(name) for name in columns})
    return statement.on_conflict_do_update(
        index_elements=["workshop_id", "vin_digest"],
        index_where=ACTIVE,
        set_={"vin_digest": statement.excluded.vin_digest},
    ).returning(Vehicle.id, and_(Vehicle.created_at == bindparam("created_at"), _has_namesakes()))


def _has_namesakes() -> ColumnElement[bool]:
    """Return the condition that there are other records of a vehicle's VIN, or were when the statement began.

    So one that was in use then, and was archived while the statement waited for its row, is seen too.
    """
    other = aliased(Vehicle)
    return (
        select(other.id)
        .where(
            other.workshop_id == bindparam("workshop_id"),
            has_digests(other),
            other.id != literal_column("vehicles.id"),  # of the row that is returned
        )
        .exists()
    )


_FIND_OR_MAKE = Prepared(_upsert, writes="vehicles")
_ARCHIVED = Prepared(
    lambda: (
        select(Vehicle.id)
        .where(here(Vehicle), has_digests(), Vehicle.archived_at.is_not(None))
        .order_by(
            case((Vehicle.customer_id == bindparam("customer_id"), 0), else_=1), Vehicle.archived_at.desc()
        )
        .limit(1)
    )
)


def find_or_make(customer_id: int, vin: str) -> int:
    """Return the id of the current workshop's active vehicle with a normalised `vin`; take back an archived one, or make one.

    One statement finds or makes it, so that two tickets opened at once for one new car find one vehicle. Only where it made
    one more of a VIN is an archived record looked for, the customer's own before another's; its keeper stays who they were.
    """
    now = clock.now()
    known = {"vin_digest": digest(vin), "vin_tail_digest": tail_digest(vin)}
    with atomic():
        row: Any = _FIND_OR_MAKE.row(
            customer_id=customer_id, vin=vin, **known, version=1, created_at=now, updated_at=now
        )
        vehicle_id: int = row[0]
        is_one_more = row[1]
        archived = _ARCHIVED.row(customer_id=customer_id, **known) if is_one_more else None
        if archived is not None and _is_taken_back(customer_id, archived[0], blank=vehicle_id):
            vehicle_id = archived[0]
    return vehicle_id


def _is_taken_back(customer_id: int, vehicle_id: int, *, blank: int) -> bool:
    """Put an archived vehicle in the place of a `blank` record that was just made, and tell whether it was still archived.

    Its keeper is reminded again of what it needs where it is they who bring it.
    """
    session, workshop_id = db.session, tenancy.current_workshop()
    vehicle = session.scalar(
        locked(Vehicle).where(Vehicle.workshop_id == workshop_id, Vehicle.id == vehicle_id)
    )
    if vehicle is None or not vehicle.archived:
        return False
    session.execute(
        delete(Vehicle)
        .where(Vehicle.workshop_id == workshop_id, Vehicle.id == blank)
        .execution_options(synchronize_session=False)
    )
    vehicle.archived_at = None
    session.flush()
    use_again(vehicle, reminds=vehicle.customer_id == customer_id)
    return True


def use_again(vehicle: Vehicle, *, reminds: bool = True) -> None:
    """Note that a vehicle is not archived any more; unless told otherwise its keeper is reminded again of what it needs."""
    if reminds:
        db.session.execute(
            update(MaintenanceInterval)
            .where(
                MaintenanceInterval.workshop_id == vehicle.workshop_id,
                MaintenanceInterval.vehicle_id == vehicle.id,
            )
            .values(next_look_on=clock.today())
            .execution_options(synchronize_session=False)
        )
    audit.note(
        "vehicle.restored", "vehicle", vehicle.id,
        after=audit.fields_of(vehicle, RECORD), person=customers.person(vehicle.customer_id),
    )  # fmt: skip


def keeper_of(vehicle_id: Any) -> ScalarSelect[int]:
    """Return, of a column or a value with a vehicle's id, the subquery that tells whose car it is."""
    return select(Vehicle.customer_id).where(here(Vehicle), Vehicle.id == vehicle_id).scalar_subquery()


def digest(vin: str) -> bytes:
    """Return the digest by which a whole VIN is found."""
    return blind_index("vin", vin)


def tail_digest(vin: str) -> bytes:
    """Return the digest by which a VIN is found from its last six characters, which is what people read out."""
    return blind_index("vin-tail", vin[-vins.TAIL_LENGTH :])


def digests(text: str) -> dict[str, bytes]:
    """Return the values with which `has_digests` finds the VIN `text`, or those whose last six characters it is.

    :raises InvalidVin: it is neither.
    """
    vin = vins.normalised(text)
    tail = tail_digest(vin)
    return {"vin_tail_digest": tail, "vin_digest": tail if len(vin) == vins.TAIL_LENGTH else digest(vin)}


def has_digests(vehicle: type[Vehicle] = Vehicle) -> ColumnElement[bool]:
    """Return the condition that a vehicle has the VIN, or the end of one, that `digests` was given.

    The end of the VIN finds it in either case, by its index; the index of whole VINs knows only active vehicles.
    """
    whole_or_tail: ColumnElement[bytes] = bindparam("vin_digest")
    return and_(
        vehicle.vin_tail_digest == bindparam("vin_tail_digest"),
        or_(vehicle.vin_digest == whole_or_tail, vehicle.vin_tail_digest == whole_or_tail),
    )


# ---- Who sees one -----------------------------------------------------------------------------------------------------


def get(caller: Principal, vehicle_id: int, scope: str = "vehicles:read") -> Vehicle:
    """Return a vehicle, be it archived: any to who has `scope`, their own to a customer.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    """
    vehicle = _one(select(Vehicle), caller.workshop_id, vehicle_id)
    _require_own(caller, vehicle, scope)
    return vehicle


def hold(caller: Principal, vehicle_id: int, expected: Expected = None) -> Vehicle:
    """Return a vehicle that is in use, locked until the transaction ends: whoever changes what hangs on it waits here.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    :raises VehicleArchived: it is. :raises Stale: not the `expected` version.
    """
    vehicle = _held(caller, vehicle_id)
    if vehicle.archived:
        raise VehicleArchived()
    require_version(vehicle, expected)
    return vehicle


def hold_archived(caller: Principal, vehicle_id: int, expected: Expected = None) -> Vehicle:
    """Return a vehicle that is kept for its history alone, locked until the transaction ends.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    :raises VehicleInUse: it is not archived. :raises Stale: not the `expected` version.
    """
    vehicle = _held(caller, vehicle_id)
    if not vehicle.archived:
        raise VehicleInUse()
    require_version(vehicle, expected)
    return vehicle


def _held(caller: Principal, vehicle_id: int) -> Vehicle:
    vehicle = _one(locked(Vehicle), caller.workshop_id, vehicle_id)
    _require_own(caller, vehicle, "vehicles:write")
    return vehicle


def _one(statement: Select[Vehicle], workshop_id: int, vehicle_id: int) -> Vehicle:
    found = db.session.scalar(statement.where(Vehicle.workshop_id == workshop_id, Vehicle.id == vehicle_id))
    if found is None:
        raise VehicleNotFound()
    return found


def _require_own(caller: Principal, vehicle: Vehicle, scope: str) -> None:
    if not caller.may(scope) and caller.customer_id != vehicle.customer_id:
        raise NotYourVehicle()


def find(
    caller: Principal,
    walk: Walk,
    *,
    vin: str | None = None,
    plate: str | None = None,
    q: str | None = None,
    customer_id: int | None = None,
    archived: bool = False,
) -> Page:
    """Return one page of the vehicles that fit: of the workshop's to staff, of their own to a customer.

    :raises InvalidVin: `vin` is neither a VIN nor the last six characters of one.
    """
    workshop_id = caller.workshop_id
    statement = select(Vehicle).where(Vehicle.workshop_id == workshop_id)
    statement = statement.where(
        Vehicle.archived_at.is_not(None) if archived else Vehicle.archived_at.is_(None)
    )
    if not caller.may("vehicles:read"):
        statement = statement.where(Vehicle.customer_id == caller.customer_id)
    if customer_id is not None:
        statement = statement.where(Vehicle.customer_id == customer_id)
    given: dict[str, Any] = {}
    if vin is not None:
        statement, given = statement.where(has_digests()), dict(digests(vin))
    if plate is not None:
        statement = statement.where(Vehicle.id.in_(plates.vehicles_with(workshop_id, plates.folded(plate))))
    if q is not None:
        statement = statement.where(Vehicle.id.in_(_with_words(workshop_id, q)))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v | given).all(),
        lambda s, v: db.session.scalars(s, v | given).one(),
    )


def _with_words(workshop_id: int, words: str) -> Select[int]:
    """Return what finds the vehicles with these words in make, model and plate, in any order.

    A union, because each then has its index: all words in make and model, or one of them in the plate and the rest in either,
    which is looked up for each plate that has the one.
    """
    typed = split(words)
    called = select(Vehicle.id).where(
        Vehicle.workshop_id == workshop_id, *(_is_called(word) for word in typed)
    )
    plated = [
        select(VehiclePlate.vehicle_id).where(
            VehiclePlate.workshop_id == workshop_id,
            VehiclePlate.until.is_(None),
            _is_plated(word),
            *(or_(_is_plated(other), _of_plated(other)) for other in typed if other is not word),
        )
        for word in typed
        if plates.folded(word)
    ]
    return select(union(called, *plated).subquery().c[0])


def _of_plated(word: str) -> ScalarSelect[bool]:
    """Return, of a plate, whether a word is in make or model of the vehicle that has it on."""
    its = Vehicle.workshop_id == VehiclePlate.workshop_id, Vehicle.id == VehiclePlate.vehicle_id
    return select(_is_called(word)).where(*its).correlate(VehiclePlate).scalar_subquery()


def _is_called(word: str) -> ColumnElement[bool]:
    return or_(contains(Vehicle.make, pattern(word)), contains(Vehicle.model, pattern(word)))


def _is_plated(word: str) -> ColumnElement[bool]:
    sought = plates.folded(word)
    return contains(VehiclePlate.folded, pattern(sought)) if sought else false()
