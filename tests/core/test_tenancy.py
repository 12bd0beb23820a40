"""The wall between workshops in the ORM: no statement on a workshop's tables escapes the workshop it acts in."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Select, bindparam, delete, exists, func, insert, or_, select, text, union, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper, aliased, with_loader_criteria

from app.blueprints.accounts.models import AccountSession, Membership
from app.blueprints.customers import photos
from app.blueprints.inventory.alert_models import StockDigest
from app.blueprints.inventory.models import Part
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.models import ServiceTicket, TicketMechanic
from app.blueprints.workshops.models import Counter, Workshop
from app.core import stores, tenancy
from app.core.db import atomic
from app.core.model import Model
from app.core.objects import FileObject
from app.core.prepared import Prepared, here, require_scoped
from app.core.tenancy import UnscopedStatement, WorkshopOwned
from app.extensions import db
from tests.factories import Shop, make_shop
from tests.pictures import picture
from tests.watching import statements

pytestmark = pytest.mark.no_cover  # counting lines would take as long again

OWNED: list[type[Any]] = sorted(
    (mapper.class_ for mapper in Model.registry.mappers if issubclass(mapper.class_, WorkshopOwned)),
    key=lambda model: model.__name__,
)


def mapper_of(model: type[Any]) -> Mapper[Any]:
    mapper: Mapper[Any] = model.__mapper__
    return mapper


def key_of(model: type[Any]) -> Any:
    """Return an attribute of the primary key that is not the workshop."""
    names = [column.key for column in mapper_of(model).primary_key if column.key != "workshop_id"]
    return getattr(model, names[0] if names else "workshop_id")


def furnish(shop: Shop) -> None:
    """Put a row into every table of a shop."""
    shop.make_markup_rule()
    shop.make_reference(shop.make_part().id)
    ticket, part = shop.make_ticket(), shop.make_part(on_hand=5, category_id=shop.make_category().id)
    shop.owner.put(f"/inventory/{part.id}/suppliers/{shop.make_supplier().id}", json={})
    supplier = shop.make_supplier(email="sales@parts.example.com")
    order = shop.make_order(part.id, supplier_id=supplier.id)
    shop.owner.post(f"/inventory/purchase_orders/{order['id']}/send")
    shop.make_part(on_hand=0)
    with shop.inside(), atomic() as session:
        session.add(StockDigest(workshop_id=shop.id, day=date(2026, 3, 2)))
    shop.owner.post("/inventory/stocktakes", json={})
    path = f"/service_tickets/{ticket['id']}"
    shop.owner.put(f"{path}/assign-mechanic/{shop.mechanic_id}")
    shop.owner.post(f"{path}/inventory", json={"item_id": part.id})
    shop.owner.post(f"{path}/status", json={"status": "received"})
    exchanged = shop.make_part(core_charge=Decimal("45.00")).id
    fitted = shop.owner.post(f"{path}/inventory", json={"item_id": exchanged}).json["lines"][-1]["id"]
    shop.owner.post(f"{path}/lines/{fitted}/cores", json={"outcome": "held"})
    shop.owner.post(f"{path}/estimates", json={})
    shop.make_attachment(ticket["id"])
    shop.make_clock_entry(ticket["id"])
    with shop.inside(), atomic() as session:
        session.add(FileObject(workshop_id=shop.id, key=stores.new_key(), store="folder", secret=b"s"))
    car = f"/vehicles/{shop.make_vehicle(plate='GD 1').id}"
    shop.owner.post(f"{car}/readings", json={"value": 84_200, "unit": "km"})
    shop.owner.post(f"{car}/transfer", json={"customer_id": shop.other_customer_id})
    shop.owner.get(car)
    oil_change = {"title": "Oil change", "every_months": 12, "last_done_on": "2026-03-02"}
    shop.owner.post(f"{car}/maintenance", json=oil_change)
    examine(shop, path)
    shop.make_dead_letter()
    workshop = f"/workshops/{shop.id}"
    shop.owner.patch(workshop, json={"specialisations": ["brakes"]})
    shop.owner.put(
        f"{workshop}/opening_hours", json={"days": [{"weekday": 1, "opens": "08:00", "closes": "17:00"}]}
    )
    shop.owner.post(f"{workshop}/closures", json={"first_day": "2026-12-24", "last_day": "2026-12-26"})
    person = f"/customers/{shop.customer_id}"
    shop.owner.put(f"{person}/profile", json={"city": "Gdynia"})
    shop.owner.put(f"{person}/notification_preferences", json={"progress_updates": False})
    shop.owner.post(f"{person}/consents", json={"kind": "photos", "text_version": "1", "given": True})
    shop.owner.post(f"{person}/export")
    with shop.inside():
        photos.put(shop.id, shop.customer_id, picture(size=(8, 8)))
    shop.owner.delete(f"/customers/{shop.make_customer().id}")
    shop.make_role()
    shop.make_key()
    shop.owner.post(f"/customers/{shop.make_customer().id}/invitation")


def examine(shop: Shop, ticket: str) -> None:
    """Put rows into the tables of inspections, recommendations, progress and comments."""
    template = {"name": "Short", "sections": [{"name": "Brakes", "points": ["Pads", "Discs"]}]}
    shop.owner.post("/inspections/templates", json=template)
    labour = {"kind": "labour", "description": "Oil change", "unit_price": 90}
    filter_ = {"kind": "part", "item_id": shop.make_part().id}
    shop.owner.post("/canned_jobs", json={"name": "Oil change", "lines": [filter_, labour]})
    inspection = f"{ticket}/inspections/{shop.owner.post(f'{ticket}/inspections', json={}).json['id']}"
    advice = {"description": "New pads", "urgency": "soon", "estimated_price": 90}
    advised = shop.owner.post(f"{inspection}/recommendations", json=advice).json["id"]
    assert shop.owner.post(f"{ticket}/recommendations/{advised}").status_code == 201
    photos = {"photo_ids": [shop.owner.get(f"{ticket}/attachments").json[0]["id"]]}
    seen = {"points": [{"place": 1, "condition": "red", **photos}]}
    assert shop.owner.post(f"{inspection}/points", json=seen).status_code == 200
    assert shop.owner.post(f"{ticket}/progress", json={"text": "Off.", **photos}).status_code == 201
    shop.owner.post(f"{ticket}/comments", json={"text": "In a hurry."})


@pytest.fixture(scope="module")
def both(app: Flask) -> tuple[Shop, Shop]:
    """Two shops with rows in every table, for all tests that leave them as they are."""
    pair = make_shop(app), make_shop(app)
    for shop in pair:
        furnish(shop)
    return pair


@pytest.fixture
def changeable(shop: Shop, other_shop: Shop, without_triggers: None) -> tuple[Shop, Shop]:
    """Two shops of a test's own with rows in every table, all of which may be changed."""
    furnish(shop)
    furnish(other_shop)
    return shop, other_shop


# Each way to say "all rows of a model", answering with the workshops that the rows belong to.
def by_entities(model: type[Any]) -> Select[Any]:
    return select(model)


def by_columns(model: type[Any]) -> Select[Any]:
    return select(model.workshop_id)


def by_alias(model: type[Any]) -> Select[Any]:
    return select(aliased(model).workshop_id)


def by_subquery(model: type[Any]) -> Select[Any]:
    inner = select(model.workshop_id).subquery()
    return select(model.workshop_id).join(inner, inner.c.workshop_id > 0)


def by_aliased_subquery(model: type[Any]) -> Select[Any]:
    return select(aliased(model, select(model).subquery()).workshop_id)


def by_common_table_expression(model: type[Any]) -> Select[Any]:
    inner = select(model.workshop_id.label("shop")).cte()
    return (
        select(inner.c.shop, model.workshop_id)
        .select_from(inner)
        .join(model, model.workshop_id == inner.c.shop)
    )


def by_exists(model: type[Any]) -> Select[Any]:
    other = aliased(model)
    return select(model.workshop_id).where(exists().where(other.workshop_id == model.workshop_id))


def by_in(model: type[Any]) -> Select[Any]:
    return select(model.workshop_id).where(key_of(model).in_(select(key_of(model))))


def by_scalar_subquery(model: type[Any]) -> Select[Any]:
    other = aliased(model)
    greatest = select(func.max(other.workshop_id)).scalar_subquery()
    return select(greatest, model.workshop_id)


def by_join_from_a_common_table(model: type[Any]) -> Select[Any]:
    return select(model.workshop_id).select_from(Workshop).join(model, model.workshop_id == Workshop.id)


def by_outer_join(model: type[Any]) -> Select[Any]:
    return select(model.workshop_id).select_from(Workshop).outerjoin(model, model.workshop_id == Workshop.id)


def by_self_join(model: type[Any]) -> Select[Any]:
    other = aliased(model)
    return select(model.workshop_id, other.workshop_id).join(other, other.workshop_id != 0)


def by_condition_on_everything(model: type[Any]) -> Select[Any]:
    return select(model.workshop_id).where(or_(model.workshop_id > 0, model.workshop_id.is_(None)))


def by_grouping(model: type[Any]) -> Select[Any]:
    return select(model.workshop_id).group_by(model.workshop_id)


SAYINGS: list[Callable[[type[Any]], Select[Any]]] = [
    by_entities, by_columns, by_alias, by_subquery, by_aliased_subquery, by_common_table_expression, by_exists, by_in,
    by_scalar_subquery, by_join_from_a_common_table, by_outer_join, by_self_join, by_condition_on_everything, by_grouping,
]  # fmt: skip


def workshops_in(rows: list[Any]) -> set[int]:
    """Return the workshops that appear anywhere in rows, whether as entities or as columns."""
    found: set[int] = set()
    for row in rows:
        for value in row:
            found.add(value.workshop_id if isinstance(value, WorkshopOwned) else value)  # type: ignore[arg-type]
    return found - {None}  # type: ignore[arg-type]


def test_every_table_with_a_workshop_is_behind_the_wall() -> None:
    behind = {mapper_of(model).local_table for model in OWNED}

    assert {table for table in Model.metadata.tables.values() if "workshop_id" in table.c} == behind
    assert tenancy.owned_tables() == behind
    assert len(OWNED) >= 10


class TestInsideAWorkshop:
    @pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
    def test_no_way_of_saying_it_sees_another(self, both: tuple[Shop, Shop], model: type[Any]) -> None:
        shop, other = both
        these_two = with_loader_criteria(
            model, model.workshop_id.in_((shop.id, other.id)), include_aliases=True
        )  # the control need not pair every row that other tests left with every other

        for say in SAYINGS:
            with shop.inside():
                seen = workshops_in(list(db.session.execute(say(model))))
            with shop.app.app_context(), tenancy.across_workshops():
                there = workshops_in(list(db.session.execute(say(model).options(these_two))))

            assert seen == {shop.id}, say.__name__
            assert there >= {shop.id, other.id}, say.__name__

    @pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
    def test_counting_counts_ones_own(self, both: tuple[Shop, Shop], model: type[Any]) -> None:
        shop, _ = both

        with shop.inside():
            counted = db.session.scalar(select(func.count()).select_from(model))
            rows = len(db.session.scalars(select(model)).all())

        assert counted == rows > 0

    @pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
    def test_an_update_touches_ones_own(
        self, both: tuple[Shop, Shop], without_triggers: None, model: type[Any]
    ) -> None:
        shop, _ = both

        with shop.inside(), atomic() as session:
            own = session.scalar(select(func.count()).select_from(model))
            touched = session.execute(
                update(model)
                .values(workshop_id=model.workshop_id)
                .execution_options(synchronize_session=False)
            )

        assert touched.rowcount == own  # type: ignore[attr-defined]

    def test_a_deletion_takes_ones_own(self, changeable: tuple[Shop, Shop]) -> None:
        shop, other = changeable
        children_first = sorted(
            OWNED,
            key=lambda model: Model.metadata.sorted_tables.index(mapper_of(model).local_table),
            reverse=True,
        )

        def contents(place: Shop) -> dict[str, int]:
            with place.inside():
                return {
                    model.__name__: db.session.scalar(select(func.count()).select_from(model))
                    for model in OWNED
                }

        before = contents(other)
        with shop.inside(), atomic() as session:
            theirs = AccountSession.membership_id.in_(select(Membership.id))
            session.execute(delete(AccountSession).where(theirs).execution_options(synchronize_session=False))
            for model in children_first:
                session.execute(delete(model).execution_options(synchronize_session=False))

        assert contents(shop) == dict.fromkeys(before, 0)
        assert contents(other) == before
        assert all(before.values())

    def test_a_row_of_another_is_not_found_by_its_id(self, both: tuple[Shop, Shop]) -> None:
        shop, other = both
        part = other.make_part()

        with shop.inside():
            assert db.session.get(Part, part.id) is None
            assert db.session.scalar(select(Part).where(Part.id == part.id)) is None
        with other.inside():
            assert db.session.get(Part, part.id) is not None

    def test_a_union_sees_ones_own_in_each_of_its_parts(self, both: tuple[Shop, Shop]) -> None:
        shop, _ = both
        found = union(
            select(ServiceTicket.workshop_id.label("shop")).where(ServiceTicket.id > 0),
            select(ServiceTicket.workshop_id.label("shop")).join(
                TicketMechanic, TicketMechanic.service_ticket_id > 0
            ),
        ).subquery()

        with shop.inside():
            seen = db.session.scalars(select(ServiceTicket.workshop_id).join(found, found.c.shop > 0)).all()
            inner = db.session.scalars(
                select(ServiceTicket.workshop_id).where(ServiceTicket.workshop_id.in_(select(found.c.shop)))
            )

            assert set(seen) == set(inner) == {shop.id}

    def test_a_join_of_two_tables_sees_ones_own_of_both(self, both: tuple[Shop, Shop]) -> None:
        shop, _ = both

        with shop.inside():
            rows = db.session.execute(
                select(ServiceTicket.workshop_id, Mechanic.workshop_id).join(Mechanic, Mechanic.id > 0)
            ).all()

        assert workshops_in(list(rows)) == {shop.id}

    def test_one_compiled_statement_serves_each_workshop_its_own(self, both: tuple[Shop, Shop]) -> None:
        statement = select(Part.workshop_id)
        seen = []
        for place in (*both, *both):
            with place.inside():
                seen.append(set(db.session.scalars(statement)))

        assert seen == [{both[0].id}, {both[1].id}] * 2

    @pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
    def test_plain_tables_are_refused_because_the_guard_cannot_see_into_them(
        self, shop: Shop, model: type[Any]
    ) -> None:
        table: Any = mapper_of(model).local_table

        for statement in (
            select(table),
            select(table.c.workshop_id),
            select(table.alias()),
            update(table),
            delete(table),
        ):
            with shop.inside(), atomic(), pytest.raises(UnscopedStatement, match="Say it with the models"):
                db.session.execute(statement)

    def test_what_belongs_to_the_installation_is_read_freely(self, shop: Shop) -> None:
        with shop.inside():
            assert db.session.scalar(select(Workshop.slug).where(Workshop.id == shop.id)) == shop.slug
            assert (
                db.session.scalar(select(Workshop.__table__.c.slug).where(Workshop.id == shop.id))
                == shop.slug
            )
            assert db.session.scalar(text("SELECT 1")) == 1


class TestOutsideAnyWorkshop:
    @pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
    def test_every_statement_raises_and_none_is_sent(self, shop: Shop, model: type[Any]) -> None:
        table: Any = mapper_of(model).local_table
        sayings: list[Any] = [say(model) for say in SAYINGS]
        sayings += [
            update(model).values(workshop_id=1),
            delete(model),
            select(table),
            select(func.count()).select_from(model),
        ]

        with shop.app.app_context(), atomic(), statements(shop.app) as seen:
            for statement in sayings:
                with pytest.raises(UnscopedStatement, match=r"outside acting_in\(\)"):
                    db.session.execute(statement)

        assert seen == []

    def test_what_belongs_to_the_installation_is_read_freely(self, shop: Shop) -> None:
        with shop.app.app_context():
            assert db.session.scalar(select(Workshop.slug).where(Workshop.id == shop.id)) == shop.slug

    def test_a_row_can_be_made_since_it_says_whose_it_is(self, shop: Shop, on_postgresql: bool) -> None:
        """As far as the ORM goes: PostgreSQL hides the tables of workshops from who acts in none."""
        refused = pytest.raises(DBAPIError, match="row-level security") if on_postgresql else nullcontext()
        with shop.app.app_context(), refused, atomic() as session:
            session.execute(insert(Counter).values(workshop_id=shop.id, series="made-outside", value=7))

        with shop.inside():
            kept = db.session.scalar(select(Counter.value).where(Counter.series == "made-outside"))
        assert kept == (None if on_postgresql else 7)

    def test_there_is_no_current_workshop(self) -> None:
        assert tenancy.current_workshop_or_none() is None
        with pytest.raises(UnscopedStatement, match="No workshop is named here"):
            tenancy.current_workshop()


class TestTheCurrentWorkshop:
    def test_is_the_innermost_and_ends_with_its_block(self) -> None:
        with tenancy.acting_in(1):
            with tenancy.acting_in(2):
                inner = tenancy.current_workshop()
            with tenancy.across_workshops():
                across = tenancy.current_workshop_or_none()
                with pytest.raises(UnscopedStatement):
                    tenancy.current_workshop()
            outer = tenancy.current_workshop()

        assert (inner, across, outer) == (2, None, 1)
        assert tenancy.current_workshop_or_none() is None

    def test_ends_with_its_block_whatever_ends_that(self) -> None:
        with pytest.raises(ZeroDivisionError), tenancy.acting_in(1):
            raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError), tenancy.across_workshops():
            raise ZeroDivisionError

        assert tenancy.current_workshop_or_none() is None

    def test_is_over_when_a_request_is(self, shop: Shop) -> None:
        shop.owner.get("/inventory")
        shop.owner.get("/inventory?page=0")

        assert tenancy.current_workshop_or_none() is None


class TestForeignKeys:
    @pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
    def test_between_tables_of_a_workshop_carry_the_workshop(self, model: type[Any]) -> None:
        table = mapper_of(model).local_table
        owned = tenancy.owned_tables()

        loose = [
            sorted(column.name for column in constraint.columns)
            for constraint in table.foreign_key_constraints  # type: ignore[attr-defined]
            if constraint.referred_table in owned and "workshop_id" not in constraint.columns
        ]

        assert loose == []


class TestPrepared:
    """Statements that pass the guard by, and bring a wall of their own."""

    PARTS = Prepared(
        lambda: select(Part.id, Part.workshop_id).where(here(Part), Part.name == bindparam("name"))
    )

    def test_see_the_rows_of_the_current_workshop(self, both: tuple[Shop, Shop]) -> None:
        seen = []
        for place in both:
            with place.inside():
                seen.append({row[1] for row in self.PARTS.rows(name="Oil Filter")})

        assert seen == [{both[0].id}, {both[1].id}]

    def test_cannot_be_told_another_workshop(self, both: tuple[Shop, Shop]) -> None:
        shop, other = both

        with shop.inside():
            rows = self.PARTS.rows(name="Oil Filter", workshop_id=other.id)

        assert {row[1] for row in rows} == {shop.id}

    @pytest.mark.parametrize("block", [lambda: tenancy.across_workshops(), lambda: tenancy.acting_in(None)])  # type: ignore[arg-type]
    def test_need_a_current_workshop(self, app: Flask, block: Callable[[], Any]) -> None:
        with app.app_context(), block(), pytest.raises(UnscopedStatement):
            self.PARTS.rows(name="x")

    def test_give_a_row_one_value_or_none(self, shop: Shop) -> None:
        part = shop.make_part(name="The only one")

        with shop.inside():
            row = self.PARTS.row(name="The only one")
            assert row is not None
            assert tuple(row) == (part.id, shop.id)
            assert self.PARTS.one(name="The only one") == part.id
            assert self.PARTS.row(name="Nowhere") is None

    def test_are_compiled_once(self, shop: Shop) -> None:
        built: list[int] = []

        def build() -> Any:
            built.append(1)
            return select(Part.id).where(here(Part))

        prepared = Prepared(build)
        with shop.inside():
            for _ in range(3):
                prepared.rows()

        assert built == [1]

    def test_keep_their_text_and_not_what_it_was_made_of(self, shop: Shop) -> None:
        built: list[weakref.ref[Any]] = []

        def build() -> Any:
            statement = select(Part.id).where(here(Part), Part.name == bindparam("name"))
            built.append(weakref.ref(statement))
            return statement

        prepared = Prepared(build)
        with shop.inside():
            prepared.rows(name="Oil Filter")
            gc.collect()

        assert [one() for one in built] == [None]

    def test_take_their_values_through_the_columns_types(self, shop: Shop) -> None:
        part = shop.make_part(price=Decimal(7))
        dear = Prepared(
            lambda: select(Part.id).where(here(Part), Part.price == bindparam("price", type_=Part.price.type))
        )

        with shop.inside():
            assert [row[0] for row in dear.rows(price=part.price)] == [part.id]

    @pytest.mark.parametrize(
        "build",
        [
            lambda: select(Part.id), lambda: select(Part.id).where(Part.workshop_id == 1),
            lambda: select(Part.id).where(Part.workshop_id == bindparam("shop")),
            lambda: select(Part.id).where(Part.workshop_id > bindparam("workshop_id")),
            lambda: select(Part.id).where(Part.id == bindparam("workshop_id")),
            lambda: select(Part.id, Mechanic.id).where(here(Part)),
            lambda: select(Part.id).join(Mechanic, Mechanic.workshop_id == Part.workshop_id).where(here(Part)),
            lambda: select(Part.id).where(here(Part), exists().where(Mechanic.id == Part.id)),
            lambda: select(aliased(Part).id).where(here(Part)),
            lambda: union(select(Part.id).where(here(Part)), select(Mechanic.id)),
        ],
    )  # fmt: skip
    def test_without_the_wall_are_refused(self, shop: Shop, build: Callable[[], Any]) -> None:
        with shop.inside(), pytest.raises(UnscopedStatement, match="Not tied to the workshop"):
            Prepared(build).rows()

    @pytest.mark.parametrize(
        "build",
        [
            lambda: select(Workshop.id), lambda: select(Part.id).where(here(Part)),
            lambda: select(Part.id, Mechanic.id).where(here(Part), here(Mechanic)),
            lambda: select(Part.id).where(here(Part), exists().where(here(Mechanic))),
        ],
    )  # fmt: skip
    def test_with_it_are_taken(self, build: Callable[[], Any]) -> None:
        require_scoped(build())

    def test_write_inside_atomic_alone(self, shop: Shop) -> None:
        writing = Prepared(
            lambda: insert(Counter).values(
                workshop_id=bindparam("workshop_id"), series=bindparam("series"), value=bindparam("value")
            ),
            writes="counters",
        )

        with shop.inside(), pytest.raises(RuntimeError, match="A write outside atomic"):
            writing.rows(series="stray", value=1)
        with shop.inside(), atomic() as session:
            assert writing.rows(series="kept", value=1) == ()
            assert session.info["written"] == {(shop.id, "counters")}

        with shop.inside():
            assert db.session.scalars(
                select(Counter.series).where(Counter.series.in_(["stray", "kept"]))
            ).all() == ["kept"]

    def test_run_outside_where_they_say_so(self, shop: Shop, on_postgresql: bool) -> None:
        insert_ = postgresql.insert if on_postgresql else sqlite.insert
        counting = Prepared(
            lambda: (
                insert_(Counter)
                .values(workshop_id=bindparam("workshop_id"), series="by itself", value=1)
                .on_conflict_do_update(
                    index_elements=["workshop_id", "series"], set_={"value": Counter.value + 1}
                )
                .returning(Counter.value)
            ),
            writes="counters",
            by_itself=True,
        )

        with shop.inside():
            assert [counting.one(), counting.one()] == [1, 2]
