"""Workshops nearby: the same ones in the same order as a plain haversine over all of them finds."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.blueprints.workshops.nearby import Box, box_around, distance_km
from tests.factories import Caller
from tests.watching import statements
from tests.workshops.places import everything, haversine_km, put, put_one, unlist_all

KRAKOW = (50.0647, 19.945)
# At the antimeridian, at the poles, and where lines of latitude or longitude meet.
EDGES = [
    (lat, lng) for lat in (-90.0, -89.9, 0.0, 52.0, 89.9, 90.0) for lng in (-180.0, -179.9, 0.0, 179.9, 180.0)
]


def degrees(most: int) -> st.SearchStrategy[float]:
    """Return angles with six places, as they are kept."""
    return st.floats(-most, most, allow_nan=False).map(lambda angle: round(angle, 6))


latitudes = st.one_of(st.sampled_from([-90.0, -89.99, -60.0, 0.0, 60.0, 89.99, 90.0]), degrees(90))
longitudes = st.one_of(st.sampled_from([-180.0, -179.99, -0.01, 0.0, 0.01, 179.99, 180.0]), degrees(180))
offsets = st.tuples(degrees(6), degrees(12))
radii = st.one_of(st.sampled_from([0.001, 1.0, 500.0]), st.floats(0.5, 500, allow_nan=False))


def around(lat: float, lng: float, by: tuple[float, float]) -> tuple[float, float]:
    """Return a place that much further north and east, on the globe again."""
    return round(max(-90.0, min(90.0, lat + by[0])), 6), round((lng + by[1] + 540) % 360 - 180, 6)


def plainly(
    places: dict[int, tuple[float, float]], lat: float, lng: float, radius: float
) -> dict[int, float]:
    """Return the distance of each place within the radius, the nearest first."""
    distances = {id_: haversine_km(lat, lng, *place) for id_, place in places.items()}
    return {
        id_: km for id_, km in sorted(distances.items(), key=lambda one: (one[1], one[0])) if km <= radius
    }


def agrees(found: list[dict[str, Any]], expected: dict[int, float]) -> bool:
    """Tell whether the same ones were found in the same order; what is as far to a hair may come in either."""
    ids = [one["id"] for one in found]
    if ids == list(expected):
        return True
    same_set = set(ids) == set(expected)
    return same_set and all(expected[first] - expected[second] < 1e-9 for first, second in pairwise(ids))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lat=latitudes, lng=longitudes, radius=radii, offsets_=st.lists(offsets, max_size=12))
def test_it_finds_what_a_plain_haversine_finds_in_its_order(
    app: Flask, passer_by: Caller, lat: float, lng: float, radius: float, offsets_: list[tuple[float, float]]
) -> None:
    unlist_all(app)
    spots = [*EDGES, *(around(lat, lng, offset) for offset in offsets_), (lat, lng)]
    places = dict(zip(put(app, *spots), spots, strict=True))

    found = everything(passer_by, "/workshops/nearby", lat=lat, lng=lng, radius=radius, per_page=7)
    expected = plainly(places, lat, lng, radius)

    assert agrees(found, expected), (found, expected)
    assert [one["distance_km"] for one in found] == [round(expected[one["id"]], 3) for one in found]


@settings(max_examples=500, deadline=None)
@given(lat=latitudes, lng=longitudes, radius=radii, shares=st.tuples(st.floats(-1, 1), st.floats(-1, 1)))
def test_the_box_holds_whatever_the_circle_holds(
    lat: float, lng: float, radius: float, shares: tuple[float, float]
) -> None:
    degrees = radius / 111.19
    width = min(180.0, 1.05 * degrees / max(math.cos(math.radians(lat)), 1e-3))
    place = around(lat, lng, (shares[0] * degrees, shares[1] * width))
    within = haversine_km(lat, lng, *place) <= radius

    box = box_around(lat, lng, radius)
    in_box = box.south <= place[0] <= box.north and (
        not box.spans or any(west <= place[1] <= east for west, east in box.spans)
    )

    assert in_box or not within


@pytest.mark.parametrize(
    ("lat", "lng", "spans"),
    [(0, 0, 1), (0, 179.9, 2), (0, -179.9, 2), (0, 180, 2), (89.9, 0, 0), (-89.9, 0, 0)],
)
def test_a_box_is_split_at_the_antimeridian_and_goes_round_at_a_pole(
    lat: float, lng: float, spans: int
) -> None:
    box = box_around(lat, lng, 50)

    assert isinstance(box, Box)
    assert len(box.spans) == spans


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((0, 0), (0, 1), 111.195),
        ((50.0647, 19.945), (52.2297, 21.0122), 251.977),
        ((0, 179.5), (0, -179.5), 111.195),
        ((89, 0), (89, 180), 222.39),
        ((10, 10), (10, 10), 0.0),
    ],
)
def test_the_distance_is_the_great_circles(
    app: Flask,
    passer_by: Caller,
    empty_map: None,
    one: tuple[float, float],
    other: tuple[float, float],
    km: float,
) -> None:
    (made,) = put(app, other)

    (found,) = passer_by.get(f"/workshops/nearby?lat={one[0]}&lng={one[1]}&radius=500").json

    assert found["id"] == made
    assert found["distance_km"] == pytest.approx(km, abs=0.001)


def test_no_distance_is_more_than_half_around_the_globe() -> None:
    assert distance_km(1.0000000000000002) == distance_km(1.0) == 20015.087


def test_those_as_far_come_by_id(app: Flask, passer_by: Caller, empty_map: None) -> None:
    made = put(app, *[KRAKOW] * 5)

    found = everything(passer_by, "/workshops/nearby", lat=50, lng=20, per_page=2)

    assert [one["id"] for one in found] == made


def test_those_within_the_radius_are_found_and_25_km_are_usual(
    app: Flask, passer_by: Caller, empty_map: None
) -> None:
    near, farther, far = put(app, (50.1, 19.945), (50.2, 19.945), (50.4, 19.945))
    place = {"lat": 50.0647, "lng": 19.945}

    def found(**query: Any) -> list[int]:
        return [one["id"] for one in passer_by.get("/workshops/nearby", query_string=place | query).json]

    assert found(radius=5) == [near]
    assert found() == [near, farther]
    assert found(radius=40) == [near, farther, far]


def test_unlisted_and_placeless_ones_are_not_found(app: Flask, passer_by: Caller, empty_map: None) -> None:
    put(app, KRAKOW, listed=False)
    put(app, KRAKOW, latitude=None, longitude=None)

    assert passer_by.get("/workshops/nearby?lat=50.0647&lng=19.945").json == []


def test_they_can_be_asked_for_by_what_they_are_good_at(
    app: Flask, passer_by: Caller, empty_map: None
) -> None:
    tyres = put_one(app, ("tyres", "brakes"), lat=1, lng=1)
    glass = put_one(app, ("glass",), lat=1, lng=1)
    put_one(app, lat=1, lng=1)

    def found(words: str) -> list[int]:
        return [
            one["id"] for one in passer_by.get(f"/workshops/nearby?lat=1&lng=1&specialisation={words}").json
        ]

    assert (found("tyres"), found("glass,brakes"), found("lpg")) == ([tyres], [tyres, glass], [])


def test_pages_are_counted_and_linked(app: Flask, passer_by: Caller, empty_map: None) -> None:
    made = put(app, *[(1 + step / 100, 1.0) for step in range(5)])

    second = passer_by.get("/workshops/nearby?lat=1&lng=1&per_page=2&page=2")

    assert [one["id"] for one in second.json] == made[2:4]
    assert second.headers["X-Total-Count"] == "5"
    assert 'page=3>; rel="next"' in second.headers["Link"]


@pytest.mark.parametrize(
    "query",
    [
        "", "lat=1", "lng=1", "lat=91&lng=0", "lat=-90.1&lng=0", "lat=0&lng=180.1", "lat=0&lng=-181", "lat=nan&lng=0",
        "lat=NaN&lng=0", "lat=inf&lng=0", "lat=0&lng=-Infinity", "lat=1e400&lng=0", "lat=&lng=", "lat=north&lng=0",
        "lat=0x10&lng=0", "lat=1_0&lng=0", "lat=%D9%A1&lng=0", "lat=1,5&lng=0", "lat=1%00&lng=0", "lat=1&lng=1&lat=2",
        "lat=1&lng=1&radius=0", "lat=1&lng=1&radius=-1", "lat=1&lng=1&radius=500.1", "lat=1&lng=1&radius=nan",
        "lat=1&lng=1&radius=1e9", "lat=1&lng=1&radius=' OR 1=1", "lat=1&lng=1&per_page=101", "lat=1&lng=1&per_page=0",
        "lat=1&lng=1&cursor=e30", "lat=1&lng=1&cursor=WyJkaXN0YW5jZSIsWyJhIiwxXV0", "lat=1&lng=1&sort=name",
        "lat=1&lng=1&specialisation=magic", "lat=1&lng=1&page=1&cursor=e30", "lat=1&lng=1&radius=" + "9" * 5000,
    ],
)  # fmt: skip
def test_a_place_that_is_none_is_refused(passer_by: Caller, query: str) -> None:
    answer = passer_by.get(f"/workshops/nearby?{query}")

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "query",
    [
        "lat=-0&lng=+0",
        "lat=1e-7&lng=1E1",
        "lat=1e-200&lng=-1e-200&radius=1e-200",
        "lat=90&lng=180&radius=500",
        "lat=1&lng=1&radius=1e-9",
    ],
)
def test_a_place_is_taken_in_any_form_of_a_number(app: Flask, passer_by: Caller, query: str) -> None:
    put(app, (0.0, 0.0))

    assert passer_by.get("/workshops/nearby?" + query.replace("+", "%2B")).status_code == 200


@pytest.mark.parametrize("radius", [0.5, 500])
def test_a_page_of_any_size_costs_two_statements(
    app: Flask, passer_by: Caller, empty_map: None, radius: float
) -> None:
    put(app, *[(1 + step / 100, 1.0) for step in range(40)])

    with statements(app) as sent:
        found = passer_by.get(f"/workshops/nearby?lat=1&lng=1&radius={radius}&per_page=100").json

    assert len(found) == (1 if radius < 1 else 40)
    assert len(sent) == 2


def test_where_nobody_is_it_costs_one(app: Flask, passer_by: Caller, empty_map: None) -> None:
    with statements(app) as sent:
        assert passer_by.get("/workshops/nearby?lat=1&lng=1").json == []

    assert len(sent) == 1
