"""One workshop sees nothing of another and changes nothing there, by whatever way it reaches out.

By the ids of paths alone: test_access_matrix.py. What belongs to another workshop looks like what does not exist.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import ForeignKeyConstraint, Table, text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts import sessions, standing
from app.core.engines import owners_engine
from app.core.tenancy import WorkshopOwned
from app.extensions import db
from tests.factories import PASSWORD, Caller, Shop, account_of, make_shop, unique, unique_vin
from tests.inspections.examining import advise, begun
from tests.security.situation import Shared, Situation
from tests.stage import Stage

pytestmark = [pytest.mark.no_cover, pytest.mark.every_case]  # counting lines would take as long again

NO_SUCH_ID = 9_000_000_000_000
ITEM = {"name": "Wiper", "price": 9}
TICKET = {"VIN": "WVWZZZ1JZXW000001", "service_date": "2026-03-02", "service_desc": "Brakes"}


def told(answer: TestResponse, id_: int) -> tuple[int, Any]:
    """Return what an answer says in words, with the id that was asked for left out."""
    words = {
        name: answer.json.get(name) for name in ("code", "title", "detail", "errors", "message", "notes")
    }
    return answer.status_code, re.sub(rf"\b{id_}\b", "<id>", str(words))


@pytest.fixture
def own_ticket(situation: Situation) -> int:
    """A ticket of the other workshop; its id is no other thing's that is asked for, or it would be left out of the words."""
    ticket_id: int = situation.other_shop.make_ticket()["id"]
    while ticket_id in situation.ids.values():
        ticket_id = situation.other_shop.make_ticket()["id"]
    return ticket_id


# Requests of the other owner about their own things that name one of the first workshop's: (method, path, body, whose id).
# `{id}` is that id, `{ticket}` the other owner's ticket, `{vehicle}` a car and `{customer}` a customer of theirs.
REFERENCES = [
    ("POST", "/service_tickets", {**TICKET, "customer_id": "{id}"}, "customer_id"),
    ("PUT", "/service_tickets/{ticket}", {**TICKET, "customer_id": "{id}"}, "customer_id"),
    ("PATCH", "/service_tickets/{ticket}", {"customer_id": "{id}"}, "customer_id"),
    ("PUT", "/service_tickets/{ticket}/assign-mechanic/{id}", None, "mechanic_id"),
    ("PUT", "/service_tickets/{ticket}/remove-mechanic/{id}", None, "mechanic_id"),
    ("PUT", "/service_tickets/{ticket}/edit", {"add_mechanic_ids": ["{id}"]}, "mechanic_id"),
    ("PUT", "/service_tickets/{ticket}/edit", {"remove_mechanic_ids": ["{id}"]}, "mechanic_id"),
    ("PUT", "/service_tickets/{ticket}/edit", {"add_item_ids": ["{id}"]}, "item_id"),
    ("PUT", "/service_tickets/{ticket}/edit", {"remove_item_ids": ["{id}"]}, "item_id"),
    ("PUT", "/service_tickets/{ticket}/update-mechanics", {"add_mechanic_ids": ["{id}"]}, "mechanic_id"),
    ("POST", "/service_tickets/{ticket}/inventory", {"item_id": "{id}", "quantity": 1}, "item_id"),
    ("POST", "/service_tickets/{ticket}/inventory", [{"item_id": "{id}"}], "item_id"),
    ("DELETE", "/service_tickets/{ticket}/inventory/{id}", None, "item_id"),
    ("POST", "/invitations", {"role": "mechanic", "mechanic_id": "{id}"}, "mechanic_id"),
    ("POST", "/vehicles", {"VIN": "WVWZZZ1JZXW000002", "customer_id": "{id}"}, "customer_id"),
    ("POST", "/vehicles/{vehicle}/transfer", {"customer_id": "{id}"}, "customer_id"),
    ("POST", "/vehicles/{id}/transfer", {"customer_id": "{customer}"}, "vehicle_id"),
    ("POST", "/service_tickets/{ticket}/canned_jobs/{id}", None, "canned_job_id"),
    ("DELETE", "/service_tickets/{ticket}/lines/1/cores/{id}", None, "core_id"),
    ("POST", "/service_tickets/{ticket}/recommendations/{id}", None, "recommendation_id"),
    ("POST", "/service_tickets/{ticket}/inspections", {"template_id": "{id}"}, "template_id"),
    ("POST", "/service_tickets/{ticket}/inspections/{id}/validate", None, "inspection_id"),
    ("POST", "/service_tickets/{ticket}/progress/{id}/validate", None, "update_id"),
    ("GET", "/service_tickets/{ticket}/comments/{id}", None, "comment_id"),
    ("DELETE", "/service_tickets/{ticket}/comments/{id}", None, "comment_id"),
    ("POST", "/vehicles/{vehicle}/recommendations/{id}/state", {"state": "done"}, "recommendation_id"),
    ("POST", "/inventory", {**ITEM, "replaced_by_id": "{id}"}, "item_id"),
    ("PATCH", "/inventory/{item}", {"replaced_by_id": "{id}"}, "item_id"),
    ("DELETE", "/inventory/{item}/references/{id}", None, "reference_id"),
    # A mechanic or an item of their own does not open a foreign ticket.
    ("PUT", "/service_tickets/{id}/assign-mechanic/{mechanic}", None, "ticket_id"),
    ("POST", "/service_tickets/{id}/inventory", {"item_id": "{item}"}, "ticket_id"),
    ("PUT", "/service_tickets/{id}/edit", {"add_mechanic_ids": ["{mechanic}"]}, "ticket_id"),
]


def filled(template: Any, names: dict[str, int]) -> Any:
    """Return `template` with its `{name}`s replaced by ids: as numbers, where one is all there is."""
    if isinstance(template, dict):
        return {key: filled(value, names) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, names) for value in template]
    if isinstance(template, str) and template[1:-1] in names:
        return names[template[1:-1]]
    return template


class TestWhatIsNamedInARequest:
    @pytest.fixture(scope="class")
    @classmethod
    def situation(cls, stage: Stage[Situation]) -> Situation:
        """What stays as it is, is made once."""
        return stage.scene()

    @pytest.mark.parametrize(("method", "path", "body", "whose"), REFERENCES)
    def test_looks_missing_and_stays_as_it_is(
        self, situation: Situation, own_ticket: int, method: str, path: str, body: Any, whose: str
    ) -> None:
        names = {
            "ticket": own_ticket,
            "vehicle": situation.other_shop.make_vehicle().id,
            "customer": situation.other_shop.customer_id,
            "mechanic": situation.other_shop.mechanic_id,
            "item": situation.other_shop.make_part(on_hand=5).id,
        }
        before = situation.everything()

        foreign, missing = (
            told(
                situation.other_shop.owner.open(
                    method, path.format(id=id_, **names), json=filled(body, {**names, "id": id_})
                ),
                id_,
            )
            for id_ in (situation.ids[whose], NO_SUCH_ID)
        )

        assert foreign == missing
        assert situation.everything() == before


def test_of_a_list_of_items_with_a_foreign_one_none_is_taken(situation: Situation, own_ticket: int) -> None:
    own_item = situation.other_shop.make_part(on_hand=5).id
    lines = [{"item_id": own_item, "quantity": 2}, {"item_id": situation.item_id, "quantity": 1}]

    answer = situation.other_shop.owner.post(f"/service_tickets/{own_ticket}/inventory", json=lines)

    assert (answer.status_code, answer.json["code"]) == (404, "item_not_found")
    assert situation.other_shop.owner.get(f"/inventory/{own_item}").json["on_hand"] == 5
    assert situation.shop.owner.get(f"/inventory/{situation.item_id}").json["on_hand"] == 9


@pytest.mark.parametrize("id_of", ["foreign", "missing"])
def test_an_edit_tells_of_a_foreign_mechanic_as_of_one_who_does_not_exist(
    situation: Situation, own_ticket: int, id_of: str
) -> None:
    id_ = situation.shop.mechanic_id if id_of == "foreign" else NO_SUCH_ID

    edited = situation.other_shop.owner.put(
        f"/service_tickets/{own_ticket}/edit", json={"add_mechanic_ids": [id_]}
    )

    assert edited.json["notes"] == [f"Mechanic {id_} is unknown."]
    assert edited.json["service_ticket"]["mechanics"] == []


class TestLists:
    """Filters, searches and rankings of the other owner that fit the first workshop's rows alone."""

    @pytest.fixture(scope="class")
    @classmethod
    def situation(cls, stage: Stage[Situation]) -> Situation:
        """What is only read is made once."""
        return stage.scene()

    @pytest.fixture(scope="class")
    @classmethod
    def known(cls, situation: Situation) -> dict[str, Any]:
        """What somebody may know of the first workshop, unlike anything in the other."""
        shop, vin = situation.shop, unique_vin()
        ticket = shop.make_ticket(VIN=vin, service_desc=unique("Cracked windscreen "))
        car = shop.make_vehicle(plate=unique("XYZ "), make=unique("Trabant "))
        item = shop.owner.get(f"/inventory/{situation.item_id}").json
        customer = shop.make_customer(phone=f"555-300-{unique('')[-4:]:0>4}")
        return {
            **situation.ids, "vin": vin, "tail": vin[-6:], "words": ticket["service_desc"], "sku": item["sku"],
            "email": customer.email, "phone": customer.phone, "slug": shop.slug, "plate": car.plate, "make": car.make,
        }  # fmt: skip

    @pytest.mark.parametrize(
        "path",
        [
            "/customers?email={email}", "/customers?phone={phone}", "/customers?q={email}", "/customers?q={slug}.example",
            "/inventory?sku={sku}", "/inventory?q={sku}", "/inventory?number={sku}",
            "/vehicles?vin={vin}", "/vehicles?vin={tail}", "/vehicles?plate={plate}", "/vehicles?q={plate}",
            "/vehicles?q={make}", "/vehicles?customer_id={customer_id}",
            "/service_tickets?customer_id={customer_id}", "/service_tickets?mechanic_id={mechanic_id}",
            "/service_tickets?VIN={vin}", "/service_tickets?VIN={tail}", "/service_tickets?q={words}",
            "/service_tickets?customer_id={customer_id}&status=booked&service_date_from=2020-01-01",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("walk", ["", "&page=1"])
    def test_find_nothing_there(
        self, situation: Situation, known: dict[str, Any], path: str, walk: str
    ) -> None:
        path = path.format(**known) + walk

        own, foreign = situation.shop.owner.get(path), situation.other_shop.owner.get(path)

        assert own.json != []
        assert foreign.json == []
        assert foreign.headers.get("X-Total-Count") == ("0" if walk else None)

    @pytest.mark.parametrize("path", ["/mechanics?name=mel", "/mechanics/search?name=mel"])
    def test_find_their_own_of_the_same_name(self, situation: Situation, path: str) -> None:
        found = situation.other_shop.owner.get(path).json

        assert [mechanic["id"] for mechanic in found] == [situation.other_shop.mechanic_id]

    @pytest.mark.parametrize(
        "path",
        [
            "/customers", "/mechanics", "/inventory", "/vehicles", "/service_tickets", "/mechanics/usage",
            "/mechanics/top-3-mechanics",
            "/inventory/usage", "/service_tickets?page=1", "/customers?page=1&sort=-name",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("first", ["shop", "other_shop"])
    def test_have_their_own_alone_whoever_asked_first(
        self, situation: Situation, cold_cache: None, path: str, first: str
    ) -> None:
        """The second to ask would be answered from the cache, were it not each workshop's own."""
        other_first = (situation.other_shop, situation.shop)
        asking = other_first if first == "other_shop" else other_first[::-1]

        answers = {shop.slug: shop.owner.get(path).json for shop in asking}

        seen = {slug: {row["id"] for row in rows} for slug, rows in answers.items()}
        assert not seen[situation.shop.slug] & seen[situation.other_shop.slug]
        assert seen[situation.shop.slug]

    def test_count_their_own_alone(self, situation: Situation) -> None:
        usage = situation.other_shop.owner.get("/mechanics/usage").json

        assert usage == [{"id": situation.other_shop.mechanic_id, "name": "Mel Mechanic", "ticket_count": 0}]
        assert situation.other_shop.owner.get("/inventory/usage").json == []

    def test_of_a_customer_are_their_own_though_both_have_the_same_number(self, situation: Situation) -> None:
        mine = situation.other_shop.make_ticket()

        listed = situation.other_shop.customer.get("/customers/my-tickets").json

        assert [ticket["id"] for ticket in listed] == [mine["id"]]


class TestACursor:
    @pytest.fixture(scope="class")
    @classmethod
    def situation(cls, stage: Stage[Situation]) -> Situation:
        """Two workshops with a few rows of each kind, which are only read."""
        situation = stage.scene()
        for shop in (situation.shop, situation.other_shop):
            for number in range(3):
                shop.make_customer(name=f"Customer {number}")
                shop.make_mechanic(name=f"Mechanic {number}")
                shop.make_part(name=f"Part {number}")
                shop.make_ticket()
        return situation

    @pytest.mark.parametrize(
        ("path", "sort"),
        [
            ("/customers", "id"),
            ("/customers", "-name"),
            ("/mechanics", "-id"),
            ("/inventory", "-price"),
            ("/vehicles", "-created_at"),
            ("/service_tickets", "-number"),
            ("/service_tickets", "service_date"),
        ],
    )
    def test_of_another_workshop_shows_nothing_of_it(
        self, situation: Situation, path: str, sort: str
    ) -> None:
        first = situation.shop.owner.get(f"{path}?sort={sort}&per_page=1")
        goes_on = first.headers["Link"].split(">")[0].removeprefix("<")
        foreign = {row["id"] for row in situation.shop.owner.get(path).json}

        own = situation.shop.owner.get(goes_on).json
        reached = situation.other_shop.owner.get(goes_on.replace("per_page=1", "per_page=100")).json

        assert {row["id"] for row in own} <= foreign
        assert not {row["id"] for row in reached} & foreign


class TestAnETag:
    @pytest.fixture(scope="class")
    @classmethod
    def situation(cls, stage: Stage[Situation]) -> Situation:
        """What is not changed is made once."""
        return stage.scene()

    PATHS = (
        "/customers/{customer_id}",
        "/mechanics/{mechanic_id}",
        "/inventory/{item_id}",
        "/service_tickets/{ticket_id}",
    )

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_of_another_workshops_row_tells_nothing(
        self, situation: Situation, path: str, method: str
    ) -> None:
        path = path.format(**situation.ids)
        etag = situation.shop.owner.get(path).headers["ETag"]
        header = "If-None-Match" if method == "GET" else "If-Match"
        body = {"json": {}} if method == "PATCH" else {}

        by_theirs, by_any, by_none = (
            told(situation.other_shop.owner.open(method, path, headers=headers, **body), 0)
            for headers in ({header: etag}, {header: "*"}, {})
        )

        assert by_theirs == by_any == by_none
        assert by_theirs[0] == 404

    def test_of_another_workshops_list_is_not_the_present_one(self, situation: Situation) -> None:
        etag = situation.shop.owner.get("/mechanics").headers["ETag"]

        answer = situation.other_shop.owner.get("/mechanics", headers={"If-None-Match": etag})

        assert answer.status_code == 200


class TestAnIdempotencyKey:
    def test_is_each_workshops_own(self, situation: Situation) -> None:
        key = {"Idempotency-Key": unique("key-")}

        first = situation.shop.owner.post("/inventory", json=ITEM, headers=key)
        second = situation.other_shop.owner.post("/inventory", json=ITEM, headers=key)

        assert (first.status_code, second.status_code) == (201, 201)
        assert "Idempotency-Replayed" not in second.headers
        assert first.json["id"] != second.json["id"]

    def test_of_one_person_in_two_workshops_is_two(self, situation: Situation) -> None:
        key = {"Idempotency-Key": unique("key-")}
        both = owner_of_both(situation)

        answers = [caller.post("/inventory", json=ITEM, headers=key) for caller in both]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert "Idempotency-Replayed" not in answers[1].headers
        assert both[1].get(f"/inventory/{answers[0].json['id']}").status_code == 404

    def test_of_a_registration_means_the_workshop_that_is_named(self, situation: Situation) -> None:
        key = {"Idempotency-Key": unique("key-")}
        person = {
            "name": "Ada",
            "email": f"{unique('ada')}@example.com",
            "phone": "555-123-9999",
            "password": PASSWORD,
        }

        first = situation.shop.nobody.post("/customers", json=person, headers=key)
        second = situation.other_shop.nobody.post("/customers", json=person, headers=key)

        assert first.status_code == 201
        assert (second.status_code, second.json["code"]) == (422, "idempotency_key_reused")


def owner_of_both(situation: Situation) -> tuple[Caller, Caller]:
    """Make the first workshop's owner an owner of the other too; return them signed in to either."""
    shop, other = situation.shop, situation.other_shop
    with other.inside():
        account = account_of(shop.owner.email)
        membership = accounts.join(other.id, account, "owner")
        there = sessions.begin(standing.principal_of(membership)).principal
    return shop.owner, Caller(situation.app, there, other.slug, shop.owner.email)


class TestTheHeaderXWorkshop:
    """A token carries its workshop; the header is for those who have none."""

    @pytest.mark.parametrize(
        "path", ["/customers", "/mechanics", "/inventory", "/service_tickets", "/mechanics/usage"]
    )
    def test_does_not_move_a_reader(self, situation: Situation, path: str) -> None:
        own = situation.other_shop.owner.get(path).json

        moved = situation.other_shop.owner.get(path, headers={"X-Workshop": situation.shop.slug}).json

        assert moved == own

    def test_does_not_move_a_writer(self, situation: Situation) -> None:
        before = situation.shop.owner.get("/inventory").json
        there = {"X-Workshop": situation.shop.slug}

        made = situation.other_shop.owner.post(
            "/inventory", json={"name": "Wiper", "price": 9}, headers=there
        )
        recorded = situation.other_shop.mechanic.post("/customers", json={"name": "Walk-in"}, headers=there)

        assert situation.other_shop.owner.get(f"/inventory/{made.json['id']}").status_code == 200
        assert situation.other_shop.owner.get(f"/customers/{recorded.json['id']}").status_code == 200
        assert situation.shop.owner.get("/inventory").json == before
        assert situation.shop.owner.get(f"/customers/{recorded.json['id']}").status_code == 404

    def test_lets_nobody_sign_in_where_they_are_nothing(self, situation: Situation) -> None:
        credentials = {"email": situation.shop.owner.email, "password": PASSWORD}

        there = situation.other_shop.nobody.post("/mechanics/login", json=credentials)
        wrong = situation.other_shop.nobody.post(
            "/mechanics/login", json={**credentials, "password": "not-this-one"}
        )

        assert told(there, 0) == told(wrong, 0)
        assert there.status_code == 401


# ---- The third wall: the database itself --------------------------------------------------------------------------


def owned_tables() -> dict[str, Table]:
    """Return the tables of workshops by name."""
    from app.blueprints import ALL  # noqa: F401 - the models are known once the features are

    return {
        mapper.local_table.name: mapper.local_table
        for mapper in db.Model.registry.mappers
        if issubclass(mapper.class_, WorkshopOwned)
    }


def links() -> list[tuple[str, str, str]]:
    """Return (table, column, table referred to) of each foreign key from one table of workshops to another.

    Of a key that carries more than the workshop, the column is the one that has the id of what is referred to.
    """
    tables = owned_tables()
    return sorted(
        (name, _naming(key), key.referred_table.name)
        for name, table in tables.items()
        for key in table.foreign_key_constraints
        if key.referred_table.name in tables
    )


def _naming(key: ForeignKeyConstraint) -> str:
    columns = {one.column.name: one.parent.name for one in key.elements if one.parent.name != "workshop_id"}
    return str(columns.get("id", next(iter(columns.values()))))


def test_every_link_between_tables_of_workshops_carries_the_workshop() -> None:
    tables = owned_tables()
    keys: list[ForeignKeyConstraint] = [
        key
        for table in tables.values()
        for key in table.foreign_key_constraints
        if key.referred_table.name in tables
    ]

    assert len(keys) >= 8
    assert [
        key.name for key in keys if "workshop_id" not in key.column_keys or len(key.column_keys) < 2
    ] == []


def furnish(shop: Shop) -> None:
    shop.make_part()
    shop.make_category()
    shop.make_supplier()
    advise(shop, begun(shop))
    shop.make_role()
    labour = {"kind": "labour", "description": "Oil change"}
    shop.owner.post("/canned_jobs", json={"name": unique("Job "), "lines": [labour]})


@pytest.mark.parametrize(("table", "column", "referred"), links())
class TestTheDatabaseRefuses:
    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, stage: Stage[Situation]) -> Shared:
        """Two workshops that the cases share, the second with something to link to."""

        def make() -> Situation:
            situation = stage.scene()
            furnish(situation.other_shop)
            return situation

        return Shared(make, one_at_a_time=stage.puts_back)

    @pytest.fixture
    def situation(self, shared: Shared, table: str) -> Situation:
        """Two workshops, the first with rows in a table."""
        return shared.with_rows_in(table)

    def test_a_link_across_workshops(
        self,
        situation: Situation,
        app: Flask,
        without_triggers: None,
        table: str,
        column: str,
        referred: str,
    ) -> None:
        here, there = situation.shop.id, situation.other_shop.id
        name = {"file_objects": "key", "inspection_points": "inspection_id"}.get(referred, "id")
        relink = text(
            f"UPDATE {table} SET {column} = (SELECT min({name}) FROM {referred} WHERE workshop_id = :whose) "
            f"WHERE workshop_id = :here AND {column} = (SELECT min({column}) FROM {table} WHERE workshop_id = :here)"
        )

        with app.app_context():
            with owners_engine(app).begin() as connection:
                within = connection.execute(relink, {"here": here, "whose": here}).rowcount
                connection.rollback()
            with (
                pytest.raises(DBAPIError, match=r"(?i)foreign key"),
                owners_engine(app).begin() as connection,
            ):
                connection.execute(relink, {"here": here, "whose": there})

        assert within > 0

    def test_to_move_a_linked_row_to_another_workshop(
        self,
        situation: Situation,
        app: Flask,
        without_triggers: None,
        table: str,
        column: str,
        referred: str,
    ) -> None:
        elsewhere = make_shop(app).id
        move = text(
            f"UPDATE {table} SET workshop_id = :there WHERE workshop_id = :here AND {column} IS NOT NULL"
        )

        with (
            app.app_context(),
            pytest.raises(DBAPIError, match=r"(?i)foreign key"),
            owners_engine(app).begin() as connection,
        ):
            connection.execute(move, {"here": situation.shop.id, "there": elsewhere})
