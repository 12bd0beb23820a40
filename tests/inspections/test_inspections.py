"""Inspections: begun at a visit, filled in, finished, validated; shown to the customer then, and changed no more."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.factories import Shop, fields_of
from tests.inspections.examining import ADVICE, advise, begun, refused, template
from tests.service_tickets.life import bring
from tests.tampering import owners_connection

RED = {"place": 1, "condition": "red", "note": "2 mm left"}


def check(shop: Shop, path: str, *points: dict[str, Any], **options: Any) -> Any:
    return shop.mechanic.post(f"{path}/points", json={"points": list(points)}, **options)


class TestBeginning:
    def test_without_a_template_takes_the_forty_points(self, shop: Shop) -> None:
        path = f"/service_tickets/{shop.make_ticket()['id']}/inspections"

        made = shop.mechanic.post(path, json={})

        assert (made.status_code, made.json["title"], made.json["state"]) == (
            201,
            "40-point inspection",
            "open",
        )
        assert made.json["conditions"] == {"green": 0, "yellow": 0, "red": 0, "not_checked": 40}
        assert [point["place"] for point in made.json["points"]] == list(range(1, 41))
        assert {(point["mechanic"], point["checked_at"]) for point in made.json["points"]} == {(None, None)}
        assert shop.mechanic.get(made.headers["Location"]).json == made.json

    def test_takes_the_standard_template_of_the_workshop(self, shop: Shop) -> None:
        standard = template(shop, standard=True)
        path = f"/service_tickets/{shop.make_ticket()['id']}/inspections"

        made = shop.owner.post(path, json={"template_id": None}).json

        assert (made["title"], len(made["points"])) == (standard["name"], 3)

    def test_a_second_one_waits_until_the_first_is_validated(self, shop: Shop) -> None:
        path = begun(shop)
        check(shop, path, RED)
        every = path.rpartition("/")[0]

        refusal = shop.mechanic.post(every, json={})
        shop.owner.post(f"{path}/validate")
        second = shop.mechanic.post(every, json={})

        assert refused(refusal) == (409, "inspection_unvalidated")
        assert second.status_code == 201
        assert [one["state"] for one in shop.mechanic.get(every).json] == ["open", "validated"]

    @pytest.mark.parametrize("status", ["cancelled", "completed"])
    def test_at_a_visit_that_is_over_is_refused(self, shop: Shop, status: str) -> None:
        ticket = shop.make_ticket()["id"]
        for step in ("received", "in_progress", status):
            shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": step})

        answer = shop.owner.post(f"/service_tickets/{ticket}/inspections", json={})

        assert refused(answer) == (409, "ticket_closed")

    def test_by_a_template_or_at_a_ticket_that_is_not_there_is_refused(self, shop: Shop) -> None:
        path = f"/service_tickets/{shop.make_ticket()['id']}/inspections"

        unknown = shop.owner.post(path, json={"template_id": 9_000_000_000})
        nowhere = shop.owner.post("/service_tickets/9000000000/inspections", json={})

        assert refused(unknown) == (404, "inspection_template_not_found")
        assert refused(nowhere) == (404, "service_ticket_not_found")
        assert shop.owner.get(path).json == []


class TestFillingIn:
    def test_keeps_how_a_point_is_what_was_noted_and_who_looked(self, shop: Shop) -> None:
        path = begun(shop)

        told = check(shop, path, RED, {"place": 3, "condition": "green"}).json

        first, second, third = told["points"]
        assert (first["condition"], first["note"]) == ("red", "2 mm left")
        assert first["mechanic"] == {"id": shop.mechanic_id, "name": "Mel Mechanic"}
        assert first["checked_at"] is not None
        assert (second["condition"], second["mechanic"], second["checked_at"]) == ("not_checked", None, None)
        assert third["condition"] == "green"
        assert told["conditions"] == {"green": 1, "yellow": 0, "red": 1, "not_checked": 1}

    def test_names_another_mechanic_where_somebody_writes_for_them(self, shop: Shop) -> None:
        path, jane = begun(shop), shop.make_mechanic(name="Jane Wrench")
        body = {"points": [{**RED, "mechanic_id": jane.id}, {"place": 2, "condition": "green"}]}

        points = shop.owner.post(f"{path}/points", json=body).json["points"]

        assert points[0]["mechanic"] == {"id": jane.id, "name": "Jane Wrench"}
        assert points[1]["mechanic"] is None

    def test_takes_back_what_was_not_looked_at_after_all(self, shop: Shop) -> None:
        path = begun(shop)
        check(shop, path, RED)

        point = check(shop, path, {"place": 1, "condition": "not_checked"}).json["points"][0]

        assert (point["note"], point["mechanic"], point["checked_at"]) == (None, None, None)

    @pytest.mark.parametrize(
        "points",
        [
            [{"place": 4, "condition": "red"}],
            [RED, RED],
            [{"place": 1, "condition": "purple"}],
            [{"place": 0, "condition": "red"}],
            [],
        ],
    )
    def test_of_points_that_are_none_changes_nothing(self, shop: Shop, points: list[dict[str, Any]]) -> None:
        path = begun(shop)
        before = shop.mechanic.get(path).json

        answer = check(shop, path, *points)

        assert (answer.status_code, fields_of(answer)) == (400, ["points"])
        assert shop.mechanic.get(path).json == before

    def test_by_a_mechanic_who_is_not_here_changes_nothing(self, shop: Shop, other_shop: Shop) -> None:
        path = begun(shop)

        answer = check(shop, path, {**RED, "mechanic_id": other_shop.mechanic_id})

        assert refused(answer) == (404, "mechanic_not_found")
        assert shop.mechanic.get(path).json["conditions"]["not_checked"] == 3

    def test_of_what_somebody_changed_meanwhile_is_refused(self, shop: Shop) -> None:
        path = begun(shop)
        tag = {"If-Match": shop.mechanic.get(path).headers["ETag"]}

        first, second = check(shop, path, RED, headers=tag), check(shop, path, RED, headers=tag)

        assert (first.status_code, second.status_code) == (200, 412)


class TestValidation:
    def test_comes_after_it_is_finished_and_is_the_owners(self, shop: Shop) -> None:
        path = begun(shop)
        check(shop, path, RED)

        finished = shop.mechanic.post(f"{path}/finish", json={"summary": "Sound."}).json
        by_mechanic = shop.mechanic.post(f"{path}/validate")
        validated = shop.owner.post(f"{path}/validate").json

        assert (finished["state"], finished["summary"], finished["validated_at"]) == (
            "finished",
            "Sound.",
            None,
        )
        assert refused(by_mechanic) == (403, "not_allowed")
        assert shop.owner.principal is not None
        assert (validated["state"], validated["validated_by"]) == (
            "validated",
            shop.owner.principal.account_id,
        )
        assert validated["validated_at"] is not None

    def test_of_one_that_is_open_finishes_it(self, shop: Shop) -> None:
        path = begun(shop)
        check(shop, path, RED)

        validated = shop.owner.post(f"{path}/validate").json

        assert validated["finished_at"] == validated["validated_at"]

    def test_is_automatic_where_the_setting_says_so(self, shop: Shop) -> None:
        setting = {"inspections_validated_automatically": True}
        assert shop.owner.patch(f"/workshops/{shop.id}", json=setting).status_code == 200
        path = begun(shop)
        check(shop, path, RED)

        finished = shop.mechanic.post(f"{path}/finish", json={}).json

        assert (finished["state"], finished["validated_by"]) == ("validated", None)
        assert shop.customer.get(path).status_code == 200

    def test_shows_it_to_the_customer_and_not_before(self, shop: Shop) -> None:
        path = begun(shop)
        every = path.rpartition("/")[0]
        check(shop, path, RED)
        shop.mechanic.post(f"{path}/finish", json={})

        before = shop.customer.get(path), shop.customer.get(every)
        shop.owner.post(f"{path}/validate")
        after = shop.customer.get(path), shop.customer.get(every)

        assert refused(before[0]) == (404, "inspection_not_found")
        assert before[1].json == []
        assert after[0].json == shop.owner.get(path).json
        assert [one["id"] for one in after[1].json] == [after[0].json["id"]]

    def test_shows_it_to_no_other_customer(self, shop: Shop) -> None:
        path = begun(shop)
        shop.owner.post(f"{path}/validate")

        for one in (path, path.rpartition("/")[0]):
            assert refused(shop.other_customer.get(one)) == (403, "not_your_ticket")

    def test_lets_nothing_of_it_change_any_more(self, shop: Shop) -> None:
        path = begun(shop)
        advice = advise(shop, path)
        shop.owner.post(f"{path}/validate")
        before = shop.owner.get(path).json

        for answer in (
            check(shop, path, RED),
            shop.mechanic.post(f"{path}/finish", json={"summary": "Not sound."}),
            shop.owner.post(f"{path}/validate"),
            shop.mechanic.delete(path),
            shop.mechanic.post(f"{path}/recommendations", json=ADVICE),
            shop.mechanic.patch(f"{path}/recommendations/{advice}", json={"urgency": "now"}),
            shop.mechanic.delete(f"{path}/recommendations/{advice}"),
        ):
            assert refused(answer) == (409, "inspection_validated")
        assert shop.owner.get(path).json == before

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE inspections SET summary = 'x' WHERE id = :id",
            "UPDATE inspection_points SET note = 'x' WHERE inspection_id = :id",
        ],
    )
    def test_is_kept_by_the_database_too(self, app: Flask, shop: Shop, statement: str) -> None:
        path = begun(shop)
        check(shop, path, RED)
        values = {"id": int(path.rpartition("/")[2])}
        with owners_connection(app) as connection:
            connection.execute(text(statement), values)
        shop.owner.post(f"{path}/validate")

        with pytest.raises(DBAPIError), owners_connection(app) as connection:
            connection.execute(text(statement.replace("'x'", "'y'")), values)

    def test_of_what_the_owner_has_not_seen_is_refused(self, shop: Shop) -> None:
        path = begun(shop)
        tag = {"If-Match": shop.owner.get(path).headers["ETag"]}
        advise(shop, path)

        assert refused(shop.owner.post(f"{path}/validate", headers=tag)) == (412, "stale")
        assert shop.owner.get(path).json["state"] == "open"


class TestGoing:
    def test_one_that_is_not_validated_goes_with_what_it_recommends(self, shop: Shop) -> None:
        ticket = shop.make_ticket()["id"]
        path = begun(shop, ticket)
        advise(shop, path)

        gone = shop.mechanic.delete(path)

        assert gone.json == {"message": f"Inspection {path.rpartition('/')[2]} deleted."}
        assert refused(shop.mechanic.get(path)) == (404, "inspection_not_found")
        assert shop.mechanic.get(f"/service_tickets/{ticket}/recommendations").json == []

    def test_with_a_ticket_that_is_deleted_goes_one_that_is_validated(self, shop: Shop) -> None:
        ticket = shop.make_ticket()["id"]
        path = begun(shop, ticket)
        advise(shop, path)
        shop.owner.post(f"{path}/validate")

        assert shop.owner.delete(f"/service_tickets/{ticket}").status_code == 200
        assert refused(shop.owner.get(path)) == (404, "service_ticket_not_found")

    def test_a_car_that_was_inspected_is_archived_and_not_deleted(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        begun(shop, ticket["id"])
        car = shop.owner.get(f"/vehicles?vin={ticket['VIN']}").json[0]["id"]

        bring(shop, f"/service_tickets/{ticket['id']}", "cancelled")

        assert "archived" in shop.owner.delete(f"/vehicles/{car}").json["message"]


def test_of_another_ticket_it_is_not_there(shop: Shop) -> None:
    path, other = begun(shop), shop.make_ticket()["id"]
    astray = f"/service_tickets/{other}/inspections/{path.rpartition('/')[2]}"

    for answer in (
        shop.mechanic.get(astray),
        check(shop, astray, RED),
        shop.owner.post(f"{astray}/validate"),
        shop.mechanic.delete(astray),
        shop.mechanic.post(f"{astray}/recommendations", json=ADVICE),
    ):
        assert refused(answer) == (404, "inspection_not_found")


def test_each_change_is_in_the_audit_log(shop: Shop) -> None:
    path = begun(shop)
    check(shop, path, RED)
    shop.mechanic.post(f"{path}/finish", json={})
    shop.owner.post(f"{path}/validate")

    told = {entry["action"] for entry in shop.owner.get("/audit?per_page=100").json}

    assert {"inspection.begun", "inspection.checked", "inspection.finished", "inspection.validated"} <= told
