"""Progress updates: written by staff, validated, and then seen by the customer, who is told by mail."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.blueprints.service_tickets import moving
from tests.factories import Shop
from tests.mailing import Scripted, deliver
from tests.tampering import owners_connection

NEWS = {"text": "The old discs are off; the new ones come at noon."}


def written(shop: Shop, ticket_id: int | None = None) -> str:
    """Write an update, and return its path."""
    path = f"/service_tickets/{ticket_id or shop.make_ticket()['id']}/progress"
    made = shop.mechanic.post(path, json=NEWS)
    assert made.status_code == 201, made.json
    return f"{path}/{made.json['id']}"


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def mailed(shop: Shop, transport: Scripted) -> list[tuple[str, str]]:
    """Return what has left by now: the topic's subject and the recipient."""
    while deliver(shop):
        pass
    return [(letter.subject, letter.recipient) for letter in transport.taken]


class TestWriting:
    def test_keeps_who_wrote_it_and_waits_for_the_owner(self, shop: Shop, transport: Scripted) -> None:
        path = f"/service_tickets/{shop.make_ticket()['id']}/progress"

        made = shop.mechanic.post(path, json=NEWS)

        assert shop.mechanic.principal is not None
        assert (made.status_code, made.json["text"]) == (201, NEWS["text"])
        assert made.json["account_id"] == shop.mechanic.principal.account_id
        assert (made.json["validated"], made.json["validated_at"]) == (False, None)
        assert shop.mechanic.get(made.headers["Location"]).json == made.json
        assert mailed(shop, transport) == []

    def test_at_a_visit_that_is_over_is_refused(self, shop: Shop) -> None:
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.post(f"{ticket}/status", json={"status": "cancelled"})

        assert refused(shop.mechanic.post(f"{ticket}/progress", json=NEWS)) == (409, "ticket_closed")

    @pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x" * 2001}, {**NEWS, "validated": True}])
    def test_of_what_is_none_is_refused(self, shop: Shop, body: dict[str, Any]) -> None:
        path = f"/service_tickets/{shop.make_ticket()['id']}/progress"

        assert shop.mechanic.post(path, json=body).status_code == 400
        assert shop.mechanic.get(path).json == []

    def test_is_changed_and_taken_back_before_the_validation(self, shop: Shop) -> None:
        path = written(shop)
        tag = {"If-Match": shop.mechanic.get(path).headers["ETag"]}

        changed = shop.owner.patch(path, json={"text": "They came."}, headers=tag)
        stale = shop.owner.patch(path, json={"text": "They did not."}, headers=tag)
        gone = shop.mechanic.delete(path)

        assert (changed.json["text"], stale.status_code) == ("They came.", 412)
        assert gone.status_code == 200
        assert refused(shop.mechanic.get(path)) == (404, "progress_update_not_found")


class TestValidation:
    def test_shows_it_to_the_customer_and_tells_them(self, shop: Shop, transport: Scripted) -> None:
        ticket = shop.make_ticket()
        path = written(shop, ticket["id"])
        every = path.rpartition("/")[0]

        before = shop.customer.get(path), shop.customer.get(every).json
        validated = shop.owner.post(f"{path}/validate").json

        assert shop.owner.principal is not None
        assert (refused(before[0]), before[1]) == ((404, "progress_update_not_found"), [])
        assert (validated["validated"], validated["validated_by"]) == (True, shop.owner.principal.account_id)
        assert shop.customer.get(path).json == validated
        assert shop.customer.get(every).json == [validated]
        assert mailed(shop, transport) == [(f"News of visit {ticket['number']}", shop.customer.email)]
        assert NEWS["text"] in " ".join(transport.taken[0].text.split())

    def test_is_automatic_where_the_setting_says_so(self, shop: Shop, transport: Scripted) -> None:
        setting = {"progress_validated_automatically": True}
        assert shop.owner.patch(f"/workshops/{shop.id}", json=setting).status_code == 200

        path = written(shop)

        told = shop.customer.get(path).json
        assert (told["validated"], told["validated_by"]) == (True, None)
        assert len(mailed(shop, transport)) == 1

    def test_is_the_owners(self, shop: Shop) -> None:
        path = written(shop)

        assert refused(shop.mechanic.post(f"{path}/validate")) == (403, "not_allowed")
        assert refused(shop.customer.post(f"{path}/validate")) == (403, "not_allowed")
        assert shop.mechanic.get(path).json["validated"] is False

    def test_lets_nothing_of_it_change_any_more(self, shop: Shop, transport: Scripted) -> None:
        path = written(shop)
        validated = shop.owner.post(f"{path}/validate").json

        for answer in (
            shop.mechanic.patch(path, json={"text": "Nothing happened."}),
            shop.mechanic.delete(path),
            shop.owner.post(f"{path}/validate"),
        ):
            assert refused(answer) == (409, "progress_update_validated")
        assert shop.owner.get(path).json == validated
        assert len(mailed(shop, transport)) == 1

    def test_is_kept_by_the_database_too(self, app: Flask, shop: Shop) -> None:
        path = written(shop)
        shop.owner.post(f"{path}/validate")

        values = {"id": int(path.rpartition("/")[2])}
        statement = text("UPDATE progress_updates SET text = 'x' WHERE id = :id")
        with pytest.raises(DBAPIError), owners_connection(app) as connection:
            connection.execute(statement, values)

    def test_tells_nobody_who_wants_no_mail_of_it(self, shop: Shop, transport: Scripted) -> None:
        wanted = {"progress_updates": False}
        shop.customer.put(f"/customers/{shop.customer_id}/notification_preferences", json=wanted)

        shop.owner.post(f"{written(shop)}/validate")

        assert mailed(shop, transport) == []


def test_another_customer_sees_none(shop: Shop) -> None:
    path = written(shop)
    shop.owner.post(f"{path}/validate")

    for one in (path, path.rpartition("/")[0]):
        assert refused(shop.other_customer.get(one)) == (403, "not_your_ticket")


def test_of_another_ticket_it_is_not_there(shop: Shop) -> None:
    other = shop.make_ticket()["id"]
    astray = f"/service_tickets/{other}/progress/{written(shop).rpartition('/')[2]}"

    for answer in (
        shop.mechanic.get(astray),
        shop.mechanic.patch(astray, json=NEWS),
        shop.owner.post(f"{astray}/validate"),
        shop.mechanic.delete(astray),
    ):
        assert refused(answer) == (404, "progress_update_not_found")


class TestCompletion:
    def complete(self, shop: Shop, ticket: dict[str, Any]) -> None:
        for step in ("received", "in_progress", "completed"):
            path = f"/service_tickets/{ticket['id']}/status"
            assert shop.owner.post(path, json={"status": step}).status_code == 200

    def test_is_told_to_the_customer_once(self, shop: Shop, transport: Scripted) -> None:
        ticket = shop.make_ticket()

        self.complete(shop, ticket)
        shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": "delivered"})

        assert mailed(shop, transport) == [("Your car is ready", shop.customer.email)]
        assert f"visit {ticket['number']}" in transport.taken[0].text

    def test_is_told_to_nobody_who_wants_no_mail_of_it(self, shop: Shop, transport: Scripted) -> None:
        wanted = {"completion_notices": False}
        shop.customer.put(f"/customers/{shop.customer_id}/notification_preferences", json=wanted)

        self.complete(shop, shop.make_ticket())

        assert mailed(shop, transport) == []

    @pytest.mark.parametrize("email", [None, "gone"])
    def test_is_told_to_nobody_without_an_address(
        self, shop: Shop, transport: Scripted, email: str | None
    ) -> None:
        customer = shop.make_customer(email=email and "ada.gone@example.com").id
        ticket = shop.make_ticket(customer_id=customer)
        if email is not None:
            shop.owner.delete(f"/customers/{customer}")

        self.complete(shop, ticket)

        assert mailed(shop, transport) == []

    def test_that_is_undone_is_not_told(
        self, shop: Shop, transport: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ticket = shop.make_ticket()
        for step in ("received", "in_progress"):
            shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": step})

        def fail(*arguments: Any) -> None:
            raise RuntimeError("afterwards")

        monkeypatch.setattr(moving, "whole", fail)
        answer = shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": "completed"})
        monkeypatch.undo()

        assert answer.status_code == 500
        assert shop.owner.get(f"/service_tickets/{ticket['id']}").json["status"] == "in_progress"
        with shop.app.app_context():
            assert deliver(shop) == 0
