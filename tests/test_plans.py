"""That the readings which most requests are made of go by an index, on PostgreSQL and with many rows.

The statements are those that real requests send, and are carried out by EXPLAIN ANALYZE. The planner chooses as it does in
service, from its statistics; no way of reading is forbidden to it. What is compared is rows touched, not time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, create_engine, event, text

from app.blueprints.vehicles import reminders
from app.core import clock, crypto, delivery, drivers, outbox, tenancy
from app.core.db import atomic
from app.core.engines import owners_engine
from app.extensions import cache, db
from tests.factories import Shop, make_shop, unique_vin
from tests.mailing import empty_the_outbox

pytestmark = pytest.mark.every_case

TICKETS, CUSTOMERS = 10_000, 5_000
SMALL = {"mechanics"}  # a handful of rows, which are best read whole

# Each reading that most requests are made of, in a workshop with many rows, and how many rows its plan may touch in all
# tables and indexes together: far fewer than there are, with room for the planner to choose. A page has 20 tickets, each with
# a car, a customer, two mechanics and two parts.
READINGS: tuple[tuple[str, str, int], ...] = (
    ("one ticket", "/service_tickets/{ticket}", 60),
    ("the first page", "/service_tickets", 1500),
    ("a page far behind, by cursor", "/service_tickets?cursor={cursor}", 1500),
    ("by number", "/service_tickets?sort=number", 1500),
    ("of a status", "/service_tickets?status=completed", 1500),
    ("of a customer", "/service_tickets?customer_id={customer}", 1500),
    ("of a customer and a status", "/service_tickets?customer_id={customer}&status=completed", 1500),
    ("of a mechanic", "/service_tickets?mechanic_id={mechanic}", 4000),
    ("of a car", "/service_tickets?VIN={vin}", 200),
    ("of a day", "/service_tickets?service_date=2026-03-02", 1500),
    ("of a period", "/service_tickets?service_date_from=2026-03-02&service_date_to=2026-03-09", 1500),
    ("with rare words", "/service_tickets?q=gearbox+7777", 200),
    ("customers", "/customers", 40),
    ("customers by age", "/customers?sort=-created_at", 40),
    ("a customer by address", "/customers?email=c77@crowd.example.com", 10),
    ("notifications", "/notifications/log", 40),
    ("notifications given up", "/notifications/log?state=dead", 40),
    ("notifications on a topic", "/notifications/log?topic=password_changed", 40),
    ("notifications to an address", "/notifications/log?recipient={address}", 40),
    ("notifications of a period", "/notifications/log?created_before=2026-01-01T00:00:00Z", 40),
    ("parts", "/inventory", 40),
    ("vehicles", "/vehicles", 80),
    ("vehicles by their last change", "/vehicles?sort=-updated_at", 80),
    ("a vehicle by its number", "/vehicles?vin={vin}", 10),
    ("a vehicle by its plate", "/vehicles?plate=CAR+77", 10),
    ("vehicles by rare words", "/vehicles?q=coupe+777", 300),
    ("vehicles of a customer", "/vehicles?customer_id={customer}", 20),
    ("parts by price", "/inventory?sort=-price", 40),
)

# The same for what hangs on a visit and on a car. These send several statements: for what is listed, and whose it is.
ABOUT_A_VISIT: tuple[tuple[str, str, int], ...] = (
    ("templates", "/inspections/templates", 150),
    ("the inspections of a ticket", "/service_tickets/{ticket}/inspections", 60),
    ("one inspection", "/service_tickets/{ticket}/inspections/{inspection}", 60),
    ("what is offered at a visit", "/service_tickets/{ticket}/recommendations", 60),
    ("what was recommended for a car", "/vehicles/{car}/recommendations", 60),
    ("what is open for a car", "/vehicles/{car}/recommendations?state=open", 60),
    ("one recommendation", "/vehicles/{car}/recommendations/{advice}", 60),
    ("how the work went on", "/service_tickets/{ticket}/progress", 60),
    ("comments", "/service_tickets/{ticket}/comments", 60),
)

# The same for the directory, in which everybody's workshops are. A page has 20, each with four periods and two specialisations.
WORKSHOPS = 20_000
DIRECTORY: tuple[tuple[str, str, int], ...] = (
    ("workshops", "/workshops", 400),
    ("workshops backwards", "/workshops?sort=-name", 400),
    ("workshops of a country", "/workshops?country=PL", 400),
    ("workshops by rare words", "/workshops?q=garage+7777", 200),
    ("workshops of a small town", "/workshops?city=town+77", 600),
    ("workshops nearby", "/workshops/nearby?lat=50.5&lng=19.5&radius=10", 3000),
    ("workshops nearby, far from all", "/workshops/nearby?lat=-40&lng=19.5&radius=100", 200),
    ("workshops at the antimeridian", "/workshops/nearby?lat=0&lng=180&radius=100", 200),
    ("one workshop", "/workshops/{workshop}", 60),
)

# Over Poland and around: a hundred towns, a few of the workshops unlisted, two periods a day and two specialisations each.
TOWN = (
    """
    INSERT INTO workshops (name, slug, country, currency, time_zone, created_at, city, listed, latitude, longitude)
    SELECT 'Garage ' || n, 'town-' || n, CASE WHEN mod(n, 50) = 0 THEN 'PL' ELSE 'DE' END, 'EUR', 'Europe/Warsaw', now(),
        'Town ' || mod(n, 200), mod(n, 10) > 0,
        48 + mod(n * 7919, 100003) * 8.0 / 100003, 10 + mod(n * 104729, 100019) * 15.0 / 100019
    FROM generate_series(1, :workshops) n
    """,
    """
    INSERT INTO opening_periods (workshop_id, weekday, opens, closes)
    SELECT id, weekday, opens, opens + 240 FROM workshops, generate_series(1, 2) weekday, (VALUES (480), (750)) AS two (opens)
    WHERE strpos(slug, 'town-') = 1
    """,
    """
    INSERT INTO workshop_specialisations (workshop_id, specialisation)
    SELECT id, word FROM workshops, (VALUES ('brakes'), ('engine')) AS two (word) WHERE strpos(slug, 'town-') = 1
    """,
    """
    INSERT INTO closures (workshop_id, first_day, last_day, version, created_at, updated_at)
    SELECT id, date '2020-01-01' + step * 30, date '2020-01-01' + step * 30 + 2, 1, now(), now()
    FROM workshops, generate_series(1, 1) step WHERE strpos(slug, 'town-') = 1
    """,
)

# A neighbour's rows come first and are most: a list walked by an index without the workshop would touch them all.
CROWD = (
    """
    INSERT INTO customers (workshop_id, name, email, version, created_at, updated_at)
    SELECT :neighbour, 'Customer ' || n, 'c' || n || '@neighbour.example.com', 1, now() - n * interval '1 minute', now()
    FROM generate_series(1, 3 * :customers) n
    """,
    """
    INSERT INTO parts (workshop_id, name, price, version, created_at, updated_at)
    SELECT :neighbour, 'Part ' || n, n, 1, now(), now() FROM generate_series(1, 6000) n
    """,
    """
    INSERT INTO outbox_messages (workshop_id, message_id, topic, recipient, recipient_digest, language, template_values, state,
        attempts, due_at, sent_at, version, created_at, updated_at)
    SELECT owners.id, owners.id || '-' || n, CASE mod(n, 40) WHEN 0 THEN 'password_changed' ELSE 'recovery_code' END,
        letter.recipient, decode(md5('address' || n), 'hex'), 'en', CASE mod(n, 40) WHEN 1 THEN letter.template_values END,
        CASE mod(n, 40) WHEN 1 THEN 'pending' ELSE 'sent' END, 0, date '2025-06-01' + n * interval '1 hour',
        CASE mod(n, 40) WHEN 1 THEN NULL ELSE now() END, 1, date '2025-06-01' + n * interval '1 hour', now()
    FROM (VALUES (CAST(:neighbour AS int)), (CAST(:workshop AS int))) AS owners (id), generate_series(1, 6000) n,
        outbox_messages letter WHERE letter.id = :letter
    """,
    """
    INSERT INTO mechanics (workshop_id, name, email, phone, salary, version, created_at, updated_at)
    SELECT :workshop, 'Mechanic ' || n, 'm' || n || '@crowd.example.com', '555-0100', 0, 1, now(), now()
    FROM generate_series(1, 10) n
    """,
    """
    INSERT INTO customers (workshop_id, name, email, version, created_at, updated_at)
    SELECT :workshop, 'Customer ' || n, 'c' || n || '@crowd.example.com', 1, now() - n * interval '1 minute', now()
    FROM generate_series(1, :customers) n
    """,
    """
    INSERT INTO parts (workshop_id, name, price, version, created_at, updated_at)
    SELECT :workshop, 'Part ' || n, n, 1, now(), now() FROM generate_series(1, 2000) n
    """,
    """
    INSERT INTO vehicles (workshop_id, customer_id, vin, vin_digest, vin_tail_digest, make, model, created_at, updated_at)
    SELECT :workshop, customers.id, vehicles.vin, decode(md5('whole' || customers.id), 'hex'),
        decode(md5('tail' || customers.id), 'hex'), 'Trabant', 'Coupe ' || customers.id,
        now() - customers.id * interval '1 minute', now() - customers.id * interval '1 second'
    FROM customers, service_tickets JOIN vehicles ON vehicles.id = vehicle_id
    WHERE service_tickets.id = :ticket AND customers.workshop_id = :workshop AND customers.id <> service_tickets.customer_id
        AND strpos(email, '@crowd.') > 0
    """,
    """
    INSERT INTO vehicles (workshop_id, customer_id, vin, vin_digest, vin_tail_digest, make, model, created_at, updated_at)
    SELECT :neighbour, customers.id, vehicles.vin, decode(md5('whole' || customers.id), 'hex'),
        decode(md5('tail' || customers.id), 'hex'), 'Trabant', 'Coupe ' || customers.id, now(), now()
    FROM customers, service_tickets JOIN vehicles ON vehicles.id = vehicle_id
    WHERE service_tickets.id = :ticket AND customers.workshop_id = :neighbour AND strpos(email, '@neighbour.') > 0
    """,
    """
    INSERT INTO vehicle_plates (workshop_id, vehicle_id, customer_id, plate, folded, since, until)
    SELECT workshop_id, id, customer_id, 'CAR ' || id || time.word, 'CAR' || id || time.word, now() - interval '1 day',
        time.ended
    FROM vehicles, (VALUES ('', CAST(NULL AS timestamptz)), ('old', now())) AS time (word, ended)
    WHERE workshop_id IN (:workshop, :neighbour)
    """,
    """
    INSERT INTO service_tickets (workshop_id, number, customer_id, vehicle_id, service_date, service_desc, status, version,
        created_at, updated_at)
    SELECT :workshop, 100 + n, cars.customer_id, cars.id, date '2024-01-01' + mod(n, 1000), 'Gearbox ' || n,
        (ARRAY['booked', 'received', 'in_progress', 'completed', 'delivered', 'cancelled'])[1 + mod(n, 6)], 1, now(), now()
    FROM generate_series(1, :tickets) n
    JOIN (SELECT *, row_number() OVER (ORDER BY vehicles.id) AS place FROM vehicles WHERE workshop_id = :workshop) cars
        ON place = 1 + mod(n, :customers)
    """,
    """
    INSERT INTO service_ticket_mechanics (workshop_id, service_ticket_id, mechanic_id)
    SELECT :workshop, service_tickets.id, crew.id FROM service_tickets
    CROSS JOIN (VALUES (0), (3)) AS second (step)
    JOIN (SELECT *, row_number() OVER (ORDER BY mechanics.id) AS place FROM mechanics WHERE workshop_id = :workshop) crew
        ON place = 1 + mod(number + step, 10)
    WHERE service_tickets.workshop_id = :workshop
    """,
    """
    INSERT INTO service_ticket_lines (workshop_id, service_ticket_id, kind, description, part_id, unit_price, quantity, fitted,
        tax_rate, net, tax)
    SELECT :workshop, service_tickets.id, 'part', 'A part', shelf.id, 100, 1, 1, 0, 100, 0 FROM service_tickets
    CROSS JOIN (VALUES (0), (7)) AS second (step)
    JOIN (SELECT *, row_number() OVER (ORDER BY parts.id) AS place FROM parts WHERE workshop_id = :workshop) shelf
        ON place = 1 + mod(number + step, 2000)
    WHERE service_tickets.workshop_id = :workshop
    """,
    """
    UPDATE service_ticket_lines SET fitted = 0 WHERE workshop_id = :workshop AND mod(id, 200) = 0
    """,
    """
    UPDATE parts SET on_hand = 0 WHERE workshop_id = :workshop
        AND id IN (SELECT part_id FROM service_ticket_lines WHERE workshop_id = :workshop AND fitted < quantity)
    """,
    """
    INSERT INTO inspection_templates (workshop_id, name, folded_name, standard, version, created_at, updated_at)
    SELECT owners.id, 'Check ' || n, 'check ' || n, false, 1, now(), now()
    FROM (VALUES (CAST(:neighbour AS int)), (CAST(:workshop AS int))) AS owners (id), generate_series(1, 3000) n
    """,
    """
    INSERT INTO inspection_template_points (workshop_id, template_id, place, section, name)
    SELECT workshop_id, id, place, 'Brakes', 'Pads' FROM inspection_templates, generate_series(1, 3) place
    WHERE workshop_id IN (:workshop, :neighbour)
    """,
    """
    INSERT INTO inspections (workshop_id, service_ticket_id, vehicle_id, title, state, finished_at, validated_at, version,
        created_at, updated_at)
    SELECT workshop_id, id, vehicle_id, 'Check', 'validated', now(), now(), 1, now(), now()
    FROM service_tickets WHERE workshop_id = :workshop
    """,
    """
    INSERT INTO inspection_points (workshop_id, inspection_id, place, section, name, condition)
    SELECT workshop_id, id, place, 'Brakes', 'Pads', 'not_checked' FROM inspections, generate_series(1, 3) place
    WHERE workshop_id = :workshop
    """,
    """
    INSERT INTO recommendations (workshop_id, vehicle_id, service_ticket_id, inspection_id, description, urgency, state,
        estimated_price, version, created_at, updated_at)
    SELECT workshop_id, vehicle_id, service_ticket_id, id, 'Pads', 'soon',
        (ARRAY['open', 'declined', 'done', 'dismissed'])[1 + mod(id, 4)], 100, 1, now(), now()
    FROM inspections, generate_series(1, 2) WHERE workshop_id = :workshop
    """,
    """
    INSERT INTO recommendation_changes (workshop_id, recommendation_id, to_state, at)
    SELECT workshop_id, id, 'open', now() FROM recommendations WHERE workshop_id = :workshop
    """,
    """
    INSERT INTO recommendation_lines (workshop_id, line_id, recommendation_id)
    SELECT :workshop, lines.id, advice.id
    FROM (SELECT service_ticket_id, min(id) AS id FROM recommendations WHERE workshop_id = :workshop GROUP BY 1) advice
    JOIN (SELECT service_ticket_id, min(id) AS id FROM service_ticket_lines WHERE workshop_id = :workshop GROUP BY 1) lines
        USING (service_ticket_id)
    """,
    """
    INSERT INTO progress_updates (workshop_id, service_ticket_id, text, version, created_at, updated_at)
    SELECT workshop_id, id, 'On.', 1, now(), now() FROM service_tickets, generate_series(1, 2) WHERE workshop_id = :workshop
    """,
    """
    INSERT INTO files (workshop_id, kind, content_type, size, sha256, created_at)
    SELECT :workshop, 'picture', 'image/jpeg', 1, decode('00', 'hex'), now() FROM generate_series(1, 5000)
    """,
    """
    INSERT INTO service_ticket_attachments (workshop_id, service_ticket_id, place, kind, name, file_id, thumbnail_id,
        visible_to_customer, version, created_at, updated_at)
    SELECT :workshop, tickets.id, 1, 'picture', :photo_name, kept.id, kept.id + 2500, true, 1, now(), now()
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM service_tickets
        WHERE workshop_id = :workshop ORDER BY id LIMIT 2500) tickets
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM files WHERE workshop_id = :workshop) kept USING (n)
    """,
    """
    INSERT INTO progress_update_photos (workshop_id, service_ticket_id, progress_update_id, attachment_id, place)
    SELECT :workshop, service_ticket_id, updates.id, attached.id, 1 FROM progress_updates updates
    JOIN service_ticket_attachments attached USING (workshop_id, service_ticket_id) WHERE workshop_id = :workshop
    """,
    "ALTER TABLE inspection_point_photos DISABLE TRIGGER USER",  # which adds nothing to what is validated
    """
    INSERT INTO inspection_point_photos (workshop_id, service_ticket_id, inspection_id, point, attachment_id, place)
    SELECT :workshop, service_ticket_id, seen.id, 1, attached.id, 1 FROM inspections seen
    JOIN service_ticket_attachments attached USING (workshop_id, service_ticket_id) WHERE workshop_id = :workshop
    """,
    "ALTER TABLE inspection_point_photos ENABLE TRIGGER USER",
    """
    INSERT INTO ticket_comments (workshop_id, service_ticket_id, text, version, created_at, updated_at)
    SELECT workshop_id, id, 'On.', 1, now(), now() FROM service_tickets, generate_series(1, 2) WHERE workshop_id = :workshop
    """,
    """
    INSERT INTO maintenance_intervals (workshop_id, vehicle_id, title, every_months, last_done_on, next_look_on, version,
        created_at, updated_at)
    SELECT workshop_id, id, 'Oil', 12, date '2026-03-02',
        CASE mod(id, 500) WHEN 0 THEN date '2001-01-01' ELSE date '2999-01-01' END, 1, now(), now()
    FROM vehicles WHERE workshop_id IN (:workshop, :neighbour)
    """,
    """
    INSERT INTO service_ticket_status_changes (workshop_id, service_ticket_id, to_status, changed_at)
    SELECT :workshop, id, 'booked', now() FROM service_tickets WHERE workshop_id = :workshop AND id <> :ticket
    """,
)

# Two hundred of the workshops have a car and a few tickets each, so that the large one is nothing like the usual.
SMALL_SHOPS = (
    """
    INSERT INTO customers (workshop_id, name, email, version, created_at, updated_at)
    SELECT id, 'Customer', 'c' || id || '@small.example.com', 1, now(), now() FROM workshops
    WHERE strpos(slug, 'town-') = 1 AND mod(id, 100) = 0
    """,
    """
    INSERT INTO vehicles (workshop_id, customer_id, vin, vin_digest, vin_tail_digest, make, model, created_at, updated_at)
    SELECT customers.workshop_id, customers.id, vehicles.vin, decode(md5('whole' || customers.id), 'hex'),
        decode(md5('tail' || customers.id), 'hex'), 'Trabant', 'Coupe', now(), now()
    FROM customers, service_tickets JOIN vehicles ON vehicles.id = vehicle_id
    WHERE service_tickets.id = :ticket AND strpos(email, '@small.') > 0
    """,
    """
    INSERT INTO service_tickets (workshop_id, number, customer_id, vehicle_id, service_date, service_desc, status, version,
        created_at, updated_at)
    SELECT cars.workshop_id, n, cars.customer_id, cars.id, date '2024-01-01' + n, 'Gearbox', 'delivered', 1, now(), now()
    FROM generate_series(1, 5) n, vehicles cars JOIN customers ON customers.id = cars.customer_id
    WHERE strpos(email, '@small.') > 0
    """,
)


@dataclass
class Crowd:
    """A workshop with many rows, and what the readings name of it."""

    shop: Shop
    names: dict[str, Any]


@pytest.fixture(scope="module")
def crowd(app: Flask) -> Crowd:
    """Many rows, and statistics that know of them, on PostgreSQL: what SQLite's planner does is another matter."""
    with app.app_context():
        engine, photo_name = owners_engine(app), crypto.encrypt("brakes.jpg")
    if engine.dialect.name != "postgresql":
        if os.environ.get("REQUIRE_SERVICES"):
            pytest.fail("PostgreSQL is required, and TEST_DATABASE_URL names none.")
        pytest.skip("The plans looked at are PostgreSQL's.")
    shop, neighbour = make_shop(app), make_shop(app)
    vin = unique_vin()
    ticket = shop.make_ticket(VIN=vin)["id"]
    letter = shop.make_dead_letter()
    sizes = {
        "letter": letter, "workshops": WORKSHOPS,
        "workshop": shop.id, "neighbour": neighbour.id, "tickets": TICKETS, "customers": CUSTOMERS, "ticket": ticket,
        "photo_name": photo_name,
    }  # fmt: skip
    engine = create_engine(engine.url)  # as patient as it takes: on a busy machine this takes long
    with engine.begin() as connection:
        for statement in (*CROWD, *TOWN, *SMALL_SHOPS):
            wanted = set(re.findall(r"(?<!:):(\w+)", statement))
            connection.execute(text(statement), {name: sizes[name] for name in wanted})
            written = re.search(r"(?:INTO|UPDATE|TABLE) (\w+)", statement)
            assert written is not None
            connection.execute(
                text(f"ANALYZE {written[1]}")
            )  # or the next one's foreign keys are checked without an index
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))  # which brings the new words into the search's index
    some = shop.owner.get("/service_tickets?sort=number&per_page=100").json[50]
    with engine.connect() as connection:
        advice = text(
            "SELECT vehicle_id, inspection_id, id FROM recommendations WHERE service_ticket_id = :ticket LIMIT 1"
        )
        car, inspection, advice_id = connection.execute(advice, {"ticket": some["id"]}).one()
    engine.dispose()
    return Crowd(
        shop,
        {
            "ticket": some["id"], "customer": some["customer_id"], "mechanic": some["mechanics"][0]["id"], "vin": vin,
            "cursor": far_behind(shop), "address": shop.customer.email, "workshop": shop.id,
            "car": car, "inspection": inspection, "advice": advice_id,
        },
    )  # fmt: skip


def far_behind(shop: Shop) -> str:
    """Return the cursor of a page 2,000 tickets behind the first."""
    path = "/service_tickets?per_page=100"
    for _ in range(20):
        path = shop.owner.get(path).headers["Link"].split(">")[0].lstrip("<")
    return parse_qs(urlsplit(path).query)["cursor"][0]


def plans_of(
    app: Flask, crowd: Crowd, path: str, *, walled: bool = True, any_values: bool = False
) -> list[dict[str, Any]]:
    """Return how PostgreSQL carries out each SELECT of a request with nothing cached but that the membership stands.

    Behind its own wall between workshops, or without it (`DB_ROLE`). `any_values`: and how by a plan for any values.
    """
    with app.app_context():
        engine = db.engine
        cache.clear()
    crowd.shop.owner.get("/mechanics")
    with readings(engine) as sent:
        assert crowd.shop.owner.get(path.format(**crowd.names)).status_code == 200
    engine, explain = engine if walled else owners_engine(app), "EXPLAIN (ANALYZE, FORMAT JSON) "
    with tenancy.acting_in(crowd.shop.id), engine.connect() as connection:
        plans = [
            connection.exec_driver_sql(explain + statement, values).scalar_one() for statement, values in sent
        ]
        if any_values:
            plans += [planned_for_any(connection, explain, statement, values) for statement, values in sent]
    return [plan[0]["Plan"] for plan in plans]


@contextmanager
def readings(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Yield a list to which each SELECT is added that is sent in the block, with its values."""
    sent: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *others: Any) -> None:
        if statement.startswith(("SELECT", "WITH RECURSIVE")):
            sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def planned_for_any(connection: Connection, explain: str, statement: str, values: Any) -> Any:
    """Return how a statement is carried out by a plan that was made before its values were known."""
    connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
    connection.exec_driver_sql(f"PREPARE looked_at AS {drivers._with_numbered_parameters(statement)}")
    given = ", ".join("NULL" if value is None else f"'{value}'" for value in values)
    told = connection.exec_driver_sql(f"{explain}EXECUTE looked_at ({given})").scalar_one()
    connection.exec_driver_sql("DEALLOCATE looked_at; SET plan_cache_mode = DEFAULT")
    return told


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the steps of a plan that was carried out."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from steps(part)


def rows_touched(step: dict[str, Any]) -> float:
    """Return how many rows a step read from a table or an index; none for a step that works on others' rows."""
    if not step["Node Type"].endswith("Scan") or step["Node Type"] in ("Subquery Scan", "CTE Scan"):
        return 0
    removed = step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
    touched: float = (step["Actual Rows"] + removed) * step["Actual Loops"]
    return touched


# LIKE might tell of a row what it is not to tell, so PostgreSQL asks the wall first, of each of the workshop's rows.
ONLY_WITHOUT_THE_WALL = {"with rare words", "vehicles by rare words"}


# Statistics are a random sample: now and then one makes rare words look frequent, until the next one puts it right.
SAMPLES = 3

# What one key leads to, and what the order's index bounds, so that a plan for whoever asks has to do as well.
FOR_ANY_VALUES = {
    "one ticket", "of a customer", "the first page", "a page far behind, by cursor", "of a day", "of a period",
}  # fmt: skip


@pytest.mark.parametrize(("reading", "path", "most"), READINGS, ids=[reading for reading, _, _ in READINGS])
def test_a_hot_reading_goes_by_an_index(app: Flask, crowd: Crowd, reading: str, path: str, most: int) -> None:
    any_values = reading in FOR_ANY_VALUES
    for _ in range(SAMPLES):
        plans = plans_of(app, crowd, path, walled=reading not in ONLY_WITHOUT_THE_WALL, any_values=any_values)
        every_step = [step for plan in plans for step in steps(plan)]
        whole = {step["Relation Name"] for step in every_step if step["Node Type"] == "Seq Scan"} - SMALL
        touched = sum(rows_touched(step) for step in every_step if step.get("Relation Name") not in SMALL)
        if touched <= most * len(plans):
            break
        with owners_engine(app).connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()

    assert len(plans) == 1 + any_values
    assert not whole, f"{reading}: {sorted(whole)} is read whole"
    assert touched <= most * len(plans), f"{reading}: {touched:.0f} rows touched where {most} should do"


@pytest.mark.parametrize(("reading", "path", "most"), DIRECTORY, ids=[reading for reading, _, _ in DIRECTORY])
def test_a_reading_of_the_directory_goes_by_an_index(
    app: Flask, crowd: Crowd, reading: str, path: str, most: int
) -> None:
    plans = plans_of(app, crowd, path)
    every_step = [step for plan in plans for step in steps(plan)]

    whole = {step["Relation Name"] for step in every_step if step["Node Type"] == "Seq Scan"}
    touched = sum(rows_touched(step) for step in every_step if step.get("Relation Name") not in SMALL)

    assert len(plans) in (1, 2)
    assert not whole, f"{reading}: {sorted(whole)} is read whole"
    assert touched <= most, f"{reading}: {touched:.0f} rows touched where {most} should do"


def test_the_lines_of_a_ticket_are_found_by_their_index(app: Flask, crowd: Crowd) -> None:
    (plan,) = plans_of(app, crowd, "/service_tickets/{ticket}")

    read = [step for step in steps(plan) if step.get("Relation Name") == "service_ticket_lines"]

    assert {step["Index Name"] for step in indexes(plan) if "service_ticket_lines" in step["Index Name"]} == {
        "ix_service_ticket_lines_ticket"
    }
    assert 0 < sum(rows_touched(step) for step in read) <= 8


def test_what_tickets_lack_is_found_among_all_lines_by_its_index(app: Flask, crowd: Crowd) -> None:
    plans = plans_of(app, crowd, "/inventory/purchase_orders/proposals")
    every_step = [step for plan in plans for step in steps(plan)]

    by = {step["Index Name"] for step in every_step if "service_ticket_lines" in step.get("Index Name", "")}
    whole = {step["Relation Name"] for step in every_step if step["Node Type"] == "Seq Scan"}
    read = [step for step in every_step if step.get("Relation Name") == "service_ticket_lines"]

    # A hundred of 20,000 lines lack something, and two statements ask. Most tickets are open here: they may be read whole.
    assert by == {"ix_service_ticket_lines_lacking"}
    assert not whole & {"service_ticket_lines", "parts"}
    assert 0 < sum(rows_touched(step) for step in read) <= 200


def indexes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in steps(plan) if "Index Name" in step]


def test_the_board_of_500_touches_what_is_open_and_not_the_past(app: Flask, crowd: Crowd) -> None:
    plans = plans_of(app, crowd, "/service_tickets/board")
    every_step = [step for plan in plans for step in steps(plan)]

    whole = {step["Relation Name"] for step in every_step if step["Node Type"] == "Seq Scan"} - SMALL
    touched = sum(rows_touched(step) for step in every_step if step.get("Relation Name") not in SMALL)

    # 6,700 are open, 501 are read: each with a car, its plate, a customer, two mechanics, two lines and their parts, two
    # updates and an inspection.
    assert not whole, f"{sorted(whole)} is read whole"
    assert "ix_service_tickets_open" in {step["Index Name"] for plan in plans for step in indexes(plan)}
    assert touched <= 501 * 16, f"{touched:.0f} rows touched"


@pytest.mark.parametrize(
    ("reading", "path", "most"), ABOUT_A_VISIT, ids=[reading for reading, _, _ in ABOUT_A_VISIT]
)
def test_a_reading_about_a_visit_goes_by_an_index(
    app: Flask, crowd: Crowd, reading: str, path: str, most: int
) -> None:
    plans = plans_of(app, crowd, path)
    every_step = [step for plan in plans for step in steps(plan)]

    whole = {step["Relation Name"] for step in every_step if step["Node Type"] == "Seq Scan"} - SMALL
    touched = sum(rows_touched(step) for step in every_step if step.get("Relation Name") not in SMALL)

    assert len(plans) <= 4
    assert not whole, f"{reading}: {sorted(whole)} is read whole"
    assert touched <= most, f"{reading}: {touched:.0f} rows touched where {most} should do"


def test_the_intervals_whose_day_has_come_are_found_by_an_index(app: Flask, crowd: Crowd) -> None:
    with app.app_context():
        statement = reminders._waiting(
            {"America/Chicago": date(2026, 3, 1), "UTC": date(2026, 3, 2)}
        ).compile(db.engine, compile_kwargs={"literal_binds": True})
        with tenancy.across_workshops(), db.engine.connect() as connection:
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}").scalar_one()
    every_step = list(steps(explained[0]["Plan"]))

    found_by = [
        step.get("Index Name") for step in every_step if step.get("Relation Name") == "maintenance_intervals"
    ]
    assert found_by == ["ix_maintenance_intervals_next_look"]


def test_workshops_nearby_go_by_the_index_of_places(app: Flask, crowd: Crowd) -> None:
    first, *_ = plans_of(app, crowd, "/workshops/nearby?lat=50.5&lng=19.5&radius=25")

    assert "ix_workshops_place" in {step.get("Index Name") for step in steps(first)}


def test_a_page_far_behind_touches_no_more_rows_than_the_first(app: Flask, crowd: Crowd) -> None:
    first, far = (
        sum(rows_touched(step) for plan in plans_of(app, crowd, path) for step in steps(plan))
        for path in ("/service_tickets", "/service_tickets?cursor={cursor}")
    )

    assert 0 < far <= first * 1.1


def test_the_next_message_to_be_sent_is_found_by_an_index(app: Flask, crowd: Crowd) -> None:
    empty_the_outbox(crowd.shop)  # what is claimed or silenced of other tests would come first
    with crowd.shop.inside(), atomic():
        outbox.queue(crowd.shop.id, "password_changed", crowd.shop.customer.email)
    with app.app_context():
        statement = delivery._due(clock.now()).compile(db.engine, compile_kwargs={"literal_binds": True})
        with tenancy.across_workshops(), db.engine.connect() as connection:
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}").scalar_one()
    every_step = list(steps(explained[0]["Plan"]))

    of_messages = [step for step in every_step if step.get("Relation Name") == "outbox_messages"]
    assert [step.get("Index Name") for step in of_messages] == ["ix_outbox_messages_due"]
    # The workshops that other tests suspended are read beside them, once, and are not what this asks about.
    assert sum(rows_touched(step) for step in of_messages) <= 5
