"""Photos of progress updates: which ones are taken, who sees them when, and what keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.attachments.sending import attach, pdf
from tests.customers import exporting
from tests.factories import Shop
from tests.tampering import owners_connection

NEWS = {"text": "The old brake discs are off."}


@pytest.fixture
def ticket(shop: Shop) -> int:
    number: int = shop.make_ticket()["id"]
    return number


def path_of(ticket: int) -> str:
    return f"/service_tickets/{ticket}/progress"


def photo(shop: Shop, ticket: int, *, visible: bool = False) -> int:
    return shop.make_attachment(ticket, visible=visible).id


def written(shop: Shop, ticket: int, *photo_ids: int) -> str:
    """Write an update that shows photos, and return its path."""
    made = shop.mechanic.post(path_of(ticket), json={**NEWS, "photo_ids": photo_ids})
    assert made.status_code == 201, made.json
    return f"{path_of(ticket)}/{made.json['id']}"


def ids_of(answer: Any) -> list[int]:
    return [one["id"] for one in answer.json["photos"]]


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


class TestAnUpdate:
    @pytest.mark.usefixtures("clock_set")  # a link is the same within a minute
    def test_shows_photos_in_the_order_in_which_they_were_named(self, shop: Shop, ticket: int) -> None:
        first, second = photo(shop, ticket), photo(shop, ticket)

        path = written(shop, ticket, second, first)

        shown = shop.mechanic.get(path).json["photos"]
        attached = shop.mechanic.get(f"/service_tickets/{ticket}/attachments/{second}").json
        assert [one["id"] for one in shown] == [second, first]
        assert shown[0] == {name: attached[name] for name in shown[0]}
        assert shop.nobody.get(shown[0]["url"]).status_code == 200
        assert shop.mechanic.get(path_of(ticket)).json[0]["photos"] == shown

    def test_is_given_other_photos_and_keeps_them_where_only_its_text_changes(
        self, shop: Shop, ticket: int
    ) -> None:
        first, second = photo(shop, ticket), photo(shop, ticket)
        path = written(shop, ticket, first)
        tag = {"If-Match": shop.mechanic.get(path).headers["ETag"]}

        other = shop.mechanic.patch(path, json={"photo_ids": [second]}, headers=tag)
        stale = shop.mechanic.patch(path, json={"photo_ids": []}, headers=tag)
        said = shop.mechanic.patch(path, json={"text": "They are on."})

        assert (ids_of(other), stale.status_code, ids_of(said)) == ([second], 412, [second])
        entry = shop.owner.get("/audit?action=progress.changed").json[-1]
        assert (entry["before"]["photo_ids"], entry["after"]["photo_ids"]) == ([first], [second])

    def test_takes_no_photo_of_another_ticket_or_workshop(
        self, shop: Shop, other_shop: Shop, ticket: int
    ) -> None:
        strange = photo(shop, shop.make_ticket()["id"]), photo(other_shop, other_shop.make_ticket()["id"])
        path = written(shop, ticket)

        for one in (*strange, 9_000_000_000):
            body = {**NEWS, "photo_ids": [one]}
            assert refused(shop.mechanic.post(path_of(ticket), json=body)) == (404, "attachment_not_found")
            assert refused(shop.mechanic.patch(path, json=body)) == (404, "attachment_not_found")
        assert len(shop.mechanic.get(path_of(ticket)).json) == 1

    def test_takes_ten_photos_each_once_and_no_document(self, shop: Shop, ticket: int) -> None:
        ids = [photo(shop, ticket) for _ in range(11)]
        document = attach(shop.owner, f"/service_tickets/{ticket}/attachments", pdf()).json["id"]

        for wrong in (ids, [ids[0], ids[0]], [document]):
            answer = shop.mechanic.post(path_of(ticket), json={**NEWS, "photo_ids": wrong})
            assert (answer.status_code, list(answer.json["errors"])) == (400, ["photo_ids"])
        assert len(ids_of(shop.mechanic.get(written(shop, ticket, *ids[:10])))) == 10


class TestItsCustomer:
    def test_sees_the_photos_with_the_update_whoever_sees_them_elsewhere(
        self, shop: Shop, ticket: int
    ) -> None:
        hidden = photo(shop, ticket, visible=False)
        path = written(shop, ticket, hidden)
        attached = f"/service_tickets/{ticket}/attachments"

        before = shop.customer.get(path), shop.customer.get(path_of(ticket)).json
        shop.owner.post(f"{path}/validate")
        after = shop.customer.get(path)

        assert (refused(before[0]), before[1]) == ((404, "progress_update_not_found"), [])
        assert ids_of(after) == [hidden]
        assert shop.nobody.get(after.json["photos"][0]["thumbnail_url"]).status_code == 200
        assert shop.customer.get(attached).json == []

    def test_sees_them_at_once_where_the_setting_validates(self, shop: Shop, ticket: int) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"progress_validated_automatically": True})
        shown = photo(shop, ticket)

        assert ids_of(shop.customer.get(written(shop, ticket, shown))) == [shown]

    def test_gets_them_in_an_export_and_takes_them_along_with_an_erasure(
        self, app: Flask, shop: Shop, ticket: int
    ) -> None:
        shown = photo(shop, ticket)
        path = written(shop, ticket, shown)
        shop.owner.post(f"{path}/validate")
        shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "cancelled"})

        document = exporting.exported(shop)
        erased = shop.owner.delete(f"/customers/{shop.customer_id}")

        assert document["progress"][0]["photos"] == [shown]
        assert erased.status_code == 200, erased.json
        assert shop.owner.get(path).json["photos"] == []


class TestAPhotoThatIsShown:
    def test_is_deleted_once_nothing_shows_it(self, shop: Shop, ticket: int) -> None:
        shown = photo(shop, ticket)
        path = written(shop, ticket, shown)
        attached = f"/service_tickets/{ticket}/attachments/{shown}"

        kept = shop.mechanic.delete(attached)
        shop.mechanic.patch(path, json={"photo_ids": []})
        gone = shop.mechanic.delete(attached)

        assert (refused(kept), gone.status_code) == ((409, "attachment_in_use"), 200)

    def test_stays_on_the_ticket_when_the_update_is_taken_back(self, shop: Shop, ticket: int) -> None:
        shown = photo(shop, ticket)

        shop.mechanic.delete(written(shop, ticket, shown))

        assert [one["id"] for one in shop.mechanic.get(f"/service_tickets/{ticket}/attachments").json] == [
            shown
        ]

    def test_goes_with_the_ticket(self, shop: Shop, ticket: int) -> None:
        path = written(shop, ticket, photo(shop, ticket))
        shop.owner.post(f"{path}/validate")

        assert shop.owner.delete(f"/service_tickets/{ticket}").status_code == 200


class TestTheDatabase:
    def test_adds_no_photo_to_what_is_validated_and_none_of_another_ticket(
        self, app: Flask, shop: Shop, ticket: int
    ) -> None:
        shown, strange = photo(shop, ticket), photo(shop, shop.make_ticket()["id"])
        validated, draft = written(shop, ticket), written(shop, ticket)
        shop.owner.post(f"{validated}/validate")
        statement = text(
            "INSERT INTO progress_update_photos (workshop_id, service_ticket_id, progress_update_id, attachment_id, place)"
            " VALUES (:workshop, :ticket, :update, :photo, 1)"
        )

        for path, one in ((validated, shown), (draft, strange)):
            values = {"update": int(path.rpartition("/")[2]), "photo": one}
            with pytest.raises(DBAPIError), owners_connection(app) as connection:
                connection.execute(statement, {"workshop": shop.id, "ticket": ticket, **values})
