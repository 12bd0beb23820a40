"""Photos of what an inspection found: written down with a point, shown with the inspection."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.customers import exporting
from tests.factories import Shop
from tests.inspections.examining import advise, begun, refused
from tests.tampering import owners_connection


@pytest.fixture
def ticket(shop: Shop) -> int:
    number: int = shop.make_ticket()["id"]
    return number


def check(shop: Shop, inspection: str, place: int = 1, **more: Any) -> Any:
    return shop.mechanic.post(
        f"{inspection}/points", json={"points": [{"place": place, "condition": "red", **more}]}
    )


def shown(answer: Any) -> list[list[int]]:
    """Return the ids of the photos of each point."""
    return [[photo["id"] for photo in point["photos"]] for point in answer.json["points"]]


@pytest.mark.usefixtures("clock_set")  # a link is the same within a minute
def test_a_point_shows_photos_in_their_order_until_it_names_others(shop: Shop, ticket: int) -> None:
    first, second = (shop.make_attachment(ticket).id for _ in range(2))
    inspection = begun(shop, ticket)

    named = check(shop, inspection, photo_ids=[second, first])
    kept = check(shop, inspection, note="2 mm left")
    beside = check(shop, inspection, place=3, photo_ids=[first])
    taken_out = check(shop, inspection, photo_ids=[])

    assert shown(named) == [[second, first], [], []]
    assert shown(kept) == [[second, first], [], []]
    assert shown(beside) == [[second, first], [], [first]]
    assert shown(taken_out) == [[], [], [first]]
    told = taken_out.json["points"][2]["photos"][0]
    assert (told["content_type"], shop.nobody.get(told["url"]).status_code) == ("image/jpeg", 200)
    assert shop.mechanic.get(inspection).json["points"] == taken_out.json["points"]


def test_a_point_takes_photos_of_its_own_ticket_alone_each_once_and_ten_at_most(
    shop: Shop, ticket: int
) -> None:
    own, strange = shop.make_attachment(ticket).id, shop.make_attachment(shop.make_ticket()["id"]).id
    inspection = begun(shop, ticket)

    assert refused(check(shop, inspection, photo_ids=[own, strange])) == (404, "attachment_not_found")
    for ids in ([own, own], [own] * 11):
        assert check(shop, inspection, photo_ids=ids).status_code == 400
    assert shown(shop.mechanic.get(inspection)) == [[], [], []]


def test_its_customer_sees_the_photos_with_the_validated_inspection(shop: Shop, ticket: int) -> None:
    photo = shop.make_attachment(ticket, visible=False).id
    inspection = begun(shop, ticket)
    check(shop, inspection, photo_ids=[photo])

    before = shop.customer.get(inspection)
    shop.owner.post(f"{inspection}/validate")
    after = shop.customer.get(inspection)

    assert refused(before) == (404, "inspection_not_found")
    assert shown(after) == [[photo], [], []]
    assert shop.nobody.get(after.json["points"][0]["photos"][0]["thumbnail_url"]).status_code == 200
    assert shop.customer.get(f"/service_tickets/{ticket}/attachments").json == []


def test_a_photo_that_a_point_shows_is_kept_until_the_inspection_is_thrown_away(
    shop: Shop, ticket: int
) -> None:
    photo = shop.make_attachment(ticket).id
    attached = f"/service_tickets/{ticket}/attachments/{photo}"
    inspection = begun(shop, ticket)
    check(shop, inspection, photo_ids=[photo])

    kept = shop.mechanic.delete(attached)
    shop.mechanic.delete(inspection)

    assert refused(kept) == (409, "attachment_in_use")
    assert shop.mechanic.delete(attached).status_code == 200


def test_it_goes_into_an_export_and_with_an_erasure_and_with_the_ticket(shop: Shop, ticket: int) -> None:
    photo = shop.make_attachment(ticket).id
    inspection = begun(shop, ticket)
    check(shop, inspection, photo_ids=[photo])
    shop.owner.post(f"{inspection}/validate")
    deleted = shop.make_ticket()["id"]
    check(shop, begun(shop, deleted), photo_ids=[shop.make_attachment(deleted).id])

    with_photos = shop.owner.delete(f"/service_tickets/{deleted}")
    shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "cancelled"})
    document = exporting.exported(shop)
    erased = shop.owner.delete(f"/customers/{shop.customer_id}")

    assert document["inspections"][0]["points"][0]["photos"] == [photo]
    assert (with_photos.status_code, erased.status_code) == (200, 200)
    assert shown(shop.owner.get(inspection)) == [[], [], []]


def test_the_database_adds_no_photo_to_what_is_validated(app: Flask, shop: Shop, ticket: int) -> None:
    photo = shop.make_attachment(ticket).id
    inspection = begun(shop, ticket)
    advise(shop, inspection)
    shop.owner.post(f"{inspection}/validate")
    statement = text(
        "INSERT INTO inspection_point_photos (workshop_id, service_ticket_id, inspection_id, point, attachment_id, place)"
        " VALUES (:workshop, :ticket, :inspection, 1, :photo, 1)"
    )
    values = {"workshop": shop.id, "ticket": ticket, "inspection": int(inspection.rpartition("/")[2])}

    with pytest.raises(DBAPIError, match="validated"), owners_connection(app) as connection:
        connection.execute(statement, {**values, "photo": photo})
