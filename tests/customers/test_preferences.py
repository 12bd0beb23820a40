"""Which mail about their cars customers want: all of it, until they say otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from app.blueprints.customers import preferences
from tests.factories import Shop

ALL = {"progress_updates": True, "completion_notices": True, "maintenance_reminders": True}


def at(customer_id: int) -> str:
    return f"/customers/{customer_id}/notification_preferences"


def test_all_is_wanted_until_somebody_says_otherwise(shop: Shop) -> None:
    path = at(shop.customer_id)

    before = shop.customer.get(path)
    changed = shop.customer.put(path, json={"maintenance_reminders": False})
    again = shop.customer.put(path, json={})

    assert before.json == {"customer_id": shop.customer_id, **ALL}
    assert changed.json == {**before.json, "maintenance_reminders": False}
    assert again.json == before.json
    assert [one.headers["ETag"][:3] for one in (before, changed, again)] == ['"0-', '"1-', '"2-']


def test_of_what_somebody_changed_meanwhile_nothing_is_written(shop: Shop) -> None:
    path = at(shop.customer_id)
    tag = {"If-Match": shop.customer.get(path).headers["ETag"]}
    shop.owner.put(path, json={"progress_updates": False})

    assert shop.customer.put(path, json={}, headers=tag).status_code == 412
    assert shop.customer.get(path).json["progress_updates"] is False


def test_the_owner_sets_them_in_somebodys_name_and_a_mechanic_reads_them(shop: Shop) -> None:
    path = at(shop.customer_id)

    assert shop.owner.put(path, json={"completion_notices": False}).status_code == 200
    assert shop.mechanic.get(path).json["completion_notices"] is False
    assert shop.mechanic.put(path, json={}).status_code == 403
    assert shop.other_customer.get(path).status_code == 403
    assert shop.other_customer.put(path, json={}).status_code == 403


@pytest.mark.parametrize("body", [{"progress_updates": "no"}, {"sms": True}, {"progress_updates": None}])
def test_what_is_none_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    assert shop.customer.put(at(shop.customer_id), json=body).status_code == 400


@pytest.mark.parametrize("kind", preferences.KINDS)
def test_mail_goes_where_it_is_wanted(shop: Shop, kind: preferences.Kind) -> None:
    def address(customer_id: int) -> str | None:
        with shop.inside():
            return preferences.address_for(shop.id, customer_id, kind)

    erased = shop.make_customer().id
    shop.owner.delete(f"/customers/{erased}")
    shop.customer.put(at(shop.customer_id), json={kind: False})
    others = {**dict.fromkeys(ALL, False), kind: True}
    shop.other_customer.put(at(shop.other_customer_id), json=others)

    assert address(shop.customer_id) is None
    assert address(shop.other_customer_id) == shop.other_customer.email
    assert address(shop.make_customer(email=None).id) is None
    assert address(erased) is None
    assert address(shop.make_customer(email="nora@example.com").id) == "nora@example.com"


def test_reminders_stop_with_the_consent_to_them(shop: Shop) -> None:
    def address(kind: preferences.Kind) -> str | None:
        with shop.inside():
            return preferences.address_for(shop.id, shop.customer_id, kind)

    seen = [address("maintenance_reminders")]
    for given in (True, False, True):
        consent = {"kind": "reminders", "text_version": "1", "given": given}
        shop.customer.post(f"/customers/{shop.customer_id}/consents", json=consent)
        seen.append(address("maintenance_reminders"))
    shop.customer.post(
        f"/customers/{shop.customer_id}/consents",
        json={"kind": "marketing", "text_version": "1", "given": False},
    )

    here = shop.customer.email
    assert seen == [here, here, None, here]
    assert (address("maintenance_reminders"), address("completion_notices")) == (here, here)


def test_they_go_with_an_erasure(shop: Shop) -> None:
    shop.customer.put(at(shop.customer_id), json={"progress_updates": False})

    report = shop.owner.delete(f"/customers/{shop.customer_id}").json["report"]

    assert {"what": "notification_preferences", "count": 1} in report["erased"]
    assert shop.owner.get(at(shop.customer_id)).status_code == 404
