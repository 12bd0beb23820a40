"""Attachments: what is taken, who sees it, how many there are, and when they are gone."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, select, type_coerce

from app.blueprints.attachments import service
from app.blueprints.attachments.models import MOST_ON_A_TICKET, Attachment
from app.core.db import atomic
from app.core.files import FilePiece, StoredFile
from app.extensions import db
from tests.attachments.sending import attach, pdf
from tests.customers import exporting
from tests.factories import Shop
from tests.pictures import exif, halves, picture, seen
from tests.watching import statements


@pytest.fixture
def ticket(shop: Shop) -> int:
    number: int = shop.make_ticket()["id"]
    return number


@pytest.fixture
def path(ticket: int) -> str:
    return f"/service_tickets/{ticket}/attachments"


def files_kept(shop: Shop) -> set[int]:
    """Return the ids of the shop's files; each must have its pieces."""
    with shop.inside():
        ids = set(db.session.scalars(select(StoredFile.id)))
        assert ids == set(db.session.scalars(select(FilePiece.file_id)))
        return ids


class TestAPicture:
    def test_is_attached_and_fetched_without_what_the_camera_noted(self, shop: Shop, path: str) -> None:
        made = attach(shop.mechanic, path, halves(exif=exif(orientation=6)))

        told = made.json
        served, small = shop.nobody.get(told["url"]), shop.nobody.get(told["thumbnail_url"])
        assert made.status_code == 201
        assert (told["kind"], told["content_type"], told["name"]) == ("picture", "image/jpeg", "brakes.jpg")
        assert told["size"] == len(served.data)
        assert seen(served.data).size == (200, 400)
        assert max(seen(small.data).size) <= 320
        assert b"Spycam" not in served.data + small.data
        assert shop.mechanic.get(made.headers["Location"]).json == told

    def test_is_at_most_2048_pixels_and_its_thumbnail_320(self, shop: Shop, path: str) -> None:
        told = attach(shop.owner, path, picture(size=(3000, 1500))).json

        assert seen(shop.nobody.get(told["url"]).data).size == (2048, 1024)
        assert seen(shop.nobody.get(told["thumbnail_url"]).data).size == (320, 160)

    def test_sent_again_with_its_key_is_attached_once(self, shop: Shop, path: str) -> None:
        first, again = (attach(shop.owner, path, picture(), key="k-1") for _ in range(2))

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json["id"] == first.json["id"]
        assert len(shop.owner.get(path).json) == 1

    def test_other_than_the_one_that_was_sent_with_the_key_is_refused(self, shop: Shop, path: str) -> None:
        attach(shop.owner, path, picture(colour="red"), key="k-1")

        answers = [
            attach(shop.owner, path, picture(colour="blue"), key="k-1"),
            attach(shop.owner, path, picture(colour="red"), name="other.jpg", key="k-1"),
        ]

        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
            (422, "idempotency_key_reused")
        ] * 2


class TestADocument:
    def test_is_kept_as_it_is_and_served_to_be_saved(self, shop: Shop, path: str) -> None:
        sent = pdf()
        told = attach(shop.owner, path, sent, "invoice.pdf", "application/pdf").json
        served = shop.nobody.get(told["url"])

        assert (told["kind"], told["content_type"], told["thumbnail_url"]) == (
            "document",
            "application/pdf",
            None,
        )
        assert served.data == sent
        assert served.headers["Content-Type"] == "application/pdf"
        assert served.headers["Content-Disposition"] == 'attachment; filename="document.pdf"'
        assert served.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in served.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("version", [b"1.0", b"1.4", b"1.7", b"2.0"])
    def test_of_any_version_is_taken(self, shop: Shop, path: str, version: bytes) -> None:
        assert attach(shop.owner, path, pdf(version=version)).status_code == 201

    @pytest.mark.parametrize("after", [b"", b"\r\n", b"\n\n\n", b"  \n"])
    def test_may_end_with_blanks(self, shop: Shop, path: str, after: bytes) -> None:
        assert attach(shop.owner, path, pdf(after=after)).status_code == 201


class TestANameIsForPeople:
    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("brakes.jpg", "brakes.jpg"),
            ("zażółć gęślą.jpg", "zażółć gęślą.jpg"),
            ("a\tb\x00c\x1bd.jpg", "a bcd.jpg"),
            ("invoice\u202egpj.exe", "invoicegpj.exe"),
            ("", "attachment"),
            (".htaccess", "htaccess"),
            ("a" * 300 + ".jpg", "a" * 196 + ".jpg"),
            ("a" * 300, "a" * 200),
        ],
    )
    def test_and_is_cleaned(self, sent: str, kept: str) -> None:
        assert service.clean_name(sent) == kept

    def test_and_names_no_file_that_is_served(self, shop: Shop, path: str) -> None:
        told = attach(shop.owner, path, picture(), "x.svg", "image/svg+xml").json

        assert told["name"] == "x.svg"
        disposition = shop.nobody.get(told["url"]).headers["Content-Disposition"]
        assert disposition == 'inline; filename="picture.jpg"'

    def test_and_lies_encrypted(self, shop: Shop, path: str) -> None:
        attach(shop.owner, path, picture(), "Jan Kowalski.jpg")

        with shop.inside():
            raw = db.session.scalars(select(type_coerce(Attachment.name, LargeBinary))).one()
            assert b"Kowalski" not in bytes(raw)
            assert db.session.scalars(select(Attachment.name)).one() == "Jan Kowalski.jpg"


class TestACustomer:
    def test_sees_what_is_visible_to_them_and_nothing_else(self, shop: Shop, ticket: int, path: str) -> None:
        shown, hidden = (shop.make_attachment(ticket, visible=visible).id for visible in (True, False))

        listed = shop.customer.get(path).json

        assert [one["id"] for one in listed] == [shown]
        assert listed[0]["account_id"] is None
        assert shop.customer.get(f"{path}/{shown}").status_code == 200
        refused = shop.customer.get(f"{path}/{hidden}")
        assert (refused.status_code, refused.json["code"]) == (404, "attachment_not_found")
        assert [one["id"] for one in shop.mechanic.get(path).json] == [shown, hidden]

    def test_is_shown_one_and_then_not_any_more(self, shop: Shop, ticket: int, path: str) -> None:
        one = f"{path}/{shop.make_attachment(ticket, visible=False).id}"

        shown = shop.owner.patch(one, json={"visible_to_customer": True})
        seen_then = shop.customer.get(one).status_code
        hidden = shop.owner.patch(one, json={"visible_to_customer": False})

        assert (shown.json["visible_to_customer"], hidden.json["visible_to_customer"]) == (True, False)
        assert (seen_then, shop.customer.get(one).status_code) == (200, 404)

    def test_other_than_the_tickets_sees_nothing(self, shop: Shop, ticket: int, path: str) -> None:
        one = shop.make_attachment(ticket).id

        for where in (path, f"{path}/{one}"):
            answer = shop.other_customer.get(where)
            assert (answer.status_code, answer.json["code"]) == (403, "not_your_ticket")

    def test_attaches_shows_and_deletes_nothing(self, shop: Shop, ticket: int, path: str) -> None:
        one = f"{path}/{shop.make_attachment(ticket).id}"

        answers = [
            attach(shop.customer, path, picture()),
            shop.customer.patch(one, json={"visible_to_customer": False}),
            shop.customer.delete(one),
        ]

        assert [answer.status_code for answer in answers] == [403] * 3

    def test_is_asked_in_the_request_that_attaches(self, shop: Shop, path: str) -> None:
        attach(shop.owner, f"{path}?visible_to_customer=true", picture())
        attach(shop.owner, path, picture())

        assert len(shop.customer.get(path).json) == 1


class TestAnAttachmentOfAnotherTicket:
    def test_is_not_on_this_one(self, shop: Shop, ticket: int, path: str) -> None:
        other = shop.make_ticket()["id"]
        one = shop.make_attachment(other).id

        for answer in (
            shop.owner.get(f"{path}/{one}"),
            shop.owner.patch(f"{path}/{one}", json={"visible_to_customer": False}),
            shop.owner.delete(f"{path}/{one}"),
        ):
            assert (answer.status_code, answer.json["code"]) == (404, "attachment_not_found")
        assert len(shop.owner.get(f"/service_tickets/{other}/attachments").json) == 1

    def test_of_another_workshop_is_nowhere(self, shop: Shop, other_shop: Shop) -> None:
        theirs = other_shop.make_ticket()["id"]
        one = other_shop.make_attachment(theirs).id
        path = f"/service_tickets/{theirs}/attachments"

        for answer in (
            shop.owner.get(path),
            attach(shop.owner, path, picture()),
            shop.owner.get(f"{path}/{one}"),
            shop.owner.patch(f"{path}/{one}", json={"visible_to_customer": False}),
            shop.owner.delete(f"{path}/{one}"),
        ):
            assert (answer.status_code, answer.json["code"]) == (404, "service_ticket_not_found")
        assert files_kept(shop) == set()


class TestATicket:
    def test_takes_a_hundred(self, shop: Shop, ticket: int, path: str) -> None:
        fill(shop, ticket)
        before = files_kept(shop)

        answer = attach(shop.owner, path, picture())

        assert (answer.status_code, answer.json["code"]) == (409, "too_many_attachments")
        assert files_kept(shop) == before

    def test_takes_another_in_the_place_of_one_that_went(self, shop: Shop, ticket: int, path: str) -> None:
        fill(shop, ticket)
        shop.owner.delete(f"{path}/{shop.owner.get(path).json[0]['id']}")

        assert attach(shop.owner, path, picture()).status_code == 201

    def test_is_deleted_with_all_that_is_attached(self, shop: Shop, ticket: int, path: str) -> None:
        shop.make_attachment(ticket)
        shop.make_attachment(ticket, sent=pdf())
        url = shop.owner.get(path).json[0]["url"]
        other = shop.make_attachment(shop.make_ticket()["id"])

        assert shop.owner.delete(f"/service_tickets/{ticket}").status_code == 200

        assert files_kept(shop) == {other.file_id, other.thumbnail_id}
        assert shop.nobody.get(url).status_code == 404

    def test_that_is_not_deleted_after_all_keeps_them(self, shop: Shop, ticket: int, path: str) -> None:
        shop.make_attachment(ticket)
        shop.owner.put(f"/service_tickets/{ticket}/assign-mechanic/{shop.mechanic_id}")

        assert shop.owner.delete(f"/service_tickets/{ticket}").status_code == 409
        assert len(files_kept(shop)) == 2

    def test_that_is_finished_takes_more_all_the_same(self, shop: Shop, ticket: int, path: str) -> None:
        shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "cancelled"})

        assert attach(shop.owner, path, picture()).status_code == 201

    def test_is_listed_in_a_number_of_statements_that_does_not_grow(
        self, app: Flask, shop: Shop, ticket: int, path: str
    ) -> None:
        shop.owner.get(path)
        counts = []
        for number in (1, 20, 100):
            fill(shop, ticket, number)
            with statements(app) as sent:
                listed = shop.owner.get(f"{path}?per_page=100").json
            assert len(listed) == number
            counts.append(len(sent))

        assert counts == [2, 2, 2]

    def test_is_walked_page_by_page(self, shop: Shop, ticket: int, path: str) -> None:
        fill(shop, ticket, 5)

        first = shop.owner.get(f"{path}?per_page=3")
        second = shop.owner.get(first.headers["Link"].split(">")[0].removeprefix("<"))

        ids = [one["id"] for one in first.json + second.json]
        assert len(ids) == 5
        assert ids == sorted(ids)


def fill(shop: Shop, ticket: int, number: int = MOST_ON_A_TICKET) -> None:
    """Attach documents to a ticket until it has so many: rows alone, for the sake of time."""
    with shop.inside(), atomic() as session:
        taken = len(
            session.scalars(select(Attachment.id).where(Attachment.service_ticket_id == ticket)).all()
        )
        for place in range(taken + 1, number + 1):
            file = StoredFile(
                workshop_id=shop.id, kind="document", content_type="application/pdf", size=1, sha256=b"0" * 32
            )
            session.add(file)
            session.flush()
            session.add(FilePiece(workshop_id=shop.id, file_id=file.id, place=0, content=b"x"))
            session.add(
                Attachment(
                    workshop_id=shop.id, service_ticket_id=ticket, place=place, kind="document", name="x",
                    file_id=file.id,
                )
            )  # fmt: skip


class TestDeleting:
    def test_takes_the_files_with_it(self, shop: Shop, ticket: int, path: str) -> None:
        told = attach(shop.owner, path, picture()).json

        answers = [shop.mechanic.delete(f"{path}/{told['id']}") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 404]
        assert files_kept(shop) == set()
        assert (
            shop.nobody.get(told["url"]).status_code
            == shop.nobody.get(told["thumbnail_url"]).status_code
            == 404
        )

    def test_and_showing_mind_the_version(self, shop: Shop, ticket: int, path: str) -> None:
        one = f"{path}/{shop.make_attachment(ticket, visible=False).id}"
        etag = shop.owner.get(one).headers["ETag"]
        shop.owner.patch(one, json={"visible_to_customer": True})

        stale = {"If-Match": etag}
        assert shop.owner.delete(one, headers=stale).status_code == 412
        for changes in ({"visible_to_customer": False}, {}):
            assert shop.owner.patch(one, json=changes, headers=stale).status_code == 412
        assert shop.owner.patch(one, json={}).json["visible_to_customer"] is True
        assert shop.customer.get(one).status_code == 200

    def test_and_attaching_are_in_the_audit_log_without_the_name(
        self, shop: Shop, ticket: int, path: str
    ) -> None:
        told = attach(shop.owner, path, picture(), "Jan Kowalski.jpg").json
        shop.owner.patch(f"{path}/{told['id']}", json={"visible_to_customer": True})
        shop.owner.delete(f"{path}/{told['id']}")

        entries = shop.owner.get(f"/audit?subject_kind=ticket&subject_id={ticket}").json[:3]
        assert [entry["action"] for entry in entries] == [
            "ticket.attachment_removed", "ticket.attachment_shown", "ticket.attachment_added",
        ]  # fmt: skip
        assert "Kowalski" not in json.dumps(entries)


class TestThePersonWhoseTicketItIs:
    def test_is_given_all_of_them_with_their_files(self, shop: Shop, ticket: int, path: str) -> None:
        first = attach(shop.owner, path, picture(), "brakes.jpg").json
        second = attach(shop.owner, path, pdf(), "quote.pdf").json
        sent = shop.nobody.get(first["url"]).data
        shop.make_attachment(shop.make_ticket(customer_id=shop.other_customer_id)["id"])

        shop.customer.get(exporting.path(shop))
        exporting.make(shop)
        archive = exporting.fetched(shop, shop.customer.get(exporting.path(shop)))

        given = json.loads(archive["data.json"])["attachments"]
        assert [one["name"] for one in given] == ["brakes.jpg", "quote.pdf"]
        assert archive[f"attachments/picture-{first['id']}.jpg"] == sent
        assert archive[f"attachments/document-{second['id']}.pdf"] == pdf()
        assert [one["file"] for one in given] == [
            f"attachments/picture-{first['id']}.jpg", f"attachments/document-{second['id']}.pdf",
        ]  # fmt: skip

    def test_leaves_none_when_they_are_erased(self, shop: Shop, ticket: int) -> None:
        shop.make_attachment(ticket)
        shop.make_attachment(ticket, visible=False, sent=pdf())
        other = shop.make_attachment(shop.make_ticket(customer_id=shop.other_customer_id)["id"])

        report = shop.owner.delete(f"/customers/{shop.customer_id}")

        assert report.status_code == 200
        assert {"what": "attachments", "count": 2} in report.json["report"]["erased"]
        assert files_kept(shop) == {other.file_id, other.thumbnail_id}
