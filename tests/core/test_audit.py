"""The audit log: what is noted is appended with the commit, chained, and cannot be edited."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from app.core import audit, sealing
from app.core.audit import AuditEntry, AuditHead
from app.core.chain import Break, Examination
from app.core.db import atomic
from app.core.engines import owners_engine
from app.core.sealing import Person, PersonKey
from app.core.tenancy import UnscopedStatement
from app.extensions import db
from tests.factories import Shop, unique
from tests.tampering import owners_connection


def entries(shop: Shop) -> list[AuditEntry]:
    with shop.inside():
        return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)))


def breaks(shop: Shop) -> list[Break]:
    with shop.inside():
        return list(Examination(db.session.scalar(select(AuditHead))).breaks(entries(shop)))


def note(shop: Shop, action: str = "thing.changed", **told: Any) -> None:
    with shop.inside(), atomic():
        audit.note(action, "thing", 1, **told)


class TestNoting:
    def test_what_is_noted_is_appended_with_the_commit(self, shop: Shop) -> None:
        before = len(entries(shop))

        note(shop, before={"price": Decimal("1.50")}, after={"price": Decimal("2.00")})

        added = entries(shop)[before:]
        assert [(entry.sequence, entry.action, entry.subject_id) for entry in added] == [
            (before + 1, "thing.changed", 1)
        ]
        assert added[0].details == '{"before":{"price":"1.50"},"after":{"price":"2.00"}}'

    def test_what_is_undone_leaves_no_entry(self, shop: Shop) -> None:
        before = len(entries(shop))

        with shop.inside(), pytest.raises(ZeroDivisionError), atomic():  # noqa: PT012 - what is noted before is the point
            audit.note("thing.changed", "thing", 1)
            raise ZeroDivisionError
        note(shop)

        assert len(entries(shop)) == before + 1

    def test_the_same_action_on_one_subject_is_one_entry_of_the_first_before_and_the_last_after(
        self, shop: Shop
    ) -> None:
        before = len(entries(shop))

        with shop.inside(), atomic():
            audit.note("thing.changed", "thing", 1, before={"a": 1}, after={"a": 2})
            audit.note("thing.changed", "thing", 1, before={"a": 2, "b": 5}, after={"a": 3})
            audit.note("thing.changed", "thing", 2)

        added = entries(shop)[before:]
        assert [entry.details for entry in added] == [
            '{"before":{"a":1,"b":5},"after":{"a":3}}',
            None,
        ]

    def test_nothing_is_noted_where_nothing_differs(self, shop: Shop) -> None:
        before = len(entries(shop))

        with shop.inside(), atomic():
            audit.note_change("thing.changed", "thing", 1, {"a": 1, "b": 2}, {"a": 1, "b": 2})
            audit.note_change("thing.changed", "thing", 2, {"a": 1, "b": 2}, {"a": 1, "b": 3})

        assert [entry.details for entry in entries(shop)[before:]] == ['{"before":{"b":2},"after":{"b":3}}']

    def test_outside_a_transaction_and_outside_a_workshop_it_is_refused(self, app: Flask, shop: Shop) -> None:
        with shop.inside(), pytest.raises(RuntimeError):
            audit.note("thing.changed", "thing", 1)
        with app.app_context(), pytest.raises(UnscopedStatement), atomic():
            audit.note("thing.changed", "thing", 1)

    def test_a_value_without_a_form_in_the_log_is_a_fault_that_undoes_all(self, shop: Shop) -> None:
        before = len(entries(shop))

        with pytest.raises(TypeError):
            note(shop, after={"thing": object()})

        assert len(entries(shop)) == before

    def test_each_workshop_has_a_chain_of_its_own(self, shop: Shop, other_shop: Shop) -> None:
        with shop.app.app_context(), atomic():
            for one in (other_shop, shop):
                audit.note("thing.changed", "thing", 1, workshop_id=one.id)

        for one in (shop, other_shop):
            assert entries(one)[-1].action == "thing.changed"
            assert [entry.sequence for entry in entries(one)] == list(range(1, len(entries(one)) + 1))
            assert breaks(one) == []

    def test_an_entry_says_who_in_which_request(self, shop: Shop) -> None:
        request_id = unique("request-")
        shop.owner.post(
            "/inventory", json={"name": "Oil Filter", "price": 1}, headers={"X-Request-Id": request_id}
        )

        last = entries(shop)[-1]
        assert shop.owner.principal is not None
        assert (last.account_id, last.role, last.request_id) == (
            shop.owner.principal.account_id,
            "owner",
            request_id,
        )

    def test_what_a_command_does_is_nobodys(self, shop: Shop) -> None:
        shop.make_part()

        last = entries(shop)[-1]
        assert (last.action, last.account_id, last.role, last.request_id) == ("part.added", None, None, None)


class TestSealing:
    def test_what_is_told_of_a_person_is_not_in_the_open(self, shop: Shop) -> None:
        note(shop, after={"name": "Lovelace"}, person=Person("customer", 1))

        last = entries(shop)[-1]
        assert last.details is not None
        assert "Lovelace" not in last.details
        with shop.inside():
            assert last.sealed_by is not None
            seal = sealing.seals([last.sealed_by])[last.sealed_by]
        assert seal.open(last.details) == '{"before":null,"after":{"name":"Lovelace"}}'

    def test_a_person_keeps_one_key(self, shop: Shop) -> None:
        for _ in range(2):
            note(shop, after={"name": "Lovelace"}, person=Person("customer", 1))
        note(shop, after={"name": "Hopper"}, person=Person("customer", 2))

        one, same, other = [entry.sealed_by for entry in entries(shop)[-3:]]
        assert one == same != other

    def test_what_is_told_in_the_transaction_that_forgets_a_person_is_not_kept(self, shop: Shop) -> None:
        person = Person("customer", 1)
        with shop.inside(), atomic():
            audit.note("thing.changed", "thing", 1, after={"name": "Lovelace"}, person=person)
            audit.forget(person)

        with shop.inside():
            kept = db.session.scalars(select(PersonKey.id).where(PersonKey.person_id == 1)).all()
        assert (entries(shop)[-1].details, kept) == (None, [])

    def test_forgetting_leaves_the_chain_whole(self, shop: Shop) -> None:
        person = Person("customer", 1)
        note(shop, after={"name": "Lovelace"}, person=person)
        with shop.inside(), atomic():
            audit.forget(person)

        sealed = entries(shop)[-1]
        with shop.inside():
            assert sealed.sealed_by is not None
            assert sealing.seals([sealed.sealed_by]) == {}
        assert breaks(shop) == []


class TestAppendOnly:
    @pytest.mark.parametrize(
        "change",
        [
            update(AuditEntry).values(action="nothing"),
            delete(AuditEntry),
            update(AuditHead).values(sequence=1),
            update(AuditHead).values(sequence=AuditHead.sequence + 2),
            delete(AuditHead),
        ],
        ids=str,
    )
    def test_the_database_refuses_to_edit_it(self, shop: Shop, change: Any) -> None:
        before = [entry.hash for entry in entries(shop)]

        with pytest.raises(DBAPIError), shop.inside(), atomic() as session:
            session.execute(change.execution_options(synchronize_session=False))

        assert [entry.hash for entry in entries(shop)] == before
        assert breaks(shop) == []

    def test_control_without_the_triggers_it_would_be_edited(
        self, shop: Shop, without_triggers: None
    ) -> None:
        with shop.inside(), atomic() as session:
            session.execute(update(AuditEntry).values(action="nothing"))

        assert {entry.action for entry in entries(shop)} == {"nothing"}

    @pytest.mark.parametrize(
        "table",
        [
            "audit_entries", "audit_heads", "consents", "stock_movements", "vehicle_readings", "vehicle_transfers",
        ],
    )  # fmt: skip
    def test_sqlite_refuses_to_write_over_what_is_appended_to(
        self, shop: Shop, on_postgresql: bool, table: str
    ) -> None:
        """Its REPLACE deletes the row that is in the way, and asks no trigger of deletions."""
        if on_postgresql:
            pytest.skip("PostgreSQL has no REPLACE, and an upsert is an UPDATE there.")
        consent = {"kind": "photos", "text_version": "1", "given": True}
        assert shop.customer.post(f"/customers/{shop.customer_id}/consents", json=consent).status_code == 201
        shop.make_part(on_hand=1)
        car = f"/vehicles/{shop.make_vehicle().id}"
        assert shop.owner.post(f"{car}/readings", json={"value": 1, "unit": "km"}).status_code == 201
        keeper = {"customer_id": shop.other_customer_id}
        assert shop.owner.post(f"{car}/transfer", json=keeper).status_code == 200

        with pytest.raises(DBAPIError, match="appended to"), owners_connection(shop.app) as connection:
            connection.execute(text(f"REPLACE INTO {table} SELECT * FROM {table}"))

    def test_sqlite_refuses_to_put_an_entry_of_another_number_into_the_place_of_one(
        self, shop: Shop, on_postgresql: bool
    ) -> None:
        """The place is SQLite's own number of the row, which a key of two columns leaves open."""
        if on_postgresql:
            pytest.skip("PostgreSQL has no REPLACE.")
        last = entries(shop)[-1].sequence
        others = [column.name for column in AuditEntry.__table__.columns if column.name != "sequence"]
        taken = ", ".join(["rowid", *others])

        with pytest.raises(DBAPIError, match="appended to"), owners_connection(shop.app) as connection:
            connection.execute(
                text(
                    f"REPLACE INTO audit_entries ({taken}, sequence) SELECT {taken}, {last + 1} FROM audit_entries"
                    f" WHERE workshop_id = {shop.id} AND sequence = {last}"
                )
            )

    @pytest.mark.parametrize("table", ["audit_entries", "audit_heads", "consents"])
    def test_the_database_refuses_to_truncate_it(self, shop: Shop, on_postgresql: bool, table: str) -> None:
        if not on_postgresql:
            pytest.skip("SQLite has no TRUNCATE.")
        with (
            pytest.raises(DBAPIError, match="appended to"),
            shop.app.app_context(),
            owners_engine(shop.app).begin() as connection,
        ):
            connection.execute(text(f"TRUNCATE {table}"))
