"""`flask rotate-keys`: everything encrypted comes under the newest key, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, select, text, type_coerce

from app.blueprints.customers import photos
from app.core import crypto, rotation, stores
from app.core.crypto import EncryptedBytes, EncryptedText
from app.core.db import atomic
from app.core.engines import owners_engine
from app.core.idempotency import IdempotencyKey
from app.core.model import Model
from app.core.objects import FileObject
from app.extensions import db
from tests import second_factors
from tests.admins.conftest import account_id
from tests.commands.conftest import run
from tests.factories import Shop, make_admin, make_shop
from tests.pictures import picture

OLD = "testing-only-" + "e" * 32  # the suite's
NEW = "testing-only-" + "n" * 32
NEWEST = "testing-only-" + "x" * 32
PESEL = "44051401359"


@pytest.fixture(scope="module")
def installation(make_installation: Callable[[], Flask]) -> Flask:
    """An installation with a database of its own."""
    return make_installation()


@pytest.fixture
def shop(installation: Flask, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with something encrypted in every table that has it, under the old key; the new one is first by now."""
    keys(installation, OLD, NEW, NEWEST)
    run(installation, "rotate-keys")  # what another test left under another key
    keys(installation, OLD)
    made = make_shop(installation)
    ticket = f"/service_tickets/{made.make_ticket()['id']}"
    profile = {"national_id_kind": "PL-PESEL", "national_id": PESEL}
    made.owner.put(f"/customers/{made.customer_id}/profile", json=profile, headers={"X-Workshop": made.slug})
    made.owner.post("/inventory", json={"name": "Filter", "price": 1}, headers={"Idempotency-Key": made.slug})
    made.make_dead_letter()
    path = f"/accounts/{account_id(make_admin(installation))}/suspend"
    assert make_admin(installation).post(path, json={"reason": "Left"}).status_code == 200
    second_factors.give(installation, [made.customer.email])
    made.make_attachment(int(ticket.rpartition("/")[2]))
    decide_an_estimate(made, ticket)
    send_an_order(made)
    with made.inside(), atomic() as session:
        photos.put(made.id, made.customer_id, picture())
        session.add(FileObject(workshop_id=made.id, key=stores.new_key(), store="folder", secret=b"s"))
    keys(installation, NEW, OLD)
    return made


def decide_an_estimate(shop: Shop, ticket: str) -> None:
    """Leave all the evidence of a decision that there can be."""
    shop.owner.post(f"{ticket}/status", json={"status": "received"})
    shop.owner.post(f"{ticket}/lines", json={"kind": "fee", "description": "Wax", "unit_price": 5})
    asked = shop.owner.post(f"{ticket}/estimates", json={}).json
    decision = {"accepted_line_ids": [], "name": "Ada Obi", "how": "phone", "note": "At ten."}
    decided = shop.owner.post(f"{ticket}/estimates/{asked['id']}/decision", json=decision)
    assert decided.status_code == 200


def send_an_order(shop: Shop) -> None:
    """Leave a letter with a document in it."""
    supplier = shop.make_supplier(email="sales@parts.example.com").id
    order = shop.make_order(shop.make_part(on_hand=1).id, supplier_id=supplier)["id"]
    assert shop.owner.post(f"/inventory/purchase_orders/{order}/send").status_code == 200


def keys(app: Flask, *ring: str) -> None:
    app.config["ENCRYPTION_KEYS"] = list(ring)


def names(app: Flask) -> dict[str, str]:
    """Return the names of the keys by the keys."""
    with app.app_context():
        return dict(zip(app.config["ENCRYPTION_KEYS"], crypto.marks().values(), strict=True))


def tokens(app: Flask) -> dict[str, list[bytes]]:
    """Return all that lies encrypted, by its column."""
    with app.app_context(), owners_engine(app).connect() as connection:
        return {
            f"{column.table.name}.{column.name}": [
                bytes(token)
                for (token,) in connection.execute(
                    select(type_coerce(column, LargeBinary)).where(column.is_not(None))
                )
            ]
            for column in rotation.encrypted_columns()
        }


def test_every_column_that_is_encrypted_is_known() -> None:
    found = {f"{column.table.name}.{column.name}" for column in rotation.encrypted_columns()}

    assert found == {
        f"{table.name}.{column.name}"
        for table in Model.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, EncryptedText | EncryptedBytes)
    }
    assert found >= {
        "vehicles.vin", "customer_profiles.national_id", "person_keys.secret", "idempotency_keys.answer",
        "second_factors.secret",
        "file_pieces.content",
    }  # fmt: skip


def test_everything_comes_under_the_newest_key_and_reads_as_before(shop: Shop) -> None:
    app = shop.app
    before = shop.owner.get("/service_tickets").json
    told = shop.owner.get("/audit?per_page=100").json
    numbers = {column: len(lying) for column, lying in tokens(app).items()}

    result = run(app, "rotate-keys")

    ring = names(app)
    assert result.exit_code == 0
    assert f"Everything is under the newest key, {ring[NEW]}." in result.stdout
    assert f"may leave ENCRYPTION_KEYS: {ring[OLD]}." in result.stdout
    for column, number in numbers.items():
        assert f"{column}: {number:,} re-encrypted\n" in result.stdout
    keys(app, NEW)
    assert all(numbers.values())
    assert shop.owner.get("/service_tickets").json == before
    assert shop.owner.get("/audit?per_page=100").json == told
    assert shop.owner.get(f"/customers/{shop.customer_id}/profile").json["national_id"] == PESEL
    again = {"Idempotency-Key": shop.slug}
    assert (
        shop.owner.post("/inventory", json={"name": "Filter", "price": 1}, headers=again).status_code == 201
    )


def test_what_is_done_is_passed_over_without_being_decrypted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(shop.app, "rotate-keys")
    before = tokens(shop.app)

    def fail(token: bytes) -> str:
        raise AssertionError("decrypted")

    monkeypatch.setattr(crypto, "decrypt_bytes", fail)
    result = run(shop.app, "rotate-keys")

    assert result.exit_code == 0
    assert "vehicles.vin: 0 re-encrypted" in result.stdout
    assert tokens(shop.app) == before


def test_with_one_key_there_is_nothing_to_do_and_no_key_to_remove(shop: Shop) -> None:
    keys(shop.app, OLD)

    result = run(shop.app, "rotate-keys")

    assert result.exit_code == 0
    assert "may leave" not in result.stdout


def test_many_rows_go_in_batches(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "ROWS_AT_ONCE", 2)
    for _ in range(6):
        shop.make_ticket()  # under the new key, so that batches hold some of each
        shop.make_customer()
    keys(shop.app, NEWEST, NEW, OLD)

    result = run(shop.app, "rotate-keys")

    keys(shop.app, NEWEST)
    assert result.exit_code == 0
    assert len(shop.owner.get("/service_tickets").json) == 7


def test_stopped_it_goes_on_where_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    write = rotation._renew_batch
    columns = [column.table.name for column in rotation.encrypted_columns()]

    def stop_at_the_last(found: Any, batch: Any) -> Any:
        return stop() if found.table.name == columns[-1] else write(found, batch)

    monkeypatch.setattr(rotation, "_renew_batch", stop_at_the_last)
    stopped = run(shop.app, "rotate-keys")
    monkeypatch.setattr(rotation, "_renew_batch", write)
    resumed = run(shop.app, "rotate-keys")

    assert (stopped.exit_code, resumed.exit_code) == (1, 0)
    assert "Stopped." in stopped.output
    assert [
        line for line in resumed.stdout.splitlines() if "re-encrypted" in line and ": 0 " not in line
    ] == [line for line in resumed.stdout.splitlines() if line.startswith(f"{columns[-1]}.")]


def test_what_is_written_in_between_is_not_undone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    renew = rotation._renew_batch
    path = f"/customers/{shop.customer_id}/profile"

    def write_first(found: Any, batch: Any) -> Any:
        if found.table.name == "customer_profiles":
            another = {"national_id_kind": "GB-NINO", "national_id": "AB123456C"}
            assert shop.owner.patch(path, json=another).status_code == 200
        return renew(found, batch)

    monkeypatch.setattr(rotation, "_renew_batch", write_first)
    result = run(shop.app, "rotate-keys")

    assert result.exit_code == 0
    assert shop.owner.get(path).json["national_id"] == "AB123456C"


def test_control_without_the_condition_it_would_be_undone(shop: Shop) -> None:
    """What the rotation read before, written without looking at what is there now."""
    path = f"/customers/{shop.customer_id}/profile"
    with shop.inside(), db.engine.connect() as connection:
        where = f"WHERE workshop_id = {shop.id} AND customer_id = {shop.customer_id}"
        read = connection.execute(text(f"SELECT national_id FROM customer_profiles {where}")).scalar_one()
        renewed = crypto.encrypt(crypto.decrypt(bytes(read)))
    shop.owner.patch(path, json={"national_id_kind": "GB-NINO", "national_id": "AB123456C"})

    with shop.inside(), db.engine.begin() as connection:
        connection.execute(text(f"UPDATE customer_profiles SET national_id = :new {where}"), {"new": renewed})

    assert shop.owner.get(path).json["national_id"] == PESEL


def test_a_row_that_a_request_holds_is_passed_over_and_come_back_to(
    shop: Shop, on_postgresql: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not on_postgresql:
        pytest.skip("SQLite has one writer at a time.")
    with shop.inside():
        holder = db.engine.connect()
        holding = holder.begin()
        holder.execute(text(f"SELECT 1 FROM vehicles WHERE workshop_id = {shop.id} FOR UPDATE"))
    pauses: list[float] = []

    def let_go(seconds: float) -> None:
        pauses.append(seconds)
        holding.rollback()

    monkeypatch.setattr(rotation.time, "sleep", let_go)
    result = run(shop.app, "rotate-keys")
    holder.close()

    assert result.exit_code == 0
    assert pauses == [rotation.PAUSE_SECONDS]


def test_what_is_still_written_under_an_older_key_is_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where some worker has not been given the new key: it goes on encrypting with the old one."""
    monkeypatch.setattr(rotation, "PAUSE_SECONDS", 0)
    left = rotation._left

    def write_then_look(found: Any) -> Any:
        if found.table.name == "vehicles":
            keys(shop.app, OLD, NEW)
            shop.make_ticket()
            keys(shop.app, NEW, OLD)
        return left(found)

    monkeypatch.setattr(rotation, "_left", write_then_look)
    result = run(shop.app, "rotate-keys")

    ring = names(shop.app)
    assert result.exit_code == 1
    assert f"under {ring[OLD]}" in result.output
    assert "does every worker have the newest key" in result.output


def test_what_no_key_reads_is_told_and_left_as_it_is(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "PAUSE_SECONDS", 0)
    keys(shop.app, NEWEST)
    before = tokens(shop.app)

    result = run(shop.app, "rotate-keys")

    keys(shop.app, NEW, OLD)
    assert result.exit_code == 1
    assert "under unknown" in result.output
    assert "put it back" in result.output
    assert tokens(shop.app) == before


def test_the_keys_themselves_are_told_nowhere(shop: Shop) -> None:
    output = run(shop.app, "rotate-keys").output

    assert not any(key in output for key in (OLD, NEW))


def test_kept_answers_are_read_by_the_model(shop: Shop) -> None:
    with shop.app.app_context():
        kept = db.session.scalars(select(IdempotencyKey.answer).where(IdempotencyKey.key == shop.slug)).one()

    assert kept is not None
    assert "Filter" in kept
