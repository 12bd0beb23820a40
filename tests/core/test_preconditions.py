"""ETags, If-None-Match and If-Match."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask, Response, g
from werkzeug.test import TestResponse

from app.core import preconditions
from app.core.errors import Stale
from tests.factories import Caller, Shop, unique_vin
from tests.watching import statements

Change = Callable[[Caller, str, str], TestResponse]
STRONG = re.compile(r'"[0-9a-f-]+"')


def part_path(shop: Shop) -> str:
    return f"/inventory/{shop.make_part().id}"


class TestReading:
    @pytest.mark.parametrize(
        "path",
        [
            "/customers", "/customers/{customer}", "/mechanics", "/mechanics/{mechanic}", "/mechanics/search?name=mel",
            "/mechanics/usage", "/mechanics/top-3-mechanics", "/inventory", "/inventory/{part}", "/inventory/usage",
            "/service_tickets", "/service_tickets/{ticket}",
        ],
    )  # fmt: skip
    def test_everything_read_has_a_strong_tag_and_is_not_sent_twice(self, shop: Shop, path: str) -> None:
        ticket, part = shop.make_ticket(), shop.make_part()
        path = path.format(
            customer=shop.customer_id, mechanic=shop.mechanic_id, part=part.id, ticket=ticket["id"]
        )

        first = shop.owner.get(path)
        again = shop.owner.get(path, headers={"If-None-Match": first.headers["ETag"]})

        assert STRONG.fullmatch(first.headers["ETag"])
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert "Content-Type" not in again.headers

    def test_what_was_made_is_known_by_the_tag_that_it_was_answered_with(self, shop: Shop) -> None:
        car = {"VIN": unique_vin(), "service_date": "2026-03-02", "service_desc": "Oil"}
        bodies = {
            "/service_tickets": {**car, "customer_id": shop.customer_id},
            "/inventory": {"name": "Belt", "price": 9},
            "/customers": {"name": "Ada Obi"},
        }

        for path, body in bodies.items():
            made = shop.owner.post(path, json=body)
            tag = {"If-None-Match": made.headers["ETag"]}
            assert (made.status_code, path, shop.owner.get(made.headers["Location"], headers=tag).status_code) == (
                201, path, 304,
            )  # fmt: skip

    @pytest.mark.parametrize("path", ["/service_tickets/my-tickets", "/customers/my-tickets"])
    def test_so_have_a_customers_own_tickets(self, shop: Shop, path: str) -> None:
        tag = shop.customer.get(path).headers["ETag"]

        assert shop.customer.get(path, headers={"If-None-Match": tag}).status_code == 304

    @pytest.mark.parametrize("sent", ["{tag}", "W/{tag}", '"other", {tag}', '{tag},W/"x"', "*"])
    def test_any_form_that_names_the_tag_finds_it(self, shop: Shop, sent: str) -> None:
        path = part_path(shop)
        tag = shop.owner.get(path).headers["ETag"]

        kept = shop.owner.get(path, headers={"If-None-Match": sent.format(tag=tag)})
        uncached = shop.owner.get(f"/customers/{shop.customer_id}", headers={"If-None-Match": "*"})

        assert kept.status_code == uncached.status_code == 304

    @pytest.mark.parametrize("sent", ['"other"', "other", "", '"*"', '""'])
    def test_another_is_answered_in_full(self, shop: Shop, sent: str) -> None:
        answer = shop.owner.get(part_path(shop), headers={"If-None-Match": sent})

        assert answer.status_code == 200

    def test_a_change_changes_the_tag(self, shop: Shop) -> None:
        path = part_path(shop)
        before = shop.owner.get(path).headers["ETag"]
        list_before = shop.owner.get("/inventory").headers["ETag"]

        shop.owner.patch(path, json={"price": 7})

        assert shop.owner.get(path, headers={"If-None-Match": before}).status_code == 200
        assert shop.owner.get("/inventory", headers={"If-None-Match": list_before}).status_code == 200

    def test_the_next_page_is_part_of_what_a_tag_names(self, shop: Shop) -> None:
        shop.make_part()
        before = shop.owner.get("/inventory?per_page=1").headers["ETag"]

        shop.make_part()

        after = shop.owner.get("/inventory?per_page=1")
        assert after.headers["ETag"] != before
        assert "next" in after.headers["Link"]

    def test_a_refusal_has_no_tag(self, shop: Shop) -> None:
        answer = shop.owner.get("/inventory/999999999", headers={"If-None-Match": "*"})

        assert answer.status_code == 404
        assert "ETag" not in answer.headers

    def test_head_has_the_tag_and_headers_of_get_without_the_body(self, shop: Shop) -> None:
        path = part_path(shop)
        got = shop.owner.get(path)

        asked = shop.owner.open("HEAD", path)
        known = shop.owner.open("HEAD", path, headers={"If-None-Match": got.headers["ETag"]})

        assert (asked.status_code, asked.data, known.status_code) == (200, b"", 304)
        for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control"):
            assert asked.headers[name] == got.headers[name]


def put(caller: Caller, path: str, tag: str) -> TestResponse:
    return caller.put(path, json={"name": "Belt", "price": 2}, headers={"If-Match": tag})


def patch(caller: Caller, path: str, tag: str) -> TestResponse:
    return caller.patch(path, json={"price": 2}, headers={"If-Match": tag})


def delete(caller: Caller, path: str, tag: str) -> TestResponse:
    return caller.delete(path, headers={"If-Match": tag})


class TestChanging:
    @pytest.mark.parametrize("change", [put, patch, delete])
    @pytest.mark.parametrize("sent", ["{tag}", '"0-00", {tag}', "*"])
    def test_the_version_that_was_seen_may_be_changed(self, shop: Shop, change: Change, sent: str) -> None:
        path = part_path(shop)
        tag = shop.owner.get(path).headers["ETag"]

        answer = change(shop.owner, path, sent.format(tag=tag))

        assert answer.status_code == 200

    @pytest.mark.parametrize("change", [put, patch, delete])
    @pytest.mark.parametrize(
        "sent",
        [
            "{old}",
            "W/{now}",
            '"2"',
            '"other"',
            "garbage",
            "",
            '"999-00"',
            '"2-"',
            '"-2-00"',
            f'"{"9" * 5000}-00"',
        ],
    )
    def test_any_other_is_stale_and_nothing_is_changed(self, shop: Shop, change: Change, sent: str) -> None:
        path = part_path(shop)
        old = shop.owner.get(path).headers["ETag"]
        now = shop.owner.patch(path, json={"name": "Seen by nobody"}).headers["ETag"]

        answer = change(shop.owner, path, sent.format(old=old, now=now))

        assert (answer.status_code, answer.json["code"]) == (412, "stale")
        assert shop.owner.get(path).json["name"] == "Seen by nobody"

    def test_of_two_edits_with_one_tag_the_second_is_stale(self, shop: Shop) -> None:
        path = part_path(shop)
        tag = shop.owner.get(path).headers["ETag"]

        statuses = [patch(shop.owner, path, tag).status_code for _ in range(2)]

        assert statuses == [200, 412]

    def test_the_tag_of_each_answer_opens_the_next_change(self, shop: Shop) -> None:
        made = shop.owner.post("/inventory", json={"name": "Belt", "price": 1})
        path = made.headers["Location"]

        replaced = put(shop.owner, path, made.headers["ETag"])
        patched = patch(shop.owner, path, replaced.headers["ETag"])

        assert (replaced.status_code, patched.status_code) == (200, 200)
        assert shop.owner.get(path).headers["ETag"] == patched.headers["ETag"]

    def test_a_tag_names_the_row_whoever_was_shown_it(self, shop: Shop) -> None:
        path = f"/mechanics/{shop.mechanic_id}"
        as_customer, as_owner = shop.customer.get(path), shop.owner.get(path)

        answer = shop.owner.patch(path, json={"salary": 1}, headers={"If-Match": as_customer.headers["ETag"]})

        assert as_customer.headers["ETag"] != as_owner.headers["ETag"]
        assert answer.status_code == 200

    def test_own_records_and_steps_of_a_ticket_are_guarded_too(self, shop: Shop) -> None:
        stale = {"If-Match": '"999-00"'}
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        mechanic = f"{ticket}/assign-mechanic/{shop.mechanic_id}"

        refused = [
            shop.customer.patch("/customers", json={"name": "Ada"}, headers=stale),
            shop.customer.delete("/customers", headers=stale),
            shop.owner.patch(f"/customers/{shop.customer_id}", json={"name": "Ada"}, headers=stale),
            shop.owner.delete(f"/customers/{shop.customer_id}", headers=stale),
            shop.owner.delete(f"/mechanics/{shop.mechanic_id}", headers=stale),
            shop.owner.put(mechanic, headers=stale),
            shop.owner.put(mechanic.replace("assign", "remove"), headers=stale),
            shop.owner.put(f"{ticket}/edit", json={"add_mechanic_ids": [shop.mechanic_id]}, headers=stale),
            shop.owner.post(f"{ticket}/inventory", json={"item_id": shop.make_part().id}, headers=stale),
            shop.owner.delete(f"{ticket}/inventory/1", headers=stale),
            shop.owner.post(f"{ticket}/status", json={"status": "received"}, headers=stale),
            shop.owner.delete(ticket, headers=stale),
        ]

        assert [answer.status_code for answer in refused] == [412] * len(refused)

    def test_without_the_header_the_last_one_wins(self, shop: Shop) -> None:
        path = part_path(shop)

        assert shop.owner.patch(path, json={"price": 3}).status_code == 200
        assert shop.owner.patch(path, json={"price": 4}).status_code == 200


def test_a_change_of_nothing_keeps_the_tag_and_writes_nothing(shop: Shop) -> None:
    path = part_path(shop)
    before = shop.owner.get(path).headers["ETag"]

    with statements(shop.app) as seen:
        answer = shop.owner.patch(path, json={"name": "Oil Filter"})

    assert answer.headers["ETag"] == before
    assert [statement for statement in seen if statement.startswith(("UPDATE", "INSERT"))] == []


@pytest.mark.parametrize(
    ("result", "version"),
    [
        ({"version": 3}, 3), (({"version": 4}, {"Location": "/"}), 4), ({"message": "Done."}, None), ([], None), (None, None),
        ({"version": "1.0.0"}, None),
    ],
)  # fmt: skip
def test_the_version_of_a_single_resource_is_noted(app: Flask, result: object, version: int | None) -> None:
    with app.test_request_context():
        preconditions.note_version(result)

        assert g.row_version == version


def test_the_tag_of_a_list_has_no_version(app: Flask) -> None:
    single, several = Response("{}"), Response("[]")

    preconditions.tag(single, 7)
    preconditions.tag(several, None)

    assert re.fullmatch('"7-[0-9a-f]{16}"', single.headers["ETag"])
    assert re.fullmatch('"[0-9a-f]{16}"', several.headers["ETag"])


def test_what_has_no_tag_is_answered_as_it_is(app: Flask) -> None:
    answer = Response("text")

    with app.test_request_context(headers={"If-None-Match": "*"}):
        assert preconditions.answer_conditionally(answer) is answer


def test_without_expectations_any_version_will_do(shop: Shop) -> None:
    part = shop.make_part()

    preconditions.require_version(part, None)
    preconditions.require_version(part, frozenset({part.version}))
    with pytest.raises(Stale):
        preconditions.require_version(part, frozenset())
