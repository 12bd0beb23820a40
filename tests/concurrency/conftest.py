"""A database whose constraints are off, for the controls of those races that a constraint decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from app import create_app
from app.blueprints.inspections.models import Inspection
from app.blueprints.invitations.models import Invitation
from app.blueprints.vehicles.models import Vehicle
from app.extensions import db, limiter
from tests.conftest import DATABASE_URL, worker
from tests.factories import Shop, make_shop

GUARDS = (
    ("accounts", "uq_accounts_email"),
    ("customers", "uq_customers_workshop_id_email"),
    ("customer_profiles", "uq_customer_profiles_workshop_id_national_id_digest"),
    ("idempotency_keys", "uq_idempotency_keys_caller_route_key"),
    ("service_tickets", "uq_service_tickets_workshop_id_number"),
)


@pytest.fixture(scope="session")
def lax_database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database beside the worker's own."""
    if not DATABASE_URL:
        yield f"sqlite:///{tmp_path_factory.mktemp('lax') / 'shop.db'}"
        return
    url = make_url(DATABASE_URL)
    name = f"{url.database}_{worker()}_lax"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    server.dispose()


@pytest.fixture(scope="session")
def lax_app(app: Flask, lax_database_url: str) -> Iterator[Flask]:
    """The same application on a database without the unique constraints that guard against races."""
    made = create_app(
        "testing", DATABASE_URL=lax_database_url, REDIS_URL=app.config["REDIS_URL"], CACHE_KEY_PREFIX="lax:"
    )
    limiter.enabled = False
    with made.app_context():
        flask_migrate.upgrade(directory=str(Path(__file__).parents[2] / "migrations"))
    _drop_guards(lax_database_url)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def _drop_guards(url: str) -> None:
    engine = create_engine(
        url
    )  # not the application's: its foreign keys would hinder SQLite's rebuilding of tables
    with engine.begin() as connection:
        alembic = Operations(MigrationContext.configure(connection))
        for table, constraint in GUARDS:
            with alembic.batch_alter_table(table) as batch:
                batch.drop_constraint(constraint, type_="unique")
    engine.dispose()


@pytest.fixture
def without_vin_index(lax_app: Flask) -> Iterator[None]:
    """That database without the unique index on the VIN as well, which opening a ticket names and so needs elsewhere."""
    index = next(index for index in Vehicle.__table__.indexes if index.name == "uq_vehicles_active_vin")
    with lax_app.app_context():
        engine = db.engine
    index.drop(engine)
    yield
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM service_ticket_status_changes"))
        connection.execute(text("DELETE FROM service_tickets"))
        connection.execute(text("DELETE FROM vehicles"))
    index.create(engine)


@pytest.fixture
def lax_shop(lax_app: Flask) -> Shop:
    """A workshop in the database without those constraints."""
    return make_shop(lax_app)


@pytest.fixture
def without_invitation_index(lax_app: Flask) -> Iterator[None]:
    """That database without the unique index on open invitations by address as well."""
    index = next(
        index for index in Invitation.__table__.indexes if index.name == "uq_invitations_open_address"
    )
    with lax_app.app_context():
        engine = db.engine
    index.drop(engine)
    yield
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM invitations"))
    index.create(engine)


@pytest.fixture
def without_inspection_index(lax_app: Flask) -> Iterator[None]:
    """That database without the unique index on inspections that are not validated as well."""
    index = next(
        index for index in Inspection.__table__.indexes if index.name == "uq_inspections_unvalidated"
    )
    with lax_app.app_context():
        engine = db.engine
    index.drop(engine)
    yield
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM inspections"))
    index.create(engine)
