"""Lists: bounded always, by page with a count, or by cursor, which loses and repeats nothing."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.models import Account
from app.blueprints.customers import service as customers
from app.blueprints.inventory import service as inventory
from app.blueprints.mechanics import service as mechanics
from app.blueprints.service_tickets import reading
from app.core import paging
from app.core.db import atomic
from app.core.paging import Order, Walk
from tests import document
from tests.core.walking import a_sheet, a_ticket, an_order, furnish
from tests.factories import PASSWORD, Caller, Shop, make_admin, make_shop, unique
from tests.watching import statements
from tests.workshops.places import put_one

ON_ONE_DATABASE = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture
    ],  # each example makes rows of its own, and finds no other
)


def links(answer: TestResponse) -> dict[str, str]:
    """Return the addresses of a Link header by their relation."""
    found = re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers.get("Link", ""))
    return {relation: address for address, relation in found}


def walk(caller: Caller, path: str) -> list[TestResponse]:
    """Follow `next` from `path` to the end."""
    answers = [caller.get(path)]
    while "next" in links(answers[-1]):
        answers.append(caller.get(links(answers[-1])["next"]))
    return answers


def ids(answers: list[TestResponse]) -> list[int]:
    assert [answer.json for answer in answers if answer.status_code != 200] == []
    return [row["id"] if "id" in row else row["place"] for answer in answers for row in answer.json]


def lists() -> list[str]:
    """Return the paths of all lists, as the document has them."""
    return [
        path
        for path, item in document.document()["paths"].items()
        if any(parameter.get("name") == "per_page" for parameter in item.get("get", {}).get("parameters", []))
    ]


def caller_of(shop: Shop, path: str) -> Caller:
    """Return who may see a list. An admin sees the installation's: they are its only one, and accounts are found by name."""
    if path in ("/admins", "/accounts"):
        admin = make_admin(shop.app)
        assert admin.principal is not None
        with shop.app.app_context(), atomic() as session:
            session.execute(
                update(Account)
                .where(Account.is_admin, Account.id != admin.principal.account_id)
                .values(is_admin=False)
            )
        return admin
    return shop.customer if "my-tickets" in path else shop.owner


def names_of_order(path: str) -> list[str]:
    """Return the names that a list can be sorted by, as the document has them."""
    parameters = document.document()["paths"][path]["get"]["parameters"]
    (described,) = (parameter["description"] for parameter in parameters if parameter.get("name") == "sort")
    return re.findall(r"`(\w+)`", described)


def query_of(path: str, shop: Shop) -> str:
    needed = {
        "/mechanics/search": "name=mel&",
        "/workshops": "q=Mel&",
        "/accounts": f"q=@{shop.slug}.&",
        "/workshops/nearby": "lat=-45&lng=-120&",
        "/catalogue/models": "q=van&",
    }
    ids_of_path = {"workshop_id": shop.id, "customer_id": shop.customer_id}
    if "{item_id}" in path:
        ids_of_path["item_id"] = an_item(shop)
    if "{vehicle_id}" in path:
        ids_of_path["vehicle_id"] = a_car(shop)
    for name, there in (("ticket_id", a_ticket), ("order_id", an_order), ("stocktake_id", a_sheet)):
        if f"{{{name}}}" in path:
            ids_of_path[name] = there(shop)
    ids_of_path["make_id"] = 1
    return f"{path.format(**ids_of_path)}?{needed.get(path, '')}"


def an_item(shop: Shop) -> int:
    """Return the first item of a shop, which is made where there is none."""
    found = shop.owner.get("/inventory?sort=id&per_page=1").json
    return found[0]["id"] if found else shop.make_part().id


def a_car(shop: Shop) -> int:
    """Return the first car of a shop, which is made where there is none."""
    found = shop.owner.get("/vehicles?sort=id&per_page=1").json
    return found[0]["id"] if found else shop.make_vehicle().id


def drive(shop: Shop, times: int) -> None:
    """Let the first car of a shop have a past: visits, readings, plates, keepers, what it is due for, and lookers."""
    car, keepers = a_car(shop), itertools.cycle((shop.other_customer_id, shop.customer_id))
    for number in range(1, 1 + times):
        record = f"/vehicles/{car}"
        shop.owner.post(f"{record}/readings", json={"value": 1000 * number, "unit": "km"})
        shop.owner.patch(record, json={"plate": unique("GD ")})
        shop.owner.post(
            f"{record}/maintenance",
            json={"title": f"Oil {number}", "every_months": 12, "last_done_on": "2026-03-02"},
        )
        shop.owner.post(f"{record}/transfer", json={"customer_id": next(keepers)})
        shop.make_ticket(VIN=shop.owner.get(record).json["VIN"])
        shop.owner.get(f"/vehicles/{shop.make_vehicle().id}")


class TestByPage:
    def test_a_page_has_a_count_and_links_to_every_page(self, shop: Shop) -> None:
        made = [shop.make_part().id for _ in range(7)]

        answer = shop.owner.get("/inventory?per_page=3&page=2&sort=-id")

        assert [row["id"] for row in answer.json] == sorted(made, reverse=True)[3:6]
        assert answer.headers["X-Total-Count"] == "7"
        assert json.loads(answer.headers["X-Pagination"]) == {
            "page": 2,
            "per_page": 3,
            "total": 7,
            "pages": 3,
        }
        assert links(answer) == {
            "first": "/inventory?per_page=3&sort=-id&page=1", "prev": "/inventory?per_page=3&sort=-id&page=1",
            "next": "/inventory?per_page=3&sort=-id&page=3", "last": "/inventory?per_page=3&sort=-id&page=3",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("page", "shown", "relations"),
        [
            (1, 3, {"first", "next", "last"}), (2, 3, {"first", "prev", "next", "last"}), (3, 1, {"first", "prev", "last"}),
            (4, 0, {"first", "prev", "last"}), (1_000_000, 0, {"first", "prev", "last"}),
        ],
    )  # fmt: skip
    def test_the_ends_link_only_where_there_is_something(
        self, shop: Shop, page: int, shown: int, relations: set[str]
    ) -> None:
        for _ in range(7):
            shop.make_part()

        answer = shop.owner.get(f"/inventory?per_page=3&page={page}")

        assert (len(answer.json), set(links(answer))) == (shown, relations)
        assert links(answer).get("prev", "page=2")[-6:] in ("page=1", "page=2", "page=3")

    def test_an_empty_list_has_one_page(self, shop: Shop) -> None:
        answer = shop.owner.get("/inventory?page=1")

        assert answer.json == []
        assert json.loads(answer.headers["X-Pagination"]) == {
            "page": 1,
            "per_page": 20,
            "total": 0,
            "pages": 1,
        }
        assert links(answer) == {"first": "/inventory?page=1", "last": "/inventory?page=1"}

    def test_filters_stay_in_the_links_and_count(self, shop: Shop) -> None:
        for name in ("Brake pad", "Brake disc", "Oil & filter"):
            shop.make_part(name=name)

        answer = shop.owner.get("/inventory", query_string={"q": "brake", "page": 1, "per_page": 1})

        assert answer.headers["X-Total-Count"] == "2"
        assert parse_qs(urlsplit(links(answer)["next"]).query) == {
            "q": ["brake"],
            "per_page": ["1"],
            "page": ["2"],
        }


@pytest.fixture(scope="module")
def full_shop(app: Flask) -> Shop:
    """A shop with five rows in most lists, for whoever only reads them, or adds some."""
    shop = make_shop(app)
    for _ in range(5):
        shop.make_part(on_hand=1)
    a_sheet(shop)
    for number in range(5):
        shop.make_customer(name=f"Mel {number % 2}")
        shop.make_mechanic(name=f"Mel {number % 2}")
        few = {"on_hand": Decimal(0), "minimum_stock_level": Decimal(100)}
        shop.make_part(name=f"Mel {number % 2}", price=Decimal(number % 3), **few)
        shop.owner.post(f"/inventory/{an_item(shop)}/movements", json={"kind": "purchase", "quantity": 1})
        shop.make_supplier(name=f"Mel {number}")
        shop.make_ticket(service_date=date(2026, 3, 1 + number % 2))
        shop.make_dead_letter()
        put_one(shop.app, name=f"Mel {number % 2}", lat=-45.0, lng=-120 + number % 2 / 100)
        day = f"2026-03-{1 + number:02}"
        shop.owner.post(f"/workshops/{shop.id}/closures", json={"first_day": day, "last_day": day})
        consent = {"kind": "photos", "text_version": str(number), "given": True}
        shop.customer.post(f"/customers/{shop.customer_id}/consents", json=consent)
        shop.make_staff()
        shop.make_key()
        shop.owner.post(f"/customers/{shop.make_customer().id}/invitation")
        with shop.inside():
            accounts.make_account(f"mel{number}@{shop.slug}.example.com", PASSWORD)
    drive(shop, 5)
    return shop


class TestByCursor:
    def test_no_count_is_made(self, shop: Shop) -> None:
        for _ in range(3):
            shop.make_part()

        with statements(shop.app) as seen:
            answer = shop.owner.get("/inventory?per_page=2")

        assert "X-Total-Count" not in answer.headers
        assert "X-Pagination" not in answer.headers
        assert set(links(answer)) == {"next"}
        assert [statement for statement in seen if "count(" in statement.lower()] == []

    def test_the_last_page_has_no_link_and_costs_what_the_first_does(self, shop: Shop) -> None:
        for _ in range(5):
            shop.make_part()
        first = shop.owner.get("/inventory?per_page=2")
        second = shop.owner.get(links(first)["next"])
        shop.make_part(archived_at=datetime.now(UTC))  # ends the cached pages

        with statements(shop.app) as for_the_first:
            shop.owner.get("/inventory?per_page=2")
        with statements(shop.app) as for_the_last:
            last = shop.owner.get(links(second)["next"])

        assert (len(last.json), links(last)) == (1, {})
        assert len(for_the_first) == len(for_the_last) == 1
        assert "(parts.name, parts.id) > (" in for_the_last[0]  # an index finds the very place

    def test_where_the_keys_go_different_ways_the_first_bounds_what_is_read(self, shop: Shop) -> None:
        for _ in range(3):
            shop.make_part()
        first = shop.owner.get("/inventory?per_page=2&sort=name,-id")

        with statements(shop.app) as seen:
            last = shop.owner.get(links(first)["next"])

        assert len(last.json) == 1
        assert "parts.name >= " in seen[0]

    def test_a_full_last_page_has_no_link_either(self, shop: Shop) -> None:
        for _ in range(4):
            shop.make_part()

        assert [len(answer.json) for answer in walk(shop.owner, "/inventory?per_page=2")] == [2, 2]

    @pytest.mark.parametrize("path", lists())
    def test_every_list_is_walked_by_every_key(self, full_shop: Shop, path: str) -> None:
        """Each key either way, and each before the next one."""
        shop = full_shop
        furnish(shop, path, 5)
        caller = caller_of(shop, path)
        if path == "/admins":  # of whom the caller was made the only one
            for _ in range(5):
                make_admin(shop.app)
        names = names_of_order(path)
        one = [way + name for name in names for way in ("", "-")]
        two = [
            f"{first},-{second}"
            for first, second in itertools.pairwise((*names, *names[:1]))
            if first != second
        ]

        for sort in one + two:
            whole = walk(caller, f"{query_of(path, shop)}sort={sort}&per_page=100")
            walked = walk(caller, f"{query_of(path, shop)}sort={sort}&per_page=2")

            assert ids(walked) == ids(whole), sort
            assert len(set(ids(walked))) == len(ids(walked)) >= 5, sort

    def test_the_longest_name_in_the_widest_script_is_walked_past(self, shop: Shop) -> None:
        for _ in range(3):
            shop.make_customer(name="😀" * 200)

        walked = walk(shop.owner, "/customers?sort=-name,-created_at&per_page=1")

        assert len(walked) == 5

    def test_equal_rows_end_in_the_order_of_their_ids(self, shop: Shop) -> None:
        made = [shop.make_part(name="Same").id for _ in range(4)]

        assert ids(walk(shop.owner, "/inventory?sort=name&per_page=1")) == made
        assert ids(walk(shop.owner, "/inventory?sort=-name&per_page=1")) == made[::-1]


NAMES = st.text("aAbBżŻ😀'\"%\\ _", min_size=1, max_size=3)
PARTS = st.lists(st.tuples(NAMES, st.integers(0, 2)), min_size=1, max_size=6)
ORDERS = st.permutations(["id", "name", "price"]).flatmap(
    lambda keys: st.sampled_from([keys[:1], keys[:2], keys])
)


class TestAWalkDuringInserts:
    @ON_ONE_DATABASE
    @given(
        before=PARTS,
        during=PARTS,
        keys=ORDERS,
        downs=st.lists(st.booleans(), min_size=3),
        per_page=st.integers(1, 4),
    )
    def test_loses_and_repeats_nothing(
        self,
        shop: Shop,
        before: list[tuple[str, int]],
        during: list[tuple[str, int]],
        keys: list[str],
        downs: list[bool],
        per_page: int,
    ) -> None:
        sort = ",".join(("-" if down else "") + key for key, down in zip(keys, downs, strict=False))
        sku = unique("walk")

        def add(parts: Iterable[tuple[str, int]]) -> list[int]:
            return [
                shop.make_part(name=name, price=Decimal(price), sku=unique(sku)).id for name, price in parts
            ]

        there, coming = add(before), iter(during)
        answers = [shop.owner.get("/inventory", query_string={"q": sku, "sort": sort, "per_page": per_page})]
        while "next" in links(answers[-1]):
            add(itertools.islice(coming, 1))
            answers.append(shop.owner.get(links(answers[-1])["next"]))

        assert len(ids(answers)) == len(set(ids(answers)))
        assert set(there) <= set(ids(answers))

    @ON_ONE_DATABASE
    @given(
        moments=st.lists(st.integers(0, 3), min_size=2, max_size=8),
        down=st.booleans(),
        per_page=st.integers(1, 3),
    )
    def test_is_not_led_astray_by_equal_or_neighbouring_instants(
        self, shop: Shop, moments: list[int], down: bool, per_page: int
    ) -> None:
        last_of_winter_time, name, made = (
            datetime(2026, 3, 29, 0, 59, 59, 999_998, tzinfo=UTC),
            unique("Ada"),
            [],
        )
        for moment in moments:
            with time_machine.travel(last_of_winter_time + timedelta(microseconds=moment), tick=False):
                made.append((moment, shop.make_customer(name=name).id))

        answers = walk(
            shop.owner, f"/customers?q={name}&sort={'-' if down else ''}created_at&per_page={per_page}"
        )

        assert ids(answers) == [id_ for _, id_ in sorted(made, reverse=down)]


def cursor_of(order: Any, values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([order, values]).encode()).decode().rstrip("=")


BAD_CURSORS = [
    "x", "!!!!", "ünïcödé", "=", "W10", "bnVsbA", "e30", "/etc/passwd", "' OR 1=1 --", "A" * 1000,
    cursor_of("-id", [1]), cursor_of("id", []), cursor_of("id", [1, 2]), cursor_of("id", 1), cursor_of("id", None),
    cursor_of("id", {"id": 1}), cursor_of("id", ["1"]), cursor_of("id", [None]), cursor_of("id", [True]),
    cursor_of("id", [1.5]), cursor_of("id", [2**63]), cursor_of("id", [[1]]), cursor_of(["id"], [1]), cursor_of("id", "1"),
    cursor_of("id", [10**40]),
]  # fmt: skip
ODD_VALUES = [
    ("created_at", ["yesterday", 1]), ("created_at", [5, 1]), ("created_at", [None, 1]), ("created_at", [True, 1]),
    ("created_at", ["0001-01-01T00:00:00+14:00", 1]), ("created_at", ["9999-12-31T23:59:59-14:00", 1]),
    ("created_at", ["2026-03-02T00:00:00Z", "1"]), ("created_at", ["2026-13-02T00:00:00Z", 1]),
    ("name", [5, 1]), ("name", ["a\0b", 1]), ("name", [None, 1]), ("name", [["a"], 1]),
]  # fmt: skip
BAD_PARAMETERS = [
    ("per_page", "0"), ("per_page", "101"), ("per_page", "-1"), ("per_page", "ten"), ("per_page", ""), ("per_page", "1.0"),
    ("per_page", "१०"), ("per_page", "1e1"), ("per_page", "9" * 30), ("page", "0"), ("page", "-1"), ("page", "x"),
    ("page", "1000001"), ("sort", "nonsense"), ("sort", ""), ("sort", "id,"), ("sort", "--id"), ("sort", "id,-id"),
    ("sort", "name;drop"), ("cursor", ""), ("cursor", "garbage"), ("cursor", "A" * 2001), ("colour", "red"), ("Page", "1"),
    ("page[]", "1"),
]  # fmt: skip


class TestQueries:
    @pytest.mark.parametrize("path", lists())
    def test_what_is_unknown_or_out_of_bounds_is_refused_by_name(self, shop: Shop, path: str) -> None:
        caller = caller_of(shop, path)
        for parameter, value in BAD_PARAMETERS:
            answer = caller.get(query_of(path, shop) + f"{parameter}={value}")

            refused = (answer.status_code, answer.json["code"], list(answer.json["errors"]))
            assert refused == (400, "invalid_request", [parameter]), (parameter, value)

    @pytest.mark.parametrize("path", lists())
    def test_the_bounds_themselves_are_taken(self, shop: Shop, path: str) -> None:
        caller = caller_of(shop, path)
        for query in ("per_page=1", "per_page=100", "page=1", "page=1000000&per_page=100"):
            assert caller.get(query_of(path, shop) + query).status_code == 200

    @pytest.mark.parametrize("path", lists())
    def test_a_list_is_bounded_without_asking(self, shop: Shop, path: str) -> None:
        parameters = document.document()["paths"][path]["get"]["parameters"]
        (per_page,) = (parameter["schema"] for parameter in parameters if parameter.get("name") == "per_page")

        default = 8 if path == "/vehicles/recent" else 20
        assert (per_page["default"], per_page["minimum"], per_page["maximum"]) == (default, 1, 100)

    def test_twenty_rows_are_a_page(self, shop: Shop) -> None:
        for _ in range(21):
            shop.make_part()

        assert len(shop.owner.get("/inventory").json) == 20

    def test_a_page_and_a_cursor_do_not_go_together(self, shop: Shop) -> None:
        for _ in range(2):
            shop.make_part()
        following = links(shop.owner.get("/inventory?per_page=1"))["next"]

        answer = shop.owner.get(f"{following}&page=2")

        assert answer.json["errors"] == {"cursor": ["Use `page` or `cursor`, not both."]}

    @pytest.mark.parametrize("cursor", BAD_CURSORS)
    def test_what_is_no_cursor_of_ours_is_refused(self, shop: Shop, cursor: str) -> None:
        answer = shop.owner.get("/inventory", query_string={"cursor": cursor})

        assert answer.status_code == 400
        assert list(answer.json["errors"]) == ["cursor"]

    @pytest.mark.parametrize(("order", "values"), ODD_VALUES)
    def test_a_cursor_with_odd_values_is_refused(self, shop: Shop, order: str, values: list[Any]) -> None:
        answer = shop.owner.get(
            "/customers", query_string={"sort": order, "cursor": cursor_of(order, values)}
        )

        assert answer.status_code == 400
        assert list(answer.json["errors"]) == ["cursor"]

    @pytest.mark.parametrize(
        "values", [["2026-03-02", 1], ["9999-12-31", 2**63 - 1], ["0001-01-01", -(2**63) + 1]]
    )
    def test_a_cursor_at_the_ends_of_time_is_one_all_the_same(self, shop: Shop, values: list[Any]) -> None:
        order = {"sort": "service_date"}

        assert (
            shop.owner.get(
                "/service_tickets", query_string={**order, "cursor": cursor_of("service_date", values)}
            ).json
            == []
        )

    def test_a_cursor_for_another_order_is_refused(self, shop: Shop) -> None:
        for _ in range(2):
            shop.make_part()
        following = links(shop.owner.get("/inventory?per_page=1&sort=name"))["next"]

        answer = shop.owner.get(following.replace("sort=name", "sort=-name"))

        assert answer.json["errors"] == {"cursor": ["Not a cursor of this list in this order."]}

    @ON_ONE_DATABASE
    @given(cursor=st.text(min_size=1, max_size=60), sort=st.sampled_from(["name", "created_at", "id"]))
    def test_no_text_whatever_breaks_a_list(self, shop: Shop, cursor: str, sort: str) -> None:
        answer = shop.owner.get("/customers", query_string={"sort": sort, "cursor": cursor})

        assert (answer.status_code, list(answer.json["errors"])) == (400, ["cursor"])

    @ON_ONE_DATABASE
    @given(
        values=st.lists(
            st.none() | st.booleans() | st.integers() | st.text() | st.dates().map(str) | st.datetimes().map(str), max_size=3
        ),
        sort=st.sampled_from(["name", "created_at", "id"]),
    )  # fmt: skip
    def test_a_forged_cursor_is_refused_or_finds_a_place(
        self, shop: Shop, values: list[Any], sort: str
    ) -> None:
        answer = shop.owner.get("/customers", query_string={"sort": sort, "cursor": cursor_of(sort, values)})

        assert answer.status_code in (200, 400)


class TestOrder:
    def test_id_is_the_last_tie_break_in_the_direction_of_the_key_before_it(self) -> None:
        assert inventory.ORDER.keys("name,-price") == [("name", False), ("price", True), ("id", True)]
        assert inventory.ORDER.keys("-id,name") == [("id", True), ("name", False)]

    def test_its_columns_are_never_null(self) -> None:
        for order in (inventory.ORDER, customers.ORDER, mechanics.ORDER, reading.ORDER):
            assert isinstance(order, Order)
            assert [
                name for name, column in order.columns.items() if column.property.columns[0].nullable
            ] == []


def test_the_walk_is_taken_out_of_a_query_and_the_filters_are_left() -> None:
    query: dict[str, Any] = {"sort": "id", "per_page": 5, "cursor": "c", "q": "brake"}

    assert paging.walk_of(query) == Walk("id", 5, None, "c")
    assert query == {"q": "brake"}
