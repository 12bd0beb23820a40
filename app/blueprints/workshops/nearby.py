"""The listed workshops around a place, the nearest first.

Distances are great-circle distances on a sphere of 6,371 km, by the haversine formula (R. W. Sinnott, Virtues of the Haversine,
Sky and Telescope 68, 1984). A box of latitudes and longitudes around the circle comes first, which an index answers; the
database reckons the haversine of what is in the box, and the distance in kilometres is made of it only for what is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Double, Subquery, func, or_, select, type_coerce

from app.blueprints.workshops import directory
from app.blueprints.workshops.models import IN_DIRECTORY, Workshop
from app.core import paging
from app.core.paging import Order, Page, Walk

EARTH_KM = 6371.0
GREATEST_RADIUS_KM = 500.0
USUAL_RADIUS_KM = 25.0
PLACES = 9  # of degrees: a tenth of a millimetre
MARGIN = 1e-9  # degrees by which a box is too large, so that rounding cuts nothing off


@dataclass(frozen=True, slots=True)
class Box:
    """The latitudes of a circle, and the spans of its longitudes: none where it holds a pole, two at the antimeridian."""

    south: float
    north: float
    spans: tuple[tuple[float, float], ...]


def box_around(lat: float, lng: float, radius_km: float) -> Box:
    """Return the box around the circle of `radius_km` around a place, in degrees."""
    reach = radius_km / EARTH_KM
    degrees = math.degrees(reach) + MARGIN
    south, north = lat - degrees, lat + degrees
    if south <= -90 or north >= 90:
        return Box(south, north, ())
    # The meridians that touch the circle do so nearer to the pole than its centre is.
    width = math.degrees(math.asin(min(1.0, math.sin(reach) / math.cos(math.radians(lat))))) + MARGIN
    west, east = lng - width, lng + width
    if west < -180:
        return Box(south, north, ((west + 360, 180), (-180, east)))
    if east > 180:
        return Box(south, north, ((west, 180), (-180, east - 360)))
    return Box(south, north, ((west, east),))


def find(walk: Walk, *, lat: float, lng: float, radius: float, specialisation: Iterable[str] = ()) -> Page:
    """Return one page of the listed workshops within `radius` km of a place, each with `distance_km`, the nearest first."""
    # Of much smaller differences PostgreSQL would call the squares an error: "underflow".
    lat, lng = round(lat, PLACES), round(lng, PLACES)
    near: Any = _near(lat, lng, radius, specialisation).c
    order = _order(near)
    furthest = math.sin(radius / EARTH_KM / 2) ** 2
    statement = select(near.id, near.haversine).where(near.haversine <= furthest)
    page = paging.fetch(statement, order, walk, directory.rows, lambda s, v: directory.rows(s, v)[0][0])
    shown = directory.by_ids([row.id for row in page.rows])
    found = [
        shown[row.id] | {"distance_km": distance_km(row.haversine)} for row in page.rows if row.id in shown
    ]
    return Page(found, page.walk, page.next_cursor, page.total)


def _order(near: Any) -> Order:
    return Order(near.id, "distance", distance=near.haversine)


def _near(lat: float, lng: float, radius: float, specialisation: Iterable[str]) -> Subquery:
    box = box_around(lat, lng, radius)
    spans = [Workshop.longitude.between(west, east) for west, east in box.spans]
    return (
        select(Workshop.id, _haversine(lat, lng).label("haversine"))
        .where(
            IN_DIRECTORY,
            Workshop.latitude.between(box.south, box.north),
            *([or_(*spans)] if spans else []),
            *directory.good_at(specialisation),
        )
        .subquery()
    )


def _haversine(lat: float, lng: float) -> ColumnElement[float]:
    """Return the haversine of the angle between a workshop and a place: it grows with the distance, from 0 to 1."""
    half = math.pi / 360
    across = func.sin((Workshop.latitude - lat) * half)
    along = func.sin((Workshop.longitude - lng) * half)
    breadth: Any = func.cos(Workshop.latitude * (2 * half)) * math.cos(math.radians(lat))
    return type_coerce(across * across + breadth * along * along, Double())


def distance_km(haversine: float) -> float:
    """Return the distance that a haversine stands for, in kilometres to the metre."""
    return round(2 * EARTH_KM * math.asin(math.sqrt(min(1.0, haversine))), 3)


ORDER = _order(_near(0.0, 0.0, USUAL_RADIUS_KM, ()).c)  # for its names: each place has columns of its own
