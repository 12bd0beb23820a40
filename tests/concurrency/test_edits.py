"""Two who edit what they read in one version: the second is told that it is stale."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from app.blueprints.customers import service as customers
from app.blueprints.inventory import service as inventory
from app.blueprints.mechanics import service as mechanics
from app.blueprints.service_tickets import holding
from app.blueprints.vehicles import service as vehicles
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.factories import Shop

MakePath = Callable[[Shop], str]

# What is edited: the module that locks it and compares the version, the path of one that was just made, the field.
RESOURCES: dict[str, tuple[Any, MakePath, str]] = {
    "customer": (customers, lambda shop: f"/customers/{shop.make_customer().id}", "name"),
    "mechanic": (mechanics, lambda shop: f"/mechanics/{shop.make_mechanic().id}", "name"),
    "part": (inventory, lambda shop: f"/inventory/{shop.make_part().id}", "name"),
    "vehicle": (vehicles, lambda shop: f"/vehicles/{shop.make_vehicle().id}", "colour"),
    "ticket": (holding, lambda shop: f"/service_tickets/{shop.make_ticket()['id']}", "service_desc"),
}


def race_to_edit(
    shop: Shop, resource: str, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, int], str, str]:
    """Edit a resource twice with one ETag; the meeting is where both have compared it.

    Return what came of each text, which of them is left, and the version that it is left in.
    """
    service, make_path, field = RESOURCES[resource]
    path = make_path(shop)
    etag = shop.owner.get(path).headers["ETag"]
    monkeypatch.setattr(service, "require_version", meeting.after(service.require_version))
    texts = ["one", "two"]

    answers = race(
        *(partial(shop.owner.patch, path, json={field: text}, headers={"If-Match": etag}) for text in texts)
    )

    left = shop.owner.get(path)
    statuses = {text: answer.status_code for text, answer in zip(texts, answers, strict=True)}
    return statuses, left.json[field], left.headers["ETag"].split("-")[0]


@pytest.mark.parametrize("resource", RESOURCES)
def test_two_edits_with_one_etag_give_one_200_and_one_412(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, resource: str
) -> None:
    meeting = Meeting(2)

    statuses, left, version = race_to_edit(shop, resource, meeting, monkeypatch)

    assert sorted(statuses.values()) == [200, 412]
    assert statuses[left] == 200
    assert version == '"2'
    assert not meeting.was_held


@pytest.mark.parametrize("resource", RESOURCES)
def test_control_without_the_row_lock_one_edit_is_lost(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, resource: str
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, RESOURCES[resource][0])

    with without_write_lock(app):
        statuses, _, version = race_to_edit(shop, resource, meeting, monkeypatch)

    assert meeting.was_held
    assert list(statuses.values()) == [200, 200]
    assert version == '"2', "two edits were answered with 200, and one of them has left no trace"
