"""Idempotency keys: a POST sent again gets the first answer and does nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.exc import OperationalError

from app.blueprints.inventory import service as inventory
from app.core import clock, idempotency
from app.core.db import atomic
from app.core.idempotency import IdempotencyKey
from app.extensions import db
from tests.factories import PASSWORD, Caller, Shop, unique
from tests.watching import log_lines

BELT = {"name": "Belt", "price": 5.1}
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def keyed(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or unique("key-")}


def kept(app: Flask, key: str) -> list[IdempotencyKey]:
    with app.app_context():
        return list(db.session.scalars(select(IdempotencyKey).where(IdempotencyKey.key == key)))


def count_parts(shop: Shop) -> int:
    return int(shop.owner.get("/inventory?page=1").headers["X-Total-Count"])


def signed_in_again(caller: Caller) -> Caller:
    """Return the same person with a token of this moment."""
    return Caller(caller.app, caller.principal, caller.workshop, caller.email)


class TestTheSameAgain:
    def test_is_answered_the_same_and_does_nothing(self, shop: Shop) -> None:
        headers = keyed()

        first = shop.owner.post("/inventory", json=BELT, headers=headers)
        second = shop.owner.post("/inventory", json=BELT, headers=headers)

        assert (first.status_code, second.status_code) == (201, 201)
        assert second.data == first.data
        for name in ("Content-Type", "Location", "ETag"):
            assert second.headers[name] == first.headers[name]
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"
        assert count_parts(shop) == 1

    @pytest.mark.parametrize("paths", [("/inventory", "/inventory/"), ("/inventory/", "/inventory")])
    def test_is_the_same_with_and_without_a_slash_at_the_end(
        self, shop: Shop, paths: tuple[str, str]
    ) -> None:
        headers = keyed()

        first, second = (shop.owner.post(path, json=BELT, headers=headers) for path in paths)

        assert (second.data, second.headers["Idempotency-Replayed"]) == (first.data, "true")
        assert count_parts(shop) == 1

    def test_without_a_key_is_another(self, shop: Shop) -> None:
        ids = {shop.owner.post("/inventory", json=BELT).json["id"] for _ in range(2)}

        assert len(ids) == 2

    def test_is_told_from_another_body(self, shop: Shop) -> None:
        headers = keyed()
        shop.owner.post("/inventory", json=BELT, headers=headers)

        other = shop.owner.post("/inventory", json={**BELT, "price": 6}, headers=headers)

        assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
        assert count_parts(shop) == 1

    def test_belongs_to_its_caller(self, shop: Shop) -> None:
        headers, body = (
            keyed(),
            {"VIN": "WVWZZZ1JZ00000001", "service_date": "2026-03-02", "service_desc": "Oil"},
        )

        mine = shop.customer.post(
            "/service_tickets", json={**body, "customer_id": shop.customer_id}, headers=headers
        )
        by_staff = shop.owner.post(
            "/service_tickets", json={**body, "customer_id": shop.customer_id}, headers=headers
        )

        assert (mine.status_code, by_staff.status_code) == (201, 201)
        assert mine.json["id"] != by_staff.json["id"]

    def test_belongs_to_its_route(self, shop: Shop) -> None:
        headers = keyed()
        first, second = shop.make_ticket(), shop.make_ticket()

        answers = [
            shop.owner.post(
                f"/service_tickets/{ticket['id']}/status", json={"status": "received"}, headers=headers
            )
            for ticket in (first, second)
        ]

        assert [answer.json["id"] for answer in answers] == [first["id"], second["id"]]

    def test_of_a_person_in_two_workshops_belongs_to_each(self, shop: Shop, other_shop: Shop) -> None:
        headers, person = (
            keyed(),
            {"name": "Ada", "email": f"{unique('ada')}@example.com", "password": PASSWORD},
        )

        here = shop.nobody.post("/customers", json={**person, "phone": "555-123-4567"}, headers=headers)
        there = other_shop.nobody.post(
            "/customers", json={**person, "phone": "555-123-4567"}, headers=headers
        )

        assert here.status_code == 201
        assert (there.status_code, there.json["code"]) == (422, "idempotency_key_reused")

    def test_of_an_account_in_two_workshops_is_two_callers(self, shop: Shop, other_shop: Shop) -> None:
        headers, email = keyed(), f"{unique('ada')}@example.com"
        person = {"name": "Ada", "email": email, "phone": "555-123-4567", "password": PASSWORD}
        callers = []
        for place in (shop, other_shop):
            place.nobody.post("/customers", json=person)
            token = place.nobody.post("/customers/login", json={"email": email, "password": PASSWORD}).json[
                "auth_token"
            ]
            callers.append(Caller(place.app, headers={"Authorization": f"Bearer {token}"}))
        body = {
            "VIN": "WVWZZZ1JZ00000001",
            "service_date": "2026-03-02",
            "service_desc": "Oil",
            "customer_id": 1,
        }

        answers = [caller.post("/service_tickets", json=body, headers=headers) for caller in callers]

        assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, False]

    def test_of_a_stranger_belongs_to_the_address(self, shop: Shop) -> None:
        headers = keyed()
        login = {"email": shop.customer.email, "password": PASSWORD}

        first = shop.nobody.post("/customers/login", json=login, headers=headers)
        elsewhere = shop.nobody.post(
            "/customers/login", json=login, headers=headers, environ_base={"REMOTE_ADDR": "203.0.113.9"}
        )

        assert (first.status_code, elsewhere.status_code) == (200, 200)
        assert "Idempotency-Replayed" not in elsewhere.headers

    @pytest.mark.parametrize(
        "key", ["k", "x" * 255, 'a "quoted" one, with: marks', "8e03978e-40d5-43e8-bc93-6894a57f9324"]
    )
    def test_a_key_has_up_to_255_printable_characters(self, shop: Shop, key: str) -> None:
        first = shop.owner.post("/inventory", json=BELT, headers=keyed(key))
        second = shop.owner.post("/inventory", json=BELT, headers=keyed(key))

        assert second.json == first.json

    @pytest.mark.parametrize("key", ["", "x" * 256, "tab\tinside", "nbsp\xa0inside"])
    def test_another_key_is_refused(self, shop: Shop, key: str) -> None:
        answer = shop.owner.post("/inventory", json=BELT, headers={"Idempotency-Key": key})

        assert answer.status_code == 400
        assert "1 to 255" in answer.json["detail"]
        assert count_parts(shop) == 0

    def test_other_methods_have_no_keys(self, shop: Shop) -> None:
        path, headers = f"/inventory/{shop.make_part().id}", keyed()

        prices = [
            shop.owner.patch(path, json={"price": price}, headers=headers).json["price"] for price in (1, 2)
        ]

        assert prices == [1, 2]
        assert kept(shop.app, headers["Idempotency-Key"]) == []


class TestTime:
    def test_an_answer_is_kept_for_a_day(self, shop: Shop) -> None:
        headers = keyed()
        with time_machine.travel(START, tick=False) as traveller:
            first = signed_in_again(shop.owner).post("/inventory", json=BELT, headers=headers)

            traveller.shift(timedelta(hours=24))
            after_a_day = signed_in_again(shop.owner).post("/inventory", json=BELT, headers=headers)
            traveller.shift(timedelta(seconds=1))
            after_more = signed_in_again(shop.owner).post("/inventory", json=BELT, headers=headers)

        assert after_a_day.json["id"] == first.json["id"]
        assert after_more.json["id"] != first.json["id"]
        assert "Idempotency-Replayed" not in after_more.headers

    def test_an_expired_key_may_name_another_request(self, shop: Shop) -> None:
        headers = keyed()
        with time_machine.travel(START, tick=False) as traveller:
            signed_in_again(shop.owner).post("/inventory", json=BELT, headers=headers)
            traveller.shift(timedelta(hours=24, seconds=1))

            other = signed_in_again(shop.owner).post("/inventory", json={**BELT, "price": 6}, headers=headers)
            again = signed_in_again(shop.owner).post("/inventory", json={**BELT, "price": 6}, headers=headers)

        assert (other.status_code, other.json["price"]) == (201, 6)
        assert again.json == other.json

    def test_a_request_that_still_runs_is_not_started_again(self, shop: Shop) -> None:
        headers = keyed()
        shop.owner.post("/inventory", json=BELT, headers=headers)
        unanswer(shop.app, headers["Idempotency-Key"])

        second = shop.owner.post("/inventory", json=BELT, headers=headers)
        other = shop.owner.post("/inventory", json={**BELT, "price": 9}, headers=headers)

        assert (second.status_code, second.json["code"]) == (409, "request_in_progress")
        assert second.headers["Retry-After"] == "1"
        assert other.status_code == 422
        assert count_parts(shop) == 1

    def test_the_claim_of_a_dead_worker_is_taken_over_after_a_minute(self, shop: Shop) -> None:
        headers = keyed()
        with time_machine.travel(START, tick=False) as traveller:
            owner = signed_in_again(shop.owner)
            owner.post("/inventory", json=BELT, headers=headers)
            unanswer(shop.app, headers["Idempotency-Key"])

            traveller.shift(timedelta(seconds=59))
            early = owner.post("/inventory", json=BELT, headers=headers)
            traveller.shift(timedelta(seconds=1))
            late = owner.post("/inventory", json=BELT, headers=headers)
            again = owner.post("/inventory", json=BELT, headers=headers)

        assert [early.status_code, late.status_code, again.status_code] == [409, 201, 201]
        assert again.json == late.json

    def test_of_two_who_take_over_one_gets_it(self, shop: Shop) -> None:
        with shop.app.test_request_context(
            "/inventory", method="POST", json=BELT, headers=keyed("taken-" + unique())
        ) as c:
            key = c.request.headers["Idempotency-Key"]
            with time_machine.travel(START, tick=False) as traveller:
                claim = idempotency._claim(key)
                traveller.shift(idempotency.CLAIMED)
                (row,) = db.session.scalars(select(IdempotencyKey).where(IdempotencyKey.key == key))
                db.session.expunge(row)
                values = {"claimed_at": clock.now()}

                with atomic():
                    taken = idempotency._take_over(row, values)
                with pytest.raises(idempotency.StillRunning), atomic():
                    idempotency._take_over(row, values)

        assert taken == (claim[0], START + idempotency.CLAIMED)  # type: ignore[index]

    def test_who_lost_the_claim_has_done_nothing(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        headers = keyed()

        with monkeypatch.context() as patch, log_lines() as log:
            patch.setattr(idempotency, "_changed", lambda statement: 0)  # another has the claim by now
            answer = shop.owner.post("/inventory", json=BELT, headers=headers)

        assert answer.status_code == 500
        assert "LostClaim" in log.text
        assert count_parts(shop) == 0

    def test_who_lost_the_claim_lets_go_of_nobody_elses(self, shop: Shop) -> None:
        headers = keyed()
        shop.owner.post("/inventory", json=BELT, headers=headers)
        (row,) = kept(shop.app, headers["Idempotency-Key"])

        with shop.app.app_context():
            idempotency._release((row.id, row.claimed_at - timedelta(minutes=1)))

        assert len(kept(shop.app, headers["Idempotency-Key"])) == 1

    def test_a_key_let_go_of_in_between_is_asked_to_come_back(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        headers = keyed()
        shop.owner.post("/inventory", json=BELT, headers=headers)
        monkeypatch.setattr("sqlalchemy.orm.Query.first", lambda query: None)

        answer = shop.owner.post("/inventory", json=BELT, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (409, "request_in_progress")

    def test_what_is_older_than_a_day_is_cleared_away_now_and_then(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old, young = keyed(), keyed()
        with time_machine.travel(START, tick=False) as traveller:
            signed_in_again(shop.owner).post("/inventory", json=BELT, headers=old)
            traveller.shift(timedelta(hours=2))
            signed_in_again(shop.owner).post("/inventory", json=BELT, headers=young)
            traveller.shift(timedelta(hours=23))
            monkeypatch.setattr(idempotency, "PURGE_EVERY", 1)

            signed_in_again(shop.owner).post("/inventory", json=BELT, headers=keyed())

        assert kept(shop.app, old["Idempotency-Key"]) == []
        assert len(kept(shop.app, young["Idempotency-Key"])) == 1


def run_before(patch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Let `act` happen while the next part is being added, before it is."""
    add = inventory.add

    def acting_first(*args: Any, **kwargs: Any) -> Any:
        patch.setattr(inventory, "add", add)
        act()
        return add(*args, **kwargs)

    patch.setattr(inventory, "add", acting_first)


def unanswer(app: Flask, key: str) -> None:
    """Make the state that a worker leaves that dies at work: a claim without an answer."""
    with app.app_context(), atomic() as session:
        row = session.scalars(select(IdempotencyKey).where(IdempotencyKey.key == key)).one()
        row.status, row.answer = None, None


class TestRefusals:
    def test_that_would_be_met_again_are_kept(self, shop: Shop) -> None:
        headers = keyed()

        first = shop.owner.post("/inventory", json={"name": "Belt"}, headers=headers)
        second = shop.owner.post("/inventory", json={"name": "Belt"}, headers=headers)

        assert (first.status_code, second.status_code) == (400, 400)
        assert second.json["errors"] == first.json["errors"]
        assert second.headers["Idempotency-Replayed"] == "true"

    def test_by_the_state_are_kept_too_and_leave_nothing_behind(self, shop: Shop) -> None:
        headers, sku = keyed(), {"sku": "B-1"}
        part = shop.make_part(**sku)
        first = shop.owner.post("/inventory", json={**BELT, **sku}, headers=headers)
        shop.owner.delete(f"/inventory/{part.id}")

        second = shop.owner.post("/inventory", json={**BELT, **sku}, headers=headers)

        assert (first.status_code, second.status_code) == (409, 409)
        assert second.json["code"] == "sku_taken"
        assert count_parts(shop) == 0

    def test_of_a_stale_version_are_not(self, shop: Shop) -> None:
        ticket, part = shop.make_ticket(), shop.make_part()
        path, headers = f"/service_tickets/{ticket['id']}/inventory", keyed()

        stale = shop.owner.post(path, json={"item_id": part.id}, headers=headers | {"If-Match": '"99-0"'})
        tag = shop.owner.get(f"/service_tickets/{ticket['id']}").headers["ETag"]
        again = shop.owner.post(path, json={"item_id": part.id}, headers=headers | {"If-Match": tag})

        assert (stale.status_code, again.status_code) == (412, 201)

    def test_of_a_sign_in_are_not(self, shop: Shop) -> None:
        headers, login = keyed(), {"email": shop.customer.email, "password": "wrong"}

        answers = [shop.nobody.post("/customers/login", json=login, headers=headers) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [401, 401]
        assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, False]
        assert kept(shop.app, headers["Idempotency-Key"]) == []

    def test_of_who_is_not_allowed_are_not(self, shop: Shop) -> None:
        headers, ticket = keyed(), shop.make_ticket()

        answer = shop.other_customer.post(
            f"/service_tickets/{ticket['id']}/status", json={"status": "cancelled"}, headers=headers
        )

        assert answer.status_code == 403
        assert kept(shop.app, headers["Idempotency-Key"]) == []

    @pytest.mark.parametrize(
        ("error", "status"), [(RuntimeError("boom"), 500), (OperationalError("", {}, Exception("gone")), 503)]
    )
    def test_for_our_own_faults_are_not(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
    ) -> None:
        headers = keyed()

        def fail() -> None:
            raise error

        run_before(monkeypatch, fail)
        with log_lines():
            first = shop.owner.post("/inventory", json=BELT, headers=headers)
        second = shop.owner.post("/inventory", json=BELT, headers=headers)

        assert (first.status_code, second.status_code) == (status, 201)
        assert count_parts(shop) == 1

    def test_of_a_body_that_was_never_read_claim_nothing(self, shop: Shop) -> None:
        headers = keyed()

        wrong_type = shop.owner.open(
            "POST", "/inventory", data=b"x", content_type="text/plain", headers=headers
        )
        too_large = shop.owner.open(
            "POST", "/inventory", data=b" " * 1_000_001, content_type="application/json", headers=headers
        )

        assert (wrong_type.status_code, too_large.status_code) == (415, 413)
        assert kept(shop.app, headers["Idempotency-Key"]) == []


def test_a_kept_token_is_encrypted_and_still_works_when_replayed(shop: Shop) -> None:
    headers, login = keyed(), {"email": shop.customer.email, "password": PASSWORD}

    first = shop.nobody.post("/customers/login", json=login, headers=headers)
    second = shop.nobody.post("/customers/login", json=login, headers=headers)

    (row,) = kept(shop.app, headers["Idempotency-Key"])
    token = second.json["auth_token"]
    assert token == first.json["auth_token"]
    with shop.app.app_context():
        lying = db.session.scalar(
            select(type_coerce(IdempotencyKey.answer, LargeBinary)).where(IdempotencyKey.id == row.id)
        )
    for secret in (token, "auth_token", PASSWORD, shop.customer.email):
        assert secret.encode() not in bytes(lying)
        assert secret.encode() not in bytes(row.fingerprint)
    assert row.answer is not None
    assert token in row.answer
    assert (
        Caller(shop.app, headers={"Authorization": f"Bearer {token}"})
        .get("/customers/my-tickets")
        .status_code
        == 200
    )


def test_the_work_and_its_answer_are_kept_together_or_not_at_all(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = keyed()

    def fail(*args: Any) -> None:
        raise RuntimeError("the worker dies before its answer is kept")

    with monkeypatch.context() as patch, log_lines():
        patch.setattr(idempotency, "_keep", fail)
        lost = shop.owner.post("/inventory", json=BELT, headers=headers)

    assert lost.status_code == 500
    assert count_parts(shop) == 0
    assert shop.owner.post("/inventory", json=BELT, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "route", ["/customers", "/customers/login", "/mechanics", "/mechanics/login", "/service_tickets"]
)
def test_every_creation_and_login_takes_a_key(shop: Shop, route: str) -> None:
    person = {"name": "Ada", "email": f"{unique('ada')}@example.com", "phone": "555-123-4567"}
    body = {
        "/customers": {**person, "password": PASSWORD},
        "/customers/login": {"email": shop.customer.email, "password": PASSWORD},
        "/mechanics": {**person, "salary": 1},
        "/mechanics/login": {"email": shop.mechanic.email, "password": PASSWORD},
        "/service_tickets": {
            "VIN": "WVWZZZ1JZ00000001", "service_date": "2026-03-02", "service_desc": "Oil", "customer_id": shop.customer_id,
        },
    }[route]  # fmt: skip
    caller = shop.owner if route in ("/mechanics", "/service_tickets") else shop.nobody
    headers = keyed()

    first, second = (caller.post(route, json=body, headers=headers) for _ in range(2))

    assert second.data == first.data
    assert second.headers["Idempotency-Replayed"] == "true"
