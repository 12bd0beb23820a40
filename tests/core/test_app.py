"""The application as a whole: made of one configuration, and as often as one likes."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from app.blueprints import ALL
from app.core.contract import contract_of
from app.core.openapi import document as openapi
from config import configuration
from tests.applications import AnotherApp
from tests.factories import Caller, Shop


def test_it_is_made_of_a_ready_configuration(another_app: AnotherApp) -> None:
    made = another_app(TOKEN_MINUTES=7, API_TITLE="Another Garage")

    assert made.config["TOKEN_MINUTES"] == 7
    assert Caller(made).get("/").json["name"] == "Another Garage"


def test_two_of_them_share_a_database_and_nothing_else(
    app: Flask, another_app: AnotherApp, shop: Shop
) -> None:
    made = another_app(CORS_ORIGINS=["https://shop.example.com"])

    part = shop.make_part()

    assert Caller(made, shop.owner.principal).get(f"/inventory/{part.id}").json["name"] == part.name
    assert app.config["CORS_ORIGINS"] == []
    assert made.view_functions.keys() == app.view_functions.keys()
    with made.app_context():
        drawn = openapi.as_yaml()
    assert "openapi: 3.1.0" in drawn


def test_every_feature_is_registered_in_the_order_of_the_tuple(app: Flask) -> None:
    registered = [name for name in app.blueprints if name in {blueprint.name for blueprint in ALL}]

    assert registered == [blueprint.name for blueprint in ALL]


def test_no_library_brings_a_route_of_its_own(app: Flask) -> None:
    assert "static" not in app.view_functions
    assert [
        rule.rule
        for rule in app.url_map.iter_rules()
        if contract_of(app.view_functions[rule.endpoint]).limit is None
    ] == []


def test_the_commands_are_there(app: Flask) -> None:
    assert {"openapi-write", "demo", "create-owner", "db"} <= set(app.cli.commands)


def test_an_unknown_environment_does_not_start() -> None:
    with pytest.raises(Exception, match="APP_ENV is 'staging'"):
        configuration("staging")


def test_a_body_beyond_a_megabyte_is_refused_before_it_is_read(shop: Shop) -> None:
    body = json.dumps({"name": "x" * 1_000_000, "price": 1})

    answer = shop.owner.open("POST", "/inventory", data=body, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
