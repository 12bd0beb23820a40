"""The response cache: a hit reads no database, and a committed write is seen by the very next read."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import redis
from flask import Flask, Response
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.blueprints.inventory import service as inventory
from app.blueprints.inventory.models import Part
from app.core import cache_backend, caching, tenancy
from app.core.caching import Backend, CachePolicy, Lookup
from app.core.contract import contract_of
from app.core.db import atomic
from app.core.identity import Principal, Standing
from app.core.model import Model
from app.extensions import cache
from tests import document
from tests.applications import CLOSED_PORT, AnotherApp
from tests.factories import Caller, Shop, unique, unique_vin
from tests.watching import log_lines, statements

pytestmark = pytest.mark.usefixtures("cold_cache")

QUERIES = {
    "/mechanics/search": "?name=me", "/mechanics/usage": "?service_date_from=2026-01-01&service_date_to=2026-12-31",
    "/inventory/usage": "?service_date_from=2026-01-01&service_date_to=2026-12-31",
}  # fmt: skip


# Where another query than the usual one shows what was written to a table.
SHOWN_BY = {
    ("/inventory", "part_references"): "?number=06a115561b",
    ("/inventory/usage", "vehicles"): "?make=Honda",
    ("/inventory/usage", "mechanics"): "?by=mechanic",
    ("/inventory/usage", "service_ticket_mechanics"): "?by=mechanic",
}


def cached_routes(app: Flask) -> dict[str, CachePolicy]:
    """Return the rules of all cached routes, with their policies."""
    found = {}
    for rule in app.url_map.iter_rules():
        policy = contract_of(app.view_functions[rule.endpoint]).cache
        if policy is not None and "GET" in (rule.methods or ()):
            found[rule.rule] = policy
    return found


# Every cached route and the tables it declares. A new one must be added here, so that what follows is tried for it too.
READS_OF_TICKETS = (
    "service_tickets", "service_ticket_mechanics", "service_ticket_lines", "customers", "mechanics", "parts", "vehicles",
)  # fmt: skip
CACHED = {
    "/mechanics": ("mechanics",),
    "/mechanics/search": ("mechanics",),
    "/mechanics/<int:mechanic_id>": ("mechanics",),
    "/mechanics/usage": ("mechanics", "service_tickets", "service_ticket_mechanics"),
    "/mechanics/top-3-mechanics": ("mechanics", "service_tickets", "service_ticket_mechanics"),
    "/inventory": ("parts", "part_categories", "part_references", "part_suppliers"),
    "/inventory/categories": ("part_categories",),
    "/inventory/categories/<int:category_id>": ("part_categories",),
    "/inventory/stock-alerts": ("parts", "stock_alerts", "purchase_order_lines"),
    "/inventory/<int:item_id>": ("parts",),
    "/inventory/usage": (
        "parts",
        "service_tickets",
        "service_ticket_lines",
        "vehicles",
        "mechanics",
        "service_ticket_mechanics",
    ),
    "/vehicles": ("vehicles", "vehicle_plates"),
    "/service_tickets": READS_OF_TICKETS,
    "/service_tickets/my-tickets": READS_OF_TICKETS,
    "/customers/my-tickets": READS_OF_TICKETS,
}


class Scene:
    """A shop in which something stands in every table, and somebody to read each cached route."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.part = shop.make_part(on_hand=100, minimum_stock_level=Decimal(1000))
        self.category = shop.make_category()
        self.supplier = shop.make_supplier().id
        self.ticket = shop.make_ticket(VIN=shop.make_vehicle(make="Honda").vin)
        self.path = f"/service_tickets/{self.ticket['id']}"
        self.vehicle = shop.make_vehicle(plate="GD 1").id
        shop.owner.put(f"{self.path}/assign-mechanic/{shop.mechanic_id}")
        shop.owner.post(f"{self.path}/inventory", json={"item_id": self.part.id})

    def read(self, rule: str, query: str | None = None) -> TestResponse:
        path = re.sub(r"<int:(\w+)>", lambda match: str(self.id_of(match[1])), rule)
        caller = self.shop.customer if "my-tickets" in rule else self.shop.owner
        answer = caller.get(path + (QUERIES.get(rule, "") if query is None else query))
        assert answer.status_code == 200, answer.text
        return answer

    def id_of(self, name: str) -> int:
        return {
            "mechanic_id": self.shop.mechanic_id,
            "item_id": self.part.id,
            "category_id": self.category.id,
        }[name]

    def forget_all_but_the_callers(self) -> None:
        """Empty the cache, but for the note that the readers' memberships stand: that check reads tables of its own."""
        with self.shop.app.app_context():
            caching.backend().clear()
            for caller in (self.shop.owner, self.shop.customer):
                assert caller.principal is not None
                caching.remember(caller.principal, Standing())

    def read_counting(self, rule: str, query: str | None = None) -> tuple[bytes, int]:
        with statements(self.shop.app) as seen:
            body = self.read(rule, query).data
        return body, len(seen)


@pytest.fixture
def scene(shop: Shop) -> Scene:
    return Scene(shop)


# One committed write to each table, such that every route that reads the table shows it.
def write_mechanics(scene: Scene) -> TestResponse:
    return scene.shop.owner.patch(f"/mechanics/{scene.shop.mechanic_id}", json={"name": "Melanie"})


def write_parts(scene: Scene) -> TestResponse:
    return scene.shop.owner.patch(f"/inventory/{scene.part.id}", json={"name": "Renamed filter"})


def write_part_categories(scene: Scene) -> TestResponse:
    return scene.shop.owner.patch(f"/inventory/categories/{scene.category.id}", json={"name": "Renamed"})


def write_part_references(scene: Scene) -> TestResponse:
    number = {"kind": "oem", "manufacturer": "Volkswagen", "number": "06A 115 561-B"}
    return scene.shop.owner.post(f"/inventory/{scene.part.id}/references", json=number)


def write_stock_alerts(scene: Scene) -> TestResponse:
    return scene.shop.owner.patch(f"/inventory/{scene.part.id}", json={"on_hand": 0})


def write_purchase_order_lines(scene: Scene) -> TestResponse:
    body = {"supplier_id": scene.supplier, "lines": [{"item_id": scene.part.id, "quantity": 3}]}
    return scene.shop.owner.post("/inventory/purchase_orders", json=body)


def write_customers(scene: Scene) -> TestResponse:
    return scene.shop.customer.patch("/customers", json={"name": "Renamed"})


def write_service_tickets(scene: Scene) -> TestResponse:
    return scene.shop.owner.patch(scene.path, json={"service_date": "2030-01-01"})


def write_service_ticket_mechanics(scene: Scene) -> TestResponse:
    return scene.shop.owner.put(f"{scene.path}/remove-mechanic/{scene.shop.mechanic_id}")


def write_service_ticket_lines(scene: Scene) -> TestResponse:
    return scene.shop.owner.post(f"{scene.path}/inventory", json={"item_id": scene.part.id, "quantity": 4})


def write_vehicle_plates(scene: Scene) -> TestResponse:
    return scene.shop.owner.patch(f"/vehicles/{scene.vehicle}", json={"plate": unique("GD ")})


def write_vehicles(scene: Scene) -> TestResponse:
    return scene.shop.owner.patch(scene.path, json={"VIN": unique_vin()})


WRITES: dict[str, Callable[[Scene], TestResponse]] = {
    "mechanics": write_mechanics, "parts": write_parts, "customers": write_customers, "service_tickets": write_service_tickets,
    "service_ticket_mechanics": write_service_ticket_mechanics, "service_ticket_lines": write_service_ticket_lines,
    "vehicles": write_vehicles, "vehicle_plates": write_vehicle_plates, "part_categories": write_part_categories,
    "part_references": write_part_references,
    "stock_alerts": write_stock_alerts, "purchase_order_lines": write_purchase_order_lines,
}  # fmt: skip


def cancel_a_ticket(scene: Scene) -> TestResponse:
    return scene.shop.owner.post(f"{scene.path}/status", json={"status": "cancelled"})


# Where another write than the usual one shows.
SHOWN_AFTER = {("/mechanics/top-3-mechanics", "service_tickets"): cancel_a_ticket}


def test_the_table_of_cached_routes_is_complete(app: Flask) -> None:
    assert {rule: policy.reads for rule, policy in cached_routes(app).items()} == CACHED


class TestAHit:
    @pytest.mark.parametrize("rule", CACHED)
    def test_reads_no_database_and_is_the_same_answer(self, scene: Scene, rule: str) -> None:
        first = scene.read(rule)

        with statements(scene.shop.app) as seen:
            second = scene.read(rule)

        assert seen == []
        assert second.data == first.data
        for name in ("Content-Type", "ETag", "Link", "Cache-Control"):
            assert second.headers.get(name) == first.headers.get(name)

    @pytest.mark.parametrize("rule", CACHED)
    def test_answers_304_from_the_cache_as_well(self, scene: Scene, rule: str) -> None:
        tag = scene.read(rule).headers["ETag"]
        caller = scene.shop.customer if "my-tickets" in rule else scene.shop.owner
        path = re.sub(r"<int:(\w+)>", lambda match: str(scene.id_of(match[1])), rule) + QUERIES.get(rule, "")

        with statements(scene.shop.app) as seen:
            answer = caller.get(path, headers={"If-None-Match": tag})

        assert (answer.status_code, answer.data, seen) == (304, b"", [])

    def test_a_304_to_one_is_not_a_304_to_another(self, scene: Scene) -> None:
        tag = scene.read("/inventory").headers["ETag"]
        scene.shop.owner.get("/inventory", headers={"If-None-Match": tag})

        assert scene.shop.owner.get("/inventory").status_code == 200
        assert scene.shop.owner.get("/inventory", headers={"If-None-Match": '"other"'}).status_code == 200

    def test_keeps_the_headers_of_a_page(self, scene: Scene) -> None:
        first, second = (scene.read("/inventory", "?page=1&per_page=1") for _ in range(2))

        for name in ("X-Total-Count", "X-Pagination", "Link"):
            assert second.headers[name] == first.headers[name]

    def test_does_not_mind_the_order_of_the_query(self, scene: Scene) -> None:
        scene.read("/inventory", "?per_page=5&sort=name")

        with statements(scene.shop.app) as seen:
            scene.read("/inventory", "?sort=name&per_page=5")

        assert seen == []

    def test_is_of_this_very_query(self, scene: Scene) -> None:
        scene.shop.make_part(name="Brake pad")

        names = [
            [row["name"] for row in scene.read("/inventory", f"?q={q}").json]
            for q in ("brake", "filter", "brake")
        ]

        assert names == [["Brake pad"], ["Oil Filter"], ["Brake pad"]]

    def test_a_refusal_is_never_kept(self, scene: Scene) -> None:
        for path in ("/inventory/999999999", "/inventory?sort=nonsense", "/inventory?page=0"):
            for _ in range(2):
                assert scene.shop.owner.get(path).status_code in (400, 404)

        with scene.shop.app.test_request_context("/inventory/999999999"):
            question = caching.question(scene.shop.owner.principal, CachePolicy("inventory", ("parts",)), "e")  # type: ignore[arg-type]
            lookup = question.answered(None)[2]
            assert lookup is not None
            lookup.keep(Response(status=404), 60)
            again = question.answered(None)[2]
        assert again is not None
        assert again.entry is None

    def test_lives_as_long_as_the_configuration_says(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(scene.shop.app.config["CACHE_SECONDS"], "inventory", 17)
        kept: list[int] = []
        monkeypatch.setattr(Backend, "set", lambda self, key, value, seconds: kept.append(seconds))

        scene.read("/inventory")

        assert 17 in kept


class TestAWrite:
    @pytest.mark.parametrize(
        ("rule", "table"),
        [
            (rule, table)
            for rule, tables in CACHED.items()
            for table in tables
            # Shown by filters: tests/inventory/test_categories.py, tests/inventory/test_inventory.py.
            if (rule, table) not in (("/inventory", "part_categories"), ("/inventory", "part_suppliers"))
        ],
    )
    def test_is_seen_by_the_very_next_read(self, scene: Scene, rule: str, table: str) -> None:
        query = SHOWN_BY.get((rule, table))
        before, _ = scene.read_counting(rule, query)
        _, at_the_hit = scene.read_counting(rule, query)

        written = SHOWN_AFTER.get((rule, table), WRITES[table])(scene)
        after, at_the_next_read = scene.read_counting(rule, query)

        with scene.shop.app.app_context():
            caching.backend().clear()
        fresh, _ = scene.read_counting(rule, query)
        assert written.status_code in (200, 201)
        assert at_the_hit == 0
        assert at_the_next_read > 0
        assert after == fresh != before

    @pytest.mark.parametrize("table", WRITES)
    def test_of_another_workshop_leaves_the_cache_alone(
        self, scene: Scene, other_shop: Shop, table: str
    ) -> None:
        elsewhere = Scene(other_shop)
        for rule in CACHED:
            scene.read(rule)

        WRITES[table](elsewhere)

        assert {rule: scene.read_counting(rule)[1] for rule in CACHED} == dict.fromkeys(CACHED, 0)

    def test_to_other_tables_leaves_the_cache_alone(self, scene: Scene) -> None:
        scene.read("/inventory")
        scene.read("/mechanics")

        write_customers(scene)
        write_service_tickets(scene)

        assert scene.read_counting("/inventory")[1] == scene.read_counting("/mechanics")[1] == 0

    def test_that_is_rolled_back_leaves_the_cache_alone(self, scene: Scene) -> None:
        scene.shop.make_part(sku="TAKEN")
        scene.read("/inventory")

        refused = scene.shop.owner.patch(f"/inventory/{scene.part.id}", json={"sku": "TAKEN"})
        with scene.shop.inside(), pytest.raises(RuntimeError, match="changed my mind"):
            change_and_fail(scene)

        assert refused.status_code == 409
        assert scene.read_counting("/inventory")[1] == 0

    def test_by_a_statement_counts_as_one_by_a_row(self, scene: Scene) -> None:
        scene.read("/inventory")

        with scene.shop.inside(), atomic() as session:
            session.execute(update(Part).values(name="Renamed by a statement"))

        assert [row["name"] for row in scene.read("/inventory").json] == ["Renamed by a statement"]

    def test_across_workshops_forgets_everything(self, scene: Scene, other_shop: Shop) -> None:
        scene.read("/inventory")
        other_shop.owner.get("/mechanics")

        with scene.shop.app.app_context(), tenancy.across_workshops(), atomic() as session:
            session.execute(update(Part).where(Part.id == scene.part.id).values(name="Renamed for all"))

        assert scene.read("/inventory").json[0]["name"] == "Renamed for all"
        with statements(scene.shop.app) as seen:
            other_shop.owner.get("/mechanics")
        assert len(seen) > 0

    def test_of_a_tenants_own_tables_alone_has_versions(self, scene: Scene) -> None:
        with scene.shop.inside(), atomic() as session:
            session.execute(update(Part).values(name="x"))
            noted = set(session.info["written"])

        assert noted == {(scene.shop.id, "parts")}

    def test_a_read_that_began_before_a_write_is_not_kept_over_it(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        find = inventory.find

        def writing_meanwhile(*args: Any, **kwargs: Any) -> Any:
            page = find(*args, **kwargs)
            monkeypatch.setattr(inventory, "find", find)
            with ThreadPoolExecutor(1) as another_worker:
                another_worker.submit(write_parts, scene).result()
            return page

        monkeypatch.setattr(inventory, "find", writing_meanwhile)
        overtaken = scene.read("/inventory").json[0]["name"]

        assert overtaken == "Oil Filter"
        assert scene.read("/inventory").json[0]["name"] == "Renamed filter"

    def test_is_seen_by_every_worker(self, scene: Scene, another_app: AnotherApp, needs_redis: None) -> None:
        elsewhere = Caller(another_app(), scene.shop.owner.principal)
        first = [elsewhere.get("/inventory").json[0]["name"], scene.read("/inventory").json[0]["name"]]
        with statements(elsewhere.app) as seen:
            elsewhere.get("/inventory")

        write_parts(scene)

        assert seen == []
        assert first == ["Oil Filter", "Oil Filter"]
        assert elsewhere.get("/inventory").json[0]["name"] == "Renamed filter"


def change_and_fail(scene: Scene) -> None:
    with atomic() as session:
        inventory.update(scene.shop.id, scene.part.id, {"name": "Never"})
        session.flush()
        raise RuntimeError("changed my mind")


def every_query(rule: str) -> list[str]:
    """Return queries that use each parameter of a route alone, and all that go together at once."""
    values = {
        "page": "1", "per_page": "1", "sort": "-id", "q": "filter", "sku": "B-1", "low": "true", "name": "me",
        "status": "booked", "customer_id": "1", "mechanic_id": "1", "VIN": "123456", "service_date": "2026-03-02",
        "service_date_from": "2026-01-01", "service_date_to": "2026-12-31", "limit": "5", "barcode": "96385074",
        "category_id": "1", "alert": "out", "by": "mechanic", "make": "Honda", "item_id": "1",
        "vin": "123456", "plate": "GD1", "archived": "false", "number": "4711",
        "follows_ticket_id": "1", "supplier_id": "1", "bin": "A-3", "skill": "brakes", "active": "true",
    }  # fmt: skip
    template = re.sub(r"<int:(\w+)>", r"{\1}", rule)
    parameters = document.document()["paths"][template]["get"].get("parameters", [])
    names = [
        parameter["name"]
        for parameter in parameters
        if parameter.get("in") == "query" and parameter["name"] != "cursor"
    ]
    needed = "name=me&" if rule == "/mechanics/search" else ""
    alone = [f"?{'' if name == 'name' else needed}{name}={values[name]}" for name in names]
    return ["?" + needed.rstrip("&"), *alone, "?" + "&".join(f"{name}={values[name]}" for name in names)]


@pytest.mark.parametrize("rule", CACHED)
def test_a_cached_view_reads_no_table_that_it_does_not_declare(scene: Scene, rule: str) -> None:
    known = set(Model.metadata.tables)
    read: set[str] = set()

    for query in every_query(rule):
        scene.forget_all_but_the_callers()
        with statements(scene.shop.app) as seen:
            scene.read(rule, query.removesuffix("?"))
        read |= {table for table in known for statement in seen if re.search(rf"\b{table}\b", statement)}

    assert read <= set(CACHED[rule])
    assert read >= set(CACHED[rule])


class TestSeparation:
    def test_roles_are_shown_their_own(self, scene: Scene) -> None:
        path = f"/mechanics/{scene.shop.mechanic_id}"
        callers = (scene.shop.owner, scene.shop.mechanic, scene.shop.customer)

        shown = [[set(caller.get(path).json) for caller in callers] for _ in range(2)]

        assert shown[0] == shown[1]
        assert ["salary" in fields for fields in shown[0]] == [True, False, False]
        assert shown[0][2] == {"id", "name"}

    @pytest.mark.parametrize("path", ["/service_tickets/my-tickets", "/customers/my-tickets"])
    def test_customers_are_shown_their_own(self, scene: Scene, path: str) -> None:
        callers = (scene.shop.customer, scene.shop.other_customer)

        shown = [[len(caller.get(path).json) for caller in callers] for _ in range(2)]

        assert shown == [[1, 0], [1, 0]]

    def test_workshops_are_shown_their_own(self, scene: Scene, other_shop: Shop) -> None:
        elsewhere = Scene(other_shop)

        shown = [
            [row["id"] for row in caller.read("/inventory").json]
            for caller in (scene, elsewhere, scene, elsewhere)
        ]

        assert shown == [[scene.part.id], [elsewhere.part.id]] * 2

    def test_who_may_not_see_it_is_refused_whatever_is_kept(self, scene: Scene) -> None:
        scene.read("/inventory")

        assert scene.shop.customer.get("/inventory").status_code == 403
        assert scene.shop.nobody.get("/inventory").status_code == 401

    def test_who_has_left_is_refused_at_once(self, scene: Scene) -> None:
        assert scene.shop.mechanic.get("/inventory").status_code == 200

        scene.shop.owner.delete(f"/mechanics/{scene.shop.mechanic_id}")

        assert scene.shop.mechanic.get("/inventory").status_code == 401

    def test_the_key_has_all_that_an_answer_depends_on(self, app: Flask) -> None:
        def key(path: str = "/mechanics?a=1&b=2", endpoint: str = "e", **differences: Any) -> str:
            values = {
                "account_id": 1, "workshop_id": 2, "membership_id": 3, "role": "customer", "person_id": 4, **differences,
            }  # fmt: skip
            with app.test_request_context(path):
                return caching.entry_key(Principal(**values), endpoint)

        different = [
            key(), key(account_id=9), key(workshop_id=9), key(role="owner"), key(role="mechanic"), key(endpoint="f"),
            key("/mechanics?a=1&b=3"), key("/mechanics/?a=1&b=2"), key("/mechanics"),
        ]  # fmt: skip

        assert len(set(different)) == len(different)
        assert key("/mechanics?b=2&a=1") == key()
        assert key(role="owner", account_id=1) == key(role="owner", account_id=9)


class Cut:
    """A backend that can be cut off and mended: every call fails meanwhile, as it does when Redis is away."""

    def __init__(self, app: Flask, patch: pytest.MonkeyPatch) -> None:
        self.away = False
        self.calls = 0
        self.callers: list[str] = []
        with app.app_context():
            self.guard = caching.backend()
            self.store = cache.cache
        for name in ("get_many", "set", "add", "set_many", "clear", "has"):
            patch.setattr(self.store, name, self._failing(getattr(self.store, name)))
        patch.setattr(self.guard, "_away_until", 0.0)
        patch.setattr(self.guard, "_was_away", False)
        patch.setattr(self.guard, "_failed_at", float("-inf"))
        patch.setattr(self.guard, "_told_at", float("-inf"))

    def _failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def calling(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            self.callers.append(threading.current_thread().name)
            if self.away:
                raise redis.ConnectionError("connection refused")
            return call(*args, **kwargs)

        return calling

    def mend(self) -> None:
        self.away = False
        self.guard._away_until, self.guard._was_away, self.guard._failed_at = 0.0, False, float("-inf")


@pytest.fixture
def cut(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Cut:
    return Cut(app, monkeypatch)


class TestAwayBackend:
    def test_costs_no_answer(self, another_app: AnotherApp, shop: Shop) -> None:
        part = shop.make_part()
        owner = Caller(another_app(REDIS_URL=CLOSED_PORT), shop.owner.principal)

        with log_lines() as log:
            answers = [
                owner.get("/inventory"), owner.get(f"/inventory/{part.id}"),
                owner.patch(f"/inventory/{part.id}", json={"name": "Belt"}), owner.get(f"/inventory/{part.id}"),
                owner.delete(f"/mechanics/{shop.mechanic_id}"),
            ]  # fmt: skip

        assert [answer.status_code for answer in answers] == [200] * 5
        assert answers[3].json["name"] == "Belt"
        assert log.events("cache.away")

    def test_is_not_tried_again_for_a_second(self, scene: Scene, cut: Cut) -> None:
        cut.away = True

        with log_lines() as log:
            for _ in range(3):
                scene.read("/inventory")

        assert cut.calls == 1
        assert len(log.events("cache.away")) == 1

    def test_keeps_no_write_waiting_that_comes_right_after_and_is_told_of_once_a_second(
        self, scene: Scene, cut: Cut
    ) -> None:
        cut.away, begun = True, time.monotonic()

        with log_lines() as log:
            for number in range(20):
                path = f"/inventory/{scene.part.id}"
                assert scene.shop.owner.patch(path, json={"price": number}).status_code == 200

        in_requests = [name for name in cut.callers if name == threading.current_thread().name]
        assert 1 <= len(in_requests) <= 1 + (time.monotonic() - begun) / cache_backend.AWAY_SECONDS < 20
        assert len(log.events("cache.away")) == len(in_requests)
        cut.mend()

    def test_a_write_meanwhile_is_seen_when_it_is_back(self, scene: Scene, cut: Cut) -> None:
        scene.read("/inventory")
        cut.away = True
        with log_lines():
            write_parts(scene)
        cut.mend()

        assert scene.read("/inventory").json[0]["name"] == "Renamed filter"
        assert cut.guard._owed == {}

    def test_what_is_owed_is_paid_though_nobody_asks(self, scene: Scene, cut: Cut) -> None:
        key = caching.version_key(scene.shop.id, "parts")
        scene.read("/inventory")
        before = cut.store.get(key)
        cut.away = True
        with log_lines():
            write_parts(scene)

        cut.away = False
        deadline = time.monotonic() + 10
        while cut.guard._payer is not None and time.monotonic() < deadline:
            time.sleep(0.01)

        assert cut.store.get(key) not in (None, before)
        assert cut.guard._owed == {}

    def test_what_arrived_though_it_failed_is_not_made_good_again(
        self, scene: Scene, cut: Cut, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The answer was lost and not the word; others kept under it, and have written since. Then the debt is paid."""
        key, arrived = caching.version_key(scene.shop.id, "parts"), []
        write = cut.store.set_many

        def arriving(words: dict[str, Any], **options: Any) -> Any:
            write(words, **options)
            arrived.append(words[key])
            raise redis.TimeoutError("no answer")

        with log_lines(), monkeypatch.context() as lost:
            lost.setattr(cut.guard, "_begin_to_pay", lambda: None)
            lost.setattr(cut.store, "set_many", arriving)
            write_parts(scene)
        cut.mend()
        paid = cut.guard.is_there()

        assert (paid, cut.guard._owed) == (True, {})
        assert len(arrived) == 1
        assert cut.store.get(key) not in (None, *arrived)

    def test_is_left_alone_a_little_longer_by_whoever_found_it_away(self, scene: Scene, cut: Cut) -> None:
        """Others, who owe it something, may not have found it again yet."""
        cut.away = True
        with log_lines():
            scene.read("/inventory")
        cut.away, cut.guard._away_until = False, 0.0

        found = cut.guard.is_there()
        grace = cut.guard._away_until - time.monotonic()
        cut.guard._away_until = 0.0

        assert (found, cut.guard.is_there()) == (False, True)
        assert 0 < grace <= cache_backend.GRACE_SECONDS

    def test_without_the_debt_the_old_answer_would_be_shown(self, scene: Scene, cut: Cut) -> None:
        """The control of the test above: it is the debt that makes the difference."""
        scene.read("/inventory")
        cut.away = True
        with log_lines():
            write_parts(scene)
        cut.mend()
        cut.guard._owed.clear()

        assert scene.read("/inventory").json[0]["name"] == "Oil Filter"

    def test_a_debt_that_cannot_be_paid_yet_keeps_the_cache_closed(self, scene: Scene, cut: Cut) -> None:
        scene.read("/inventory")
        cut.away = True
        with log_lines():
            write_parts(scene)
            cut.guard._away_until, cut.guard._was_away = 0.0, False

            shown = scene.read("/inventory").json[0]["name"]

        assert shown == "Renamed filter"
        assert list(cut.guard._owed) == [caching.version_key(scene.shop.id, "parts")]

    def test_what_cannot_be_kept_is_not(self, scene: Scene, cut: Cut) -> None:
        with scene.shop.app.test_request_context("/inventory"):
            cut.away = True
            with log_lines():
                caching.backend().set("key", 1, 60)
                caching.backend().set("key", 2, 60)
                caching.backend().clear()
            cut.mend()

            assert caching.backend().get_many(["key"]) == [None]

    def test_a_membership_is_asked_of_the_database_then(self, scene: Scene, cut: Cut) -> None:
        cut.away = True
        with log_lines():
            scene.shop.owner.delete(f"/mechanics/{scene.shop.mechanic_id}")

            assert scene.shop.mechanic.get("/inventory").status_code == 401


class TestVersions:
    def test_that_expired_make_an_entry_useless(self, scene: Scene) -> None:
        scene.read("/inventory")
        with scene.shop.app.app_context():
            cache.delete(caching.version_key(scene.shop.id, "parts"))

        assert scene.read_counting("/inventory")[1] > 0
        assert scene.read_counting("/inventory")[1] == 0

    @pytest.mark.parametrize(
        ("kept", "now", "usable"),
        [
            (["a"], ["a"], True),
            (["a"], ["b"], False),
            ([None], [None], False),
            (["a", None], ["a", None], False),
        ],
    )
    def test_must_be_the_present_ones(
        self, app: Flask, kept: list[Any], now: list[Any], usable: bool
    ) -> None:
        lookup = Lookup("key", ["v"] * len(now), now, (kept, {"ETag": '"t"'}, b"body"))

        with app.test_request_context("/"):
            assert (lookup.answer() is not None) == usable

    def test_are_made_for_tables_that_have_none_and_left_alone_where_there_is_one(self, app: Flask) -> None:
        lookup = Lookup("key", ["version:0:a", "version:0:b"], ["kept", None], None)

        with app.app_context():
            lookup.complete_versions()
            stored = caching.backend().get_many(["version:0:a", "version:0:b"])

        assert lookup.versions[0] == "kept"
        assert stored == [None, lookup.versions[1]]

    def test_an_announced_word_takes_the_place_of_the_one_before(self, app: Flask) -> None:
        words = []
        with app.app_context():
            for _ in range(2):
                caching.backend().announce({"version:0:c": (secrets.token_hex(8), 60)})
                words.append(caching.backend().get_many(["version:0:c"]))

        assert words[0] != words[1]


def test_a_bulk_load_ends_with_an_empty_cache(scene: Scene) -> None:
    scene.read("/inventory")

    with scene.shop.app.app_context():
        caching.backend().clear()

    assert scene.read_counting("/inventory")[1] > 0


def test_every_lifetime_a_route_names_is_in_the_configuration_and_the_reverse(app: Flask) -> None:
    assert {policy.lifetime for policy in cached_routes(app).values()} == set(app.config["CACHE_SECONDS"])


def test_the_reads_are_tables_of_workshops(app: Flask) -> None:
    tables = {table for policy in cached_routes(app).values() for table in policy.reads}

    assert {table for table in tables if "workshop_id" not in Model.metadata.tables[table].c} == set()
