"""The demo shop: the same each time, whole or not at all, and a shop like any other afterwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import make_url, select, text

from app.blueprints.accounts.models import Account, Membership
from app.blueprints.customers.models import Customer
from app.blueprints.inventory.alert_models import StockAlert
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.models import ServiceTicket, StatusChange, TicketLine, TicketMechanic
from app.blueprints.service_tickets.status import ASKED, BY_WORD, STATUSES, STEPS
from app.blueprints.vehicles import distance
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles import vin as vins
from app.blueprints.vehicles.models import OdometerReading, Vehicle, VehiclePlate
from app.blueprints.workshops.models import Counter, Workshop
from app.commands.demo import ADMIN, CUSTOMER, MECHANIC, OWNER, PASSWORD, bulk, loading
from app.commands.demo.garage import Garage, Ids, Size
from app.commands.demo.visits import Batch, Visits
from app.core import phones
from app.core.crypto import decrypt
from app.core.engines import owners_engine
from app.core.schema import Email, Phone
from app.core.tenancy import INSTALLATION
from app.extensions import cache, db
from tests.commands.conftest import Databases, MakeApp, empty_it, run
from tests.factories import Caller, make_shop, unique_vin

pytestmark = pytest.mark.no_cover  # counting lines would take as long again

DOORS = {
    OWNER: "/mechanics/login", MECHANIC: "/mechanics/login", CUSTOMER: "/customers/login", ADMIN: "/auth/login",
}  # fmt: skip


@pytest.fixture(scope="module")
def garage(make_installation: Callable[[], Flask]) -> Flask:
    """An installation with the demo shop as `flask demo` makes it; the tests only look at it."""
    app = make_installation()
    assert run(app, "demo").exit_code == 0
    return app


@pytest.fixture(scope="module")
def busy_garage(make_installation: Callable[[], Flask]) -> Flask:
    """A smaller one, in which the tests work."""
    app = make_installation()
    assert run(app, "demo", "--tickets", "600").exit_code == 0
    return app


def rows(app: Flask, model: Any) -> list[dict[str, Any]]:
    """Return all rows of a table but the installation's own place, in the order of its key."""
    table = model.__table__
    with app.app_context(), owners_engine(app).connect() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found if table.name != "workshops" or row["id"] != INSTALLATION]


def by_ticket(app: Flask, model: Any) -> dict[int, list[dict[str, Any]]]:
    """Return the rows of a table that hangs on tickets, by ticket."""
    found = defaultdict(list)
    for row in rows(app, model):
        found[row["service_ticket_id"]].append(row)
    return found


def everything(app: Flask) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables, VINs in the clear; of password hashes, which are salted, only that there is one."""
    found = {model.__tablename__: rows(app, model) for model in MODELS}
    for account in found["accounts"]:
        account["password_hash"] = bool(account["password_hash"])
    return found


MODELS = (
    Workshop, Account, Membership, Counter, Mechanic, Part, StockMovement, Customer, Vehicle, VehiclePlate, OdometerReading,
    ServiceTicket, TicketMechanic, TicketLine, StatusChange,
)  # fmt: skip


def signed_in(app: Flask, email: str) -> Caller:
    nobody = Caller(app)
    answer = nobody.post(DOORS[email], json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200
    return Caller(app, headers={"Authorization": f"Bearer {answer.json['auth_token']}"})


# ---- What it makes


@pytest.mark.parametrize(
    ("model", "number"),
    [
        (Workshop, 1),
        (Account, 4),
        (Membership, 3),
        (Mechanic, 8),
        (Customer, 200),
        (Vehicle, 240),
        (Part, 150),
        (ServiceTicket, 1000),
    ],
)
def test_a_plain_demo_has_a_thousand_tickets_and_what_belongs_to_them(
    garage: Flask, model: Any, number: int
) -> None:
    assert len(rows(garage, model)) == number


@pytest.mark.parametrize(
    ("email", "role"), [(OWNER, "owner"), (MECHANIC, "mechanic"), (CUSTOMER, "customer"), (ADMIN, "admin")]
)
def test_each_signs_in_as_what_they_are(garage: Flask, email: str, role: str) -> None:
    answer = Caller(garage).post(DOORS[email], json={"email": email, "password": PASSWORD})

    assert (answer.status_code, answer.json["role"]) == (200, role)


def test_the_owner_sees_the_whole_shop(garage: Flask) -> None:
    owner = signed_in(garage, OWNER)

    tickets = owner.get("/service_tickets?page=1&sort=number")
    mechanics = owner.get("/mechanics").json

    assert tickets.headers["X-Total-Count"] == "1000"
    assert [ticket["number"] for ticket in tickets.json] == list(range(1, 21))
    assert MECHANIC in [mechanic["email"] for mechanic in mechanics]
    assert all(mechanic["salary"] > 0 for mechanic in mechanics)


def test_the_customer_has_tickets_of_their_own(garage: Flask) -> None:
    tickets = signed_in(garage, CUSTOMER).get("/customers/my-tickets?per_page=100").json

    assert len(tickets) >= 20
    assert {ticket["customer"]["name"] for ticket in tickets} == {rows(garage, Customer)[0]["name"]}
    assert "delivered" in {ticket["status"] for ticket in tickets}


def test_the_mechanic_has_worked(garage: Flask) -> None:
    ranking = signed_in(garage, MECHANIC).get("/mechanics/usage").json

    assert rows(garage, Mechanic)[0]["id"] in [
        mechanic["id"] for mechanic in ranking if mechanic["ticket_count"] > 100
    ]


def test_every_customer_could_have_been_recorded_by_the_api(garage: Flask) -> None:
    customers = rows(garage, Customer)

    assert len({customer["email"] for customer in customers}) == len(customers)
    assert len({customer["phone"] for customer in customers}) == len(customers)
    for person in [*customers, *rows(garage, Mechanic)]:
        assert Email().deserialize(person["email"]) == person["email"]
        assert (
            Phone().deserialize(person["phone"])
            == person["phone"]
            == phones.normalised(person["phone"], "US")
        )
        assert len(person["name"].split()) == 2


def test_every_car_has_a_valid_vin_that_is_found_by_its_digests(garage: Flask) -> None:
    cars = rows(garage, Vehicle)

    assert len({car["vin"] for car in cars}) == len(cars)
    assert {car["vin"][0] in "12345" for car in cars} == {True, False}
    with garage.app_context():
        for car in cars:
            assert len(car["vin"]) == 17
            assert vins.normalised(car["vin"]) == car["vin"]
            assert vins.warnings(car["vin"]) == []
            assert bytes(car["vin_digest"]) == vehicles.digest(car["vin"])
            assert bytes(car["vin_tail_digest"]) == vehicles.tail_digest(car["vin"])


def test_every_car_has_a_plate_of_its_own_and_an_odometer_that_never_ran_backwards(garage: Flask) -> None:
    cars, plates = rows(garage, Vehicle), rows(garage, VehiclePlate)
    shown = defaultdict(list)
    for reading in rows(garage, OdometerReading):
        assert reading["metres"] == distance.in_metres(reading["value"], reading["unit"])
        shown[reading["vehicle_id"]].append((reading["read_at"], reading["metres"]))

    assert len({plate["folded"] for plate in plates}) == len(plates) == len(cars)
    assert {(plate["vehicle_id"], plate["customer_id"]) for plate in plates} == {
        (car["id"], car["customer_id"]) for car in cars
    }
    for car in cars:
        readings = shown[car["id"]]
        assert sorted(readings) == sorted(readings, key=lambda reading: reading[1])
        assert max(readings) == (car["odometer_read_at"], car["odometer_metres"])
        assert car["make"]
        assert car["model"]
        assert 2008 <= car["year"] <= 2026


def test_a_car_of_the_demo_is_shown_like_any_other(garage: Flask) -> None:
    owner = signed_in(garage, OWNER)
    car = rows(garage, Vehicle)[0]

    shown = owner.get(f"/vehicles/{car['id']}").json

    assert (shown["make"], shown["odometer_unit"], shown["warnings"]) == (car["make"], "mi", [])
    assert car["year"] in shown["hints"]["years"]
    assert len(owner.get(f"/vehicles?plate={shown['plate']}").json) == 1
    assert owner.get(f"/vehicles/{car['id']}/history").json


def test_the_vins_are_kept_encrypted(garage: Flask) -> None:
    with garage.app_context(), owners_engine(garage).connect() as connection:
        kept = bytes(connection.execute(text("SELECT vin FROM vehicles ORDER BY id")).scalars().first())

    assert rows(garage, Vehicle)[0]["vin"].encode() not in kept
    with garage.app_context():
        assert decrypt(kept) == rows(garage, Vehicle)[0]["vin"]


def test_some_parts_are_counted_and_some_of_those_are_low(garage: Flask) -> None:
    parts = rows(garage, Part)
    counted = [part for part in parts if part["on_hand"] is not None]

    assert len(counted) == 125
    assert all(part["sku"] and part["minimum_stock_level"] > 0 for part in counted)
    assert all(
        part["sku"] is part["minimum_stock_level"] is None for part in parts if part["on_hand"] is None
    )
    assert {part["on_hand"] <= part["minimum_stock_level"] for part in counted} == {True, False}
    assert len({part["name"] for part in parts}) == len(parts)


def test_what_is_low_has_its_alert(garage: Flask) -> None:
    counted = [part for part in rows(garage, Part) if part["on_hand"] is not None]
    low = {part["id"] for part in counted if part["on_hand"] <= part["minimum_stock_level"]}

    raised = [alert for alert in rows(garage, StockAlert) if alert["resolved_at"] is None]

    assert {alert["part_id"] for alert in raised} == low
    assert len(raised) == len(low)


def test_tickets_are_numbered_in_the_order_in_which_they_were_booked(garage: Flask) -> None:
    tickets = rows(garage, ServiceTicket)

    assert [ticket["number"] for ticket in tickets] == list(range(1, 1001))
    assert rows(garage, Counter)[0]["value"] == 1000
    assert [ticket["created_at"] for ticket in tickets] == sorted(ticket["created_at"] for ticket in tickets)
    assert all(ticket["created_at"].date() <= ticket["service_date"] for ticket in tickets)


def test_every_status_occurs(garage: Flask) -> None:
    assert {ticket["status"] for ticket in rows(garage, ServiceTicket)} == set(STATUSES)


def test_each_history_leads_from_nothing_to_the_present_status_by_steps_that_are_allowed(
    garage: Flask,
) -> None:
    histories = by_ticket(garage, StatusChange)

    for ticket in rows(garage, ServiceTicket):
        history = histories[ticket["id"]]
        path = [change["to_status"] for change in history]
        moments = [change["changed_at"] for change in history]
        assert [change["from_status"] for change in history] == [None, *path[:-1]]
        assert path[0] == "booked"
        assert set(pairwise(path)) <= set(STEPS)
        assert path[-1] == ticket["status"]
        assert moments == sorted(set(moments))
        assert (moments[0], moments[-1]) == (ticket["created_at"], ticket["updated_at"])
        assert [bool(change["reason"]) for change in history] == [
            status == "cancelled" or status in BY_WORD for status in path
        ]
        assert (ticket["approved_total"] is None) == ASKED.isdisjoint(path)
        if "approved" in path:
            assert ticket["approved_total"] == ticket["net_total"] + ticket["tax_total"]


def test_each_step_was_taken_by_one_of_the_three_who_sign_in(garage: Flask) -> None:
    accounts = {membership["account_id"] for membership in rows(garage, Membership)}

    assert {change["account_id"] for change in rows(garage, StatusChange)} == accounts


def test_whoever_is_worked_for_has_mechanics_and_only_they_have_lines(garage: Flask) -> None:
    begun = {
        change["service_ticket_id"]
        for change in rows(garage, StatusChange)
        if change["to_status"] == "in_progress"
    }
    crews, lines = by_ticket(garage, TicketMechanic), by_ticket(garage, TicketLine)

    assert begun <= set(crews)
    assert {len(crew) for crew in crews.values()} == {1, 2, 3}
    assert len(lines) > 700
    assert set(lines) == begun
    assert {line["kind"] for some in lines.values() for line in some} == {"labour", "part"}


def test_every_ticket_comes_to_the_sum_of_its_lines(garage: Flask) -> None:
    lines = by_ticket(garage, TicketLine)

    for ticket in rows(garage, ServiceTicket):
        theirs = lines.get(ticket["id"], [])
        assert ticket["net_total"] == sum(line["net"] for line in theirs)
        assert ticket["tax_total"] == sum(line["tax"] for line in theirs)


def test_a_ticket_keeps_the_price_that_a_part_had(garage: Flask) -> None:
    prices = {part["id"]: part["price"] for part in rows(garage, Part)}
    lines = [line for line in rows(garage, TicketLine) if line["part_id"] is not None]

    shares = {(line["unit_price"] / prices[line["part_id"]]).quantize(Decimal("0.01")) for line in lines}

    assert shares == {Decimal("1.00"), Decimal("0.94")}


@pytest.mark.one_database
def test_it_says_what_it_made_and_how_to_sign_in(empty: Flask) -> None:
    result = run(empty, "demo", "--tickets", "10")

    assert "8 mechanics, 200 customers, 240 vehicles, 150 parts, 10 tickets" in result.stdout
    for word in (OWNER, MECHANIC, CUSTOMER, ADMIN, PASSWORD):
        assert word in result.stdout
    assert "10/10" in result.stderr
    assert "10/10" not in result.stdout


# ---- The same each time


@pytest.mark.one_database
def test_two_loads_years_apart_make_the_same_rows(
    empty: Flask, make_installation: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    second = make_installation()

    run(empty, "demo", "--tickets", "120")
    monkeypatch.setattr(loading, "TICKETS_AT_ONCE", 17)
    monkeypatch.setattr(bulk, "ROWS_AT_ONCE", 50)
    with time_machine.travel(datetime(2031, 5, 17, 3, 30, tzinfo=UTC)):
        run(second, "demo", "--tickets", "120")

    assert len(rows(empty, ServiceTicket)) == 120
    assert everything(empty) == everything(second)


@pytest.mark.parametrize("model", [Mechanic, Customer, Vehicle, Part])
def test_the_shop_is_the_same_at_another_size(garage: Flask, busy_garage: Flask, model: Any) -> None:
    changing = {"on_hand", "stock_value", "version", "updated_at"}  # by the work of other tests
    still = [
        [{k: v for k, v in row.items() if k not in changing} for row in rows(a, model)]
        for a in (garage, busy_garage)
    ]

    assert still[1][: len(still[0])] == still[0]


@pytest.mark.one_database
def test_the_people_and_cars_of_a_million_tickets_are_all_different(empty: Flask) -> None:
    size = Size(1_000_000)
    million = Garage(1, size, Ids(1, 1, 1, 1, 1))

    with empty.app_context():
        customers, cars = list(million.customers(CUSTOMER)), list(million.vehicles())

    assert (len(customers), len(cars)) == (20_000, 24_000)
    assert len({customer["email"] for customer in customers}) == 20_000
    assert len({customer["phone"] for customer in customers}) == 20_000
    assert len({car["vin"] for car in cars}) == 24_000
    assert {car["customer_id"] for car in cars} == {customer["id"] for customer in customers}


# ---- A shop like any other


def test_the_next_ticket_has_the_next_number(empty: Flask) -> None:
    run(empty, "demo", "--tickets", "25")
    body = {"VIN": unique_vin(), "service_date": "2026-12-01", "service_desc": "Oil change", "customer_id": 1}

    answer = signed_in(empty, OWNER).post("/service_tickets", json=body)

    assert (answer.status_code, answer.json["number"]) == (201, 26)


def test_new_rows_of_every_kind_find_their_ids_free(busy_garage: Flask) -> None:
    owner = signed_in(busy_garage, OWNER)
    mechanic = {"name": "Jane Wrench", "email": "jane@example.com", "phone": "555-987-6543", "salary": 60000}

    made = [
        owner.post("/customers", json={"name": "Ada Obi"}),
        owner.post("/mechanics", json=mechanic),
        owner.post("/inventory", json={"name": "Floor Mat", "price": 19.99}),
    ]

    assert [answer.status_code for answer in made] == [201, 201, 201]


UNDER_WAY = ("in_progress", "waiting_parts", "awaiting_approval", "approved")


def under_way_with_a_counted_part(app: Flask) -> tuple[int, dict[str, Any], int]:
    """Return a ticket that is under way, a counted part on it, and how many of that are on it."""
    counted = {part["id"]: part for part in rows(app, Part) if part["on_hand"] is not None}
    lines = by_ticket(app, TicketLine)
    for ticket in rows(app, ServiceTicket):
        for line in lines[ticket["id"]] if ticket["status"] in UNDER_WAY else ():
            if line["part_id"] in counted:
                return ticket["id"], counted[line["part_id"]], line["quantity"]
    raise AssertionError("no ticket under way has a counted part")


def test_cancelling_a_ticket_puts_its_parts_back_into_stock(busy_garage: Flask) -> None:
    ticket_id, part, quantity = under_way_with_a_counted_part(busy_garage)
    owner = signed_in(busy_garage, OWNER)

    answer = owner.post(f"/service_tickets/{ticket_id}/status", json={"status": "cancelled"})

    assert answer.status_code == 200
    assert owner.get(f"/inventory/{part['id']}").json["on_hand"] == part["on_hand"] + quantity


def test_stock_ends_where_it_says(busy_garage: Flask) -> None:
    part = max(
        (part for part in rows(busy_garage, Part) if part["on_hand"]), key=lambda part: part["on_hand"]
    )
    ticket = next(ticket for ticket in rows(busy_garage, ServiceTicket) if ticket["status"] == "booked")
    owner = signed_in(busy_garage, OWNER)

    answers = [
        owner.post(
            f"/service_tickets/{ticket['id']}/inventory", json={"item_id": part["id"], "quantity": quantity}
        )
        for quantity in (part["on_hand"], 1)
    ]

    assert [answer.status_code for answer in answers] == [201, 409]
    assert owner.get(f"/inventory/{part['id']}").json["on_hand"] == 0


def test_the_ledger_begins_with_what_is_on_hand_and_holds(garage: Flask, busy_garage: Flask) -> None:
    counted = {part["id"]: part["on_hand"] for part in rows(garage, Part) if part["on_hand"]}

    assert {row["part_id"]: row["balance"] for row in rows(garage, StockMovement)} == counted
    for app in (garage, busy_garage):
        assert run(app, "stock", "verify").exit_code == 0


def test_a_car_of_the_shop_is_found_by_the_end_of_its_vin(busy_garage: Flask) -> None:
    ticket = rows(busy_garage, ServiceTicket)[0]
    car = next(car for car in rows(busy_garage, Vehicle) if car["id"] == ticket["vehicle_id"])

    found = signed_in(busy_garage, OWNER).get(f"/service_tickets?VIN={car['vin'][-6:]}").json

    assert ticket["id"] in [ticket["id"] for ticket in found]
    assert {ticket["VIN"] for ticket in found} == {car["vin"]}


# ---- Beside what is there


def test_a_second_demo_is_refused_and_changes_nothing(busy_garage: Flask) -> None:
    before = everything(busy_garage)

    result = run(busy_garage, "demo")

    assert result.exit_code == 1
    assert result.stderr == "Error: The demo shop is here already: a workshop has the slug `demo`.\n"
    assert everything(busy_garage) == before


@pytest.mark.one_database
def test_if_empty_keeps_the_demo_that_is_there_and_says_how_to_sign_in(busy_garage: Flask) -> None:
    before = everything(busy_garage)

    result = run(busy_garage, "demo", "--if-empty")

    assert result.exit_code == 0
    assert result.stdout.startswith("Nothing is loaded: there is a workshop already (demo).\n")
    assert PASSWORD in result.stdout
    assert everything(busy_garage) == before


def test_if_empty_keeps_a_real_shop_to_itself(empty: Flask) -> None:
    shop = make_shop(empty)
    before = everything(empty)

    result = run(empty, "demo", "--if-empty")

    assert (result.exit_code, result.stdout) == (
        0,
        f"Nothing is loaded: there is a workshop already ({shop.slug}).\n",
    )
    assert everything(empty) == before


def test_if_empty_loads_where_there_is_nothing(empty: Flask) -> None:
    result = run(empty, "demo", "--if-empty", "--tickets", "5")

    assert result.exit_code == 0
    assert len(rows(empty, ServiceTicket)) == 5


def test_the_demo_stands_beside_another_shop_and_touches_nothing_there(empty: Flask) -> None:
    shop = make_shop(empty)
    ticket = shop.make_ticket()
    before = everything(empty)

    result = run(empty, "demo", "--tickets", "30")
    next_ticket = shop.make_ticket()

    after = everything(empty)
    assert result.exit_code == 0
    assert (ticket["number"], next_ticket["number"]) == (1, 2)
    assert len(after["service_tickets"]) == 32
    assert all(row in after["customers"] for row in before["customers"])
    assert shop.owner.get("/customers").headers.get("Link") is None
    assert signed_in(empty, OWNER).get("/service_tickets?page=1").headers["X-Total-Count"] == "30"


def test_somebody_who_has_a_demo_address_already_keeps_it(empty: Flask) -> None:
    make_shop(empty).nobody.post(
        "/customers",
        json={"name": "Ada Obi", "email": OWNER, "phone": "555-123-4567", "password": "securepassword"},
    )
    before = everything(empty)

    result = run(empty, "demo")

    assert result.exit_code == 1
    assert f"Error: {OWNER} has an account here already." in result.stderr
    assert everything(empty) == before


# ---- Whole or not at all


def test_a_load_that_is_interrupted_leaves_nothing_and_can_be_repeated(
    empty: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(empty)

    def interrupted(visits: Visits, size: int) -> Iterator[Batch]:
        yield from batches(visits, 50)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        batches = Visits.batches
        patched.setattr(Visits, "batches", interrupted)
        result = run(empty, "demo", "--tickets", "100")

    assert result.exit_code == 1
    assert "100/100" in result.stderr
    assert everything(empty) == before
    assert run(empty, "demo", "--tickets", "100").exit_code == 0
    assert len(rows(empty, ServiceTicket)) == 100


@pytest.mark.one_database
def test_a_password_too_short_for_the_installation_makes_no_demo(empty: Flask, make_app: MakeApp) -> None:
    app = make_app(DATABASE_URL=empty.config["DATABASE_URL"], PASSWORD_MINIMUM_LENGTH=20)

    result = run(app, "demo")

    assert result.exit_code == 1
    assert result.stderr.endswith("Error: password: Shorter than minimum length 20.\n")
    assert rows(app, Workshop) == []


@pytest.mark.one_database
def test_production_has_no_demo(empty: Flask, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("SECRET_KEY", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY")):
        monkeypatch.setenv(name, f"{number}-quite-long-and-random-0123456789-abcdefghij")
    monkeypatch.setenv("DATABASE_URL", empty.config["DATABASE_URL"])
    app = make_app("production")

    for words in (["demo"], ["demo", "--if-empty"]):
        result = run(app, *words)

        assert result.exit_code == 1
        assert result.stderr.startswith("Error: There is no demo shop in production")
    assert rows(app, Workshop) == []


def test_a_database_without_tables_is_named_with_the_mend(make_app: MakeApp, databases: Databases) -> None:
    result = run(make_app(DATABASE_URL=databases.make()), "demo", "--if-empty")

    assert result.exit_code == 1
    assert "not migrated" in result.stderr
    assert "make migrate" in result.stderr


def test_a_database_that_is_away_is_named(make_app: MakeApp, tmp_path: Path) -> None:
    result = run(make_app(DATABASE_URL=f"sqlite:///{tmp_path / 'missing' / 'shop.db'}"), "demo")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The database does not answer")


@pytest.mark.parametrize("number", ["0", "-1", "1000001", "many"])
def test_only_one_to_a_million_tickets_are_made(empty: Flask, number: str) -> None:
    result = run(empty, "demo", "--tickets", number)

    assert result.exit_code == 2
    assert "--tickets" in result.stderr
    assert rows(empty, Workshop) == []


# ---- What it leaves behind


def test_nothing_stays_in_the_response_cache(empty: Flask) -> None:
    with empty.app_context():
        cache.set("answer:old", "kept before the load")

    run(empty, "demo", "--tickets", "5")

    with empty.app_context():
        assert cache.get("answer:old") is None


def test_postgresql_knows_how_much_there_is(garage: Flask) -> None:
    with garage.app_context():
        if db.engine.dialect.name != "postgresql":
            pytest.skip("SQLite keeps no such statistics")
        with db.engine.connect() as connection:
            estimate = text("SELECT reltuples FROM pg_class WHERE relname = 'service_tickets'")
            assert connection.execute(estimate).scalar_one() == 1000


def test_the_other_driver_of_postgresql_loads_the_same(empty: Flask, make_app: MakeApp) -> None:
    url = make_url(empty.config["DATABASE_URL"])
    if url.get_backend_name() != "postgresql":
        pytest.skip("SQLite has one driver")
    other = make_app(
        DATABASE_URL=url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    )

    run(other, "demo", "--tickets", "20")
    by_psycopg = everything(empty)
    empty_it(empty)
    run(empty, "demo", "--tickets", "20")

    assert len(by_psycopg["service_tickets"]) == 20
    assert everything(empty) == by_psycopg


def test_ids_that_another_session_breaks_into_are_drawn_again() -> None:
    class Drawing:
        """A connection to a sequence from which another session takes a number during the first draw."""

        dialect = type("Dialect", (), {"name": "postgresql"})
        draws = iter([(1, 9), (10, 17)])

        def execute(self, statement: object) -> Drawing:
            return self

        def one(self) -> tuple[int, int]:
            return next(self.draws)

    assert bulk.reserve(Drawing(), Mechanic, 8) == 10  # type: ignore[arg-type]


def test_any_text_arrives_as_it_left(empty: Flask) -> None:
    names = ["tab\there", "line\nfeed", "carriage\rreturn", r"back\slash", r"\N", r"\.", "", "zażółć"]
    rest = {
        "country": "US",
        "currency": "USD",
        "time_zone": "UTC",
        "created_at": datetime(2026, 3, 2, tzinfo=UTC),
    }

    with empty.app_context(), owners_engine(empty).begin() as connection:
        bulk.write(
            connection, Workshop, ({"name": name, "slug": f"w{i}", **rest} for i, name in enumerate(names))
        )

    assert [workshop["name"] for workshop in rows(empty, Workshop)] == names
