"""The root, health and the documentation: what a newcomer, the platform and the people on call ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import create_engine, text
from werkzeug.routing import Rule

from app.blueprints.customers import photos
from app.blueprints.operations import health
from app.core import files
from app.extensions import db
from tests import document
from tests.factories import Caller, Shop
from tests.pictures import picture

NOWHERE = "redis://127.0.0.1:1/0"  # nothing listens on port 1


@pytest.fixture
def nobody(app: Flask) -> Caller:
    return Caller(app)


@pytest.fixture
def another_database(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The application on another SQLite file, which is made at the first connection; its path."""
    path = tmp_path / "another" / "shop.db"
    engine = create_engine(f"sqlite:///{path}")
    with app.app_context():
        monkeypatch.setitem(db.engines, None, engine)
    yield str(path)
    engine.dispose()


@pytest.fixture
def no_database(another_database: str) -> None:
    """The application with a database that can't be opened: its folder does not exist."""
    assert not Path(another_database).parent.exists()


@pytest.fixture
def unmigrated_database(another_database: str) -> None:
    """The application with a database that answers and has no tables."""
    Path(another_database).parent.mkdir()


class TestRoot:
    def test_it_says_what_this_is_and_where_to_go_on(self, nobody: Caller) -> None:
        answer = nobody.get("/")

        assert (answer.status_code, answer.json["name"]) == (200, "Mechanic Shop API")
        assert (
            answer.json["links"].items()
            >= {"docs": "/api/docs", "redoc": "/api/redoc", "health": "/health"}.items()
        )

    def test_none_of_its_links_is_dead(self, shop: Shop) -> None:
        links = shop.nobody.get("/").json["links"]

        statuses = {path: shop.owner.get(path).status_code for path in links.values()}

        assert statuses == dict.fromkeys(links.values(), 200)

    def test_what_is_not_there_is_a_problem_not_a_page(self, nobody: Caller) -> None:
        for path in (
            "/nothing",
            "/customers/1/nothing",
            "/tickets",
            "/.env",
            "/static/../config.py",
            "/static/nothing.js",
        ):
            answer = nobody.get(path)

            assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


class TestHealth:
    def test_the_process_lives(self, nobody: Caller) -> None:
        assert nobody.get("/livez").json == {"status": "ok"}

    def test_the_service_works(self, nobody: Caller, on_postgresql: bool) -> None:
        answer = nobody.get("/health")

        assert answer.status_code == 200
        assert answer.json["status"] == "ok"
        assert answer.json["database"] == ("postgresql" if on_postgresql else "sqlite")
        assert re.fullmatch(r"\d+\.\d+\.\d+", answer.json["version"])

    def test_every_part_is_ready(self, nobody: Caller, redis_url: str) -> None:
        answer = nobody.get("/readyz")

        redis = True if redis_url else None
        assert (answer.status_code, answer.json) == (
            200, {"status": "ok", "database": True, "migrations": True, "redis": redis},
        )  # fmt: skip

    @pytest.mark.parametrize("path", ["/health", "/readyz"])
    def test_without_a_database_the_service_is_unavailable(
        self, nobody: Caller, no_database: None, path: str
    ) -> None:
        answer = nobody.get(path)

        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
        assert "database" in answer.json["detail"]
        assert int(answer.headers["Retry-After"]) > 0
        assert "sqlite" not in answer.text

    def test_without_a_database_the_process_lives_all_the_same(
        self, nobody: Caller, no_database: None
    ) -> None:
        assert nobody.get("/livez").status_code == 200

    def test_a_database_without_the_newest_migration_is_not_ready(
        self, nobody: Caller, unmigrated_database: None
    ) -> None:
        answer = nobody.get("/readyz")

        assert (answer.status_code, answer.json["detail"]) == (503, "Not ready: migrations.")
        assert nobody.get("/health").status_code == 200

    def test_nor_is_one_whose_version_cannot_be_read(
        self, app: Flask, nobody: Caller, unmigrated_database: None
    ) -> None:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (something_else TEXT)"))

        assert nobody.get("/readyz").json["detail"] == "Not ready: migrations."

    def test_without_redis_it_is_not_ready_and_works(
        self, app: Flask, nobody: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "REDIS_URL", NOWHERE)

        assert (nobody.get("/readyz").status_code, nobody.get("/health").status_code) == (503, 200)
        assert nobody.get("/readyz").json["detail"] == "Not ready: redis."

    def test_everything_that_is_away_is_named(
        self, app: Flask, nobody: Caller, no_database: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "REDIS_URL", NOWHERE)

        assert nobody.get("/readyz").json["detail"] == "Not ready: database, migrations, redis."

    def test_nothing_secret_is_told(self, app: Flask, nobody: Caller) -> None:
        answers = "".join(nobody.get(path).text for path in ("/", "/health", "/livez", "/readyz"))

        secrets = [app.config["SECRET_KEY"], app.config["BLIND_INDEX_KEY"], *app.config["ENCRYPTION_KEYS"]]
        assert not [secret for secret in secrets if secret in answers]
        assert "://" not in answers

    def test_the_newest_migration_is_that_of_the_code(self, app: Flask) -> None:
        folder = Path(app.root_path).parent / "migrations"

        with app.app_context():
            assert [health.newest_migration()] == ScriptDirectory(str(folder)).get_heads()


class TestDocumentation:
    @pytest.mark.parametrize("path", ["/api/docs", "/api/docs/", "/api/redoc", "/api/redoc/"])
    def test_a_page_is_served(self, nobody: Caller, path: str) -> None:
        answer = nobody.get(path, follow_redirects=True)

        assert (answer.status_code, answer.mimetype) == (200, "text/html")
        assert "/static/swagger.yaml" in answer.text or "swagger-initializer.js" in answer.text

    @pytest.mark.parametrize("page", ["/api/docs/", "/api/redoc"])
    def test_all_that_a_page_asks_for_comes_from_this_server(self, nobody: Caller, page: str) -> None:
        html = nobody.get(page).text
        asked = re.findall(r'(?:src|href)="([^"]+)"', html)

        answers = {
            place: nobody.get(place if place.startswith("/") else f"/api/docs/{place}") for place in asked
        }

        assert asked
        assert not [place for place in asked if "//" in place]
        assert {answer.status_code for answer in answers.values()} == {200}

    def test_swagger_ui_asks_no_foreign_host_to_validate(self, nobody: Caller) -> None:
        """By itself it shows a badge of validator.swagger.io, wherever the address is not this machine's."""
        assert '"validatorUrl": "none"' in nobody.get("/api/docs/").text

    def test_the_served_document_is_the_committed_one(self, nobody: Caller) -> None:
        answer = nobody.get("/static/swagger.yaml")

        assert answer.status_code == 200
        assert answer.data == document.PATH.read_bytes()


def rules(app: Flask) -> list[Rule]:
    """Return the routes of the API itself."""
    return [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(("/static/", "/api/"))]


def test_every_path_answers_alike_with_and_without_its_last_slash(shop: Shop) -> None:
    differing = []
    shop.owner.patch(f"/workshops/{shop.id}", json={"listed": True})
    day = {"first_day": "2026-12-24", "last_day": "2026-12-24"}
    closure = shop.owner.post(f"/workshops/{shop.id}/closures", json=day).json["id"]
    with shop.inside():
        token = files.link(photos.put(shop.id, shop.customer_id, picture(size=(8, 8)))).token
    ids = {"workshop_id": shop.id, "closure_id": closure, "token": token}
    for rule in rules(shop.app):
        path = re.sub(r"<[^:>]+:(\w+)>", lambda match: str(ids.get(match[1], 1)), rule.rule).rstrip("/")
        for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            forms = [shop.nobody.open(method, form) for form in (path or "/", f"{path}/")]
            outcomes = [(form.status_code, form.headers.get("Location"), form.mimetype) for form in forms]
            # An estimate's link is no file's.
            answered = (200, 400, 401, *([404] if path.startswith("/estimates/") else []))
            if outcomes[0] != outcomes[1] or outcomes[0][0] not in answered:
                differing.append((method, path, outcomes))

    assert differing == []


def test_a_listed_path_answers_the_same_rows_with_its_last_slash(shop: Shop) -> None:
    shop.make_part()
    shop.make_ticket()

    for path in (
        "/customers",
        "/mechanics",
        "/inventory",
        "/service_tickets",
        f"/customers/{shop.customer_id}",
    ):
        assert shop.owner.get(path).json == shop.owner.get(f"{path}/").json != []


@pytest.mark.parametrize("path", ["/customers", "/service_tickets/1", "/inventory/1/", "/health", "/"])
def test_a_wrong_method_names_the_right_ones(nobody: Caller, path: str) -> None:
    answer = nobody.app.test_client().open(path, method="PROPFIND")

    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]
