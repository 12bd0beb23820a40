"""JSON made by the database: the same words from PostgreSQL and from SQLite."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.inventory.models import Part
from app.blueprints.vehicles.models import Vehicle
from app.core.crypto import decrypt
from app.core.sqljson import ascii_text, json_object, json_objects, json_text, nested, rfc3339
from app.extensions import db
from tests.factories import Shop


def shown(shop: Shop, statement: Any) -> Any:
    """Return what a statement of one text makes, read as JSON."""
    with shop.inside():
        return json.loads(db.session.execute(statement).scalar_one())


def test_a_row_is_an_object(shop: Shop) -> None:
    part = shop.make_part(name='Quote " and \\ żółć 😀', sku=None)

    made = shown(shop, select(json_text(id=Part.id, name=Part.name, sku=Part.sku, version=Part.version)))

    assert made == {"id": part.id, "name": 'Quote " and \\ żółć 😀', "sku": None, "version": 1}
    assert list(made) == ["id", "name", "sku", "version"]


def test_objects_stand_in_objects(shop: Shop) -> None:
    part = shop.make_part()

    assert shown(shop, select(json_text(part=json_object(id=Part.id, name=Part.name)))) == {
        "part": {"id": part.id, "name": "Oil Filter"}
    }


def test_rows_are_collected_into_an_array_and_none_are_an_empty_one(shop: Shop) -> None:
    parts = [shop.make_part(name=name, price=Decimal(1)) for name in ("A", "B")]
    all_, none = (
        nested(select(json_objects(id=Part.id, name=Part.name)).where(condition).scalar_subquery())
        for condition in (Part.id > 0, Part.id < 0)
    )

    made = shown(shop, select(json_text(all=all_, none=none)))

    assert sorted(made["all"], key=lambda row: row["id"]) == [
        {"id": part.id, "name": part.name} for part in parts
    ]
    assert made["none"] == []


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "2026-03-02T09:30:00Z"),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "2026-12-31T23:59:59Z"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29T01:00:00Z"),
    ],
)
def test_an_instant_is_rfc_3339_in_utc_to_the_second(shop: Shop, moment: datetime, text: str) -> None:
    shop.make_part(created_at=moment)

    assert shown(shop, select(json_text(at=rfc3339(Part.created_at)))) == {"at": text}


def test_an_encrypted_value_is_text_that_can_be_read(shop: Shop) -> None:
    ticket = shop.make_ticket()

    made = shown(shop, select(json_text(VIN=ascii_text(Vehicle.vin))))

    with shop.app.app_context():
        assert decrypt(made["VIN"]) == ticket["VIN"]


@pytest.mark.parametrize(
    ("element", "on_postgresql", "on_sqlite"),
    [
        (json_object(id=Part.id), "json_build_object('id', parts.id)", "json_object('id', parts.id)"),
        (
            json_objects(id=Part.id),
            "json_agg(json_build_object('id', parts.id))",
            "json_group_array(json_object('id', parts.id))",
        ),
        (
            json_text(id=Part.id),
            "CAST(json_build_object('id', parts.id) AS text)",
            "json_object('id', parts.id)",
        ),
        (nested(Part.name), "coalesce(parts.name, '[]')", "json(parts.name)"),
        (ascii_text(Vehicle.vin), "encode(vehicles.vin, 'escape')", "CAST(vehicles.vin AS TEXT)"),
        (
            rfc3339(Part.created_at),
            """to_char(parts.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
            "strftime('%Y-%m-%dT%H:%M:%SZ', parts.created_at)",
        ),
    ],
)
def test_each_says_the_same_to_both(element: Any, on_postgresql: str, on_sqlite: str) -> None:
    assert str(element.compile(dialect=postgresql.dialect())) == on_postgresql
    assert str(element.compile(dialect=sqlite.dialect())) == on_sqlite
