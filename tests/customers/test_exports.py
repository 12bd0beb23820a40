"""Exports: who asks for one, what is in it, that it is made once, and what becomes of it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from app.blueprints.customers import archive, exports
from app.blueprints.customers.models import Export
from app.core import files, jobs, privacy
from app.core.db import atomic
from app.core.files import FilePiece, StoredFile
from app.extensions import db
from app.extensions import jobs as queue
from tests.customers.exporting import PESEL, PROFILE, exported, fetched, make, path
from tests.customers.test_photos import put
from tests.factories import Caller, Shop, unique_vin
from tests.mailing import Clock, Killed, Scripted, deliver
from tests.pictures import picture
from tests.watching import log_lines, statements


@pytest.fixture(autouse=True)
def nothing_waits(shop: Shop) -> None:
    """No export that another test asked for; some are made at a time."""
    while make(shop):
        pass


def later(caller: Caller) -> Caller:
    """Return somebody with a token of this moment: theirs has expired meanwhile."""
    return Caller(caller.app, caller.principal, caller.workshop, caller.email)


def rows(shop: Shop) -> list[Export]:
    with shop.inside():
        return list(db.session.scalars(select(Export).order_by(Export.id)))


def pieces(shop: Shop) -> set[int]:
    with shop.inside():
        found = set(db.session.scalars(select(FilePiece.file_id)))
        assert found == set(db.session.scalars(select(StoredFile.id)))
        return found


class TestAsking:
    def test_first_says_that_it_is_being_made_and_then_where_it_is(self, shop: Shop) -> None:
        first = shop.customer.get(path(shop))
        again = shop.customer.get(path(shop))
        made = make(shop)
        ready = shop.customer.get(path(shop))

        assert (first.status_code, first.json["status"], first.headers["Retry-After"]) == (
            202,
            "preparing",
            "5",
        )
        assert (again.status_code, made) == (202, 1)
        assert (ready.status_code, ready.json["status"]) == (200, "ready")
        assert "Retry-After" not in ready.headers
        assert set(fetched(shop, ready)) == {"data.json", "README.txt"}

    def test_for_a_fresh_one_takes_the_place_of_the_present_one(self, shop: Shop) -> None:
        exported(shop)
        former = shop.customer.get(path(shop)).json["url"]
        shop.make_ticket()

        document = exported(shop)

        assert len(document["tickets"]) == 1
        assert shop.nobody.get(former).status_code == 404
        assert len(rows(shop)) == len(pieces(shop)) == 1

    def test_twice_makes_one(self, shop: Shop) -> None:
        answers = [shop.customer.post(path(shop)), shop.owner.post(path(shop)), shop.customer.get(path(shop))]

        assert [answer.status_code for answer in answers] == [202, 202, 202]
        assert len(rows(shop)) == 1
        assert make(shop) == 1

    def test_with_a_key_is_replayed_with_when_to_come_back(self, shop: Shop) -> None:
        answers = [
            shop.customer.post(path(shop), headers={"Idempotency-Key": f"export-{shop.slug}"})
            for _ in range(2)
        ]

        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[1].headers["Idempotency-Replayed"] == "true"
        assert [answer.headers["Retry-After"] for answer in answers] == ["5", "5"]

    def test_nudges_a_worker(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        heard: list[str] = []
        monkeypatch.setattr(type(queue), "nudge", lambda self, name: heard.append(name))

        shop.customer.get(path(shop))

        assert heard == ["make-exports"]
        assert "make-exports" in jobs.JOBS

    @pytest.mark.parametrize("who", ["mechanic", "other_customer"])
    def test_is_not_for_others(self, shop: Shop, who: str) -> None:
        answers = [getattr(shop, who).get(path(shop)), getattr(shop, who).post(path(shop))]

        assert [answer.status_code for answer in answers] == [403, 403]
        assert rows(shop) == []

    def test_for_who_is_not_here_is_refused(self, shop: Shop, other_shop: Shop) -> None:
        erased = shop.make_customer().id
        shop.owner.delete(f"/customers/{erased}")

        for customer_id in (erased, other_shop.customer_id, 10**15):
            for answer in (
                shop.owner.get(path(shop, customer_id)),
                shop.owner.post(path(shop, customer_id)),
            ):
                assert (answer.status_code, answer.json["code"]) == (404, "customer_not_found")

    def test_is_in_the_audit_log(self, shop: Shop) -> None:
        shop.owner.get(path(shop))

        entry = shop.owner.get("/audit?per_page=1").json[0]
        assert (entry["action"], entry["role"]) == ("customer.export_requested", "owner")

    def test_of_who_walked_in_is_for_the_owner(self, shop: Shop) -> None:
        walk_in = shop.make_customer(name="Walter", email=None).id

        document = exported(shop, shop.owner, walk_in)

        assert document["customer"]["name"] == "Walter"
        assert (document["account"], document["sessions"], document["photo"]) == (None, [], None)


class TestTheArchive:
    @pytest.fixture
    def used(self, shop: Shop) -> dict[str, bytes]:
        """What is in the archive of a customer who has done all that can be done."""
        shop.customer.put(f"/customers/{shop.customer_id}/profile", json=PROFILE)
        shop.customer.post(
            f"/customers/{shop.customer_id}/consents",
            json={"kind": "photos", "text_version": "1", "given": True},
        )
        put(shop.customer, f"/customers/{shop.customer_id}/photo", picture())
        shop.customer.patch("/customers", json={"name": "Ada Lovelace"})
        ticket = shop.make_ticket(VIN="WVWZZZ1JZ3W386752")["id"]
        part = shop.make_part(name="Oil Filter", on_hand=10).id
        shop.owner.put(
            f"/service_tickets/{ticket}/edit",
            json={"add_mechanic_ids": [shop.mechanic_id], "add_item_ids": [part]},
        )
        shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "received", "reason": "Towed"})
        shop.make_dead_letter()
        shop.make_ticket(customer_id=shop.make_customer(name="Somebody Else").id)
        shop.customer.get(path(shop))
        make(shop)
        return fetched(shop, shop.customer.get(path(shop)))

    def test_has_all_that_is_kept(self, shop: Shop, used: dict[str, bytes]) -> None:
        told = json.loads(used["data.json"])

        assert told["customer"]["name"] == "Ada Lovelace"
        assert told["profile"]["national_id"] == PESEL
        assert {name: told["profile"][name] for name in ("city", "birth_date")} == {
            "city": "Sopotowo", "birth_date": "1944-05-14",
        }  # fmt: skip
        assert told["account"]["email"] == shop.customer.email
        assert [one["role"] for one in told["memberships"]] == ["customer"]
        assert len(told["sessions"]) == 1
        assert [(one["kind"], one["given"]) for one in told["consents"]] == [("photos", True)]
        assert [one["VIN"] for one in told["vehicles"]] == ["WVWZZZ1JZ3W386752"]
        assert [(one["recipient"], one["topic"]) for one in told["notifications"]] == [
            (shop.customer.email, "password_changed")
        ]

    def test_has_the_tickets_with_all_that_hangs_on_them(self, used: dict[str, bytes]) -> None:
        (ticket,) = json.loads(used["data.json"])["tickets"]

        assert ticket["VIN"] == "WVWZZZ1JZ3W386752"
        assert [one["name"] for one in ticket["mechanics"]] == ["Mel Mechanic"]
        assert [(one["name"], one["price"]) for one in ticket["inventory_items"]] == [("Oil Filter", 19.99)]
        assert [(one["to_status"], one["reason"]) for one in ticket["status_history"]] == [
            ("booked", None), ("received", "Towed"),
        ]  # fmt: skip

    def test_has_the_log_readable(self, shop: Shop, used: dict[str, bytes]) -> None:
        entries = json.loads(used["data.json"])["audit"]

        renamed = next(entry for entry in entries if entry["action"] == "customer.updated")
        assert (renamed["before"], renamed["after"]) == ({"name": "Customer 0"}, {"name": "Ada Lovelace"})
        assert {entry["subject_id"] for entry in entries} == {shop.customer_id}

    def test_has_nothing_of_the_log_where_it_says_nothing_of_them(self, shop: Shop) -> None:
        """Nothing is sealed under a key of theirs, which is not to find all that is sealed under none."""
        shop.owner.post("/inventory", json={"name": "Oil Filter", "price": 12})

        assert [entry["action"] for entry in exported(shop)["audit"]] == ["customer.export_requested"]

    def test_has_the_photo_beside_it(self, used: dict[str, bytes]) -> None:
        assert json.loads(used["data.json"])["photo"]["file"] == "photo.jpg"
        assert used["photo.jpg"].startswith(b"\xff\xd8\xff")

    def test_has_nothing_of_others(self, shop: Shop, used: dict[str, bytes]) -> None:
        everything = b"".join(used.values())

        for word in ("Somebody Else", "Customer 1", shop.other_customer.email, "password_hash", "$argon2"):
            assert word.encode() not in everything

    def test_says_what_each_part_is(self, used: dict[str, bytes]) -> None:
        guide = used["README.txt"].decode()

        assert set(json.loads(used["data.json"])) == {"format", "made_at", *privacy.PARTS}
        assert all(f"  {name}: {part.says}" in guide for name, part in privacy.PARTS.items())

    def test_has_all_the_rest_where_a_file_is_lost_and_says_which(self, shop: Shop) -> None:
        put(shop.customer, f"/customers/{shop.customer_id}/photo", picture())
        with shop.inside(), atomic() as session:
            session.execute(delete(FilePiece))

        assert exported(shop)["photo"]["file"] == "photo.jpg"
        assert (
            "Lost, and not here or not whole: photo.jpg"
            in fetched(shop, shop.customer.get(path(shop)))["README.txt"].decode()
        )

    def test_of_another_workshop_has_nothing_of_this_one(self, shop: Shop, other_shop: Shop) -> None:
        """One account may be a customer of both."""
        shop.make_ticket(service_desc="Only here")
        body = {"name": "Me There", "email": shop.customer.email, "phone": "555-777-0001"}
        registered = other_shop.nobody.post("/customers", json=body | {"password": "correct-horse-battery"})
        customer_id = registered.json["id"]

        document = exported(other_shop, other_shop.owner, customer_id)

        assert document["account"]["email"] == shop.customer.email
        assert (len(document["memberships"]), document["sessions"], document["tickets"]) == (1, [], [])


class TestMaking:
    def test_is_told_by_mail_without_a_link(self, shop: Shop, transport: Scripted) -> None:
        shop.customer.get(path(shop))
        make(shop)
        deliver(shop)

        (letter,) = transport.taken
        assert letter.recipient == shop.customer.email
        assert "ready" in letter.subject
        assert f"customer number {shop.customer_id}" in " ".join(letter.text.split())
        assert "/files/" not in letter.text + letter.html

    def test_leaves_a_killed_worker_behind(
        self, shop: Shop, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.customer.get(path(shop))

        def killed(subject: Any) -> Iterator[bytes]:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(archive, "written", killed)
            with pytest.raises(Killed):
                make(shop)
        meanwhile = make(shop)
        clock_set.pass_(minutes=11)

        assert (meanwhile, make(shop)) == (0, 1)
        assert shop.customer.get(path(shop)).json["status"] == "ready"

    def test_is_tried_three_times_and_then_has_failed(
        self, shop: Shop, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.customer.get(path(shop))

        def broken(subject: Any) -> Iterator[bytes]:
            raise RuntimeError("a fault of ours")

        with monkeypatch.context() as patch, log_lines() as log:
            patch.setattr(archive, "written", broken)
            tries = []
            for _ in range(5):
                tries.append(make(shop))
                clock_set.pass_(minutes=6)
        customer = later(shop.customer)
        failed = customer.get(path(shop))

        assert tries == [1, 1, 1, 0, 0]
        assert len(log.events("export.fault")) == 3
        assert (failed.status_code, failed.json["status"]) == (200, "failed")
        assert exported(shop, customer)["customer"]["id"] == shop.customer_id

    def test_that_kills_each_worker_has_failed_too(
        self, shop: Shop, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.customer.get(path(shop))
        for _ in range(3):
            with shop.app.app_context():
                assert exports.claim_next() is not None
            clock_set.pass_(minutes=11)

        make(shop)

        assert later(shop.customer).get(path(shop)).json["status"] == "failed"

    def test_by_two_workers_is_kept_of_one(self, shop: Shop, clock_set: Clock) -> None:
        """A lease that ended while its worker was still at it."""
        shop.customer.get(path(shop))
        with shop.app.app_context():
            slow = exports.claim_next()
        assert slow is not None
        clock_set.pass_(minutes=11)
        make(shop)
        url = shop.customer.get(path(shop)).json["url"]

        with shop.app.app_context():
            exports._make(slow)

        assert shop.nobody.get(url).status_code == 200
        assert len(rows(shop)) == len(pieces(shop)) == 1

    def test_for_who_is_erased_meanwhile_keeps_nothing(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.customer.get(path(shop))
        written = archive.written

        def erased_meanwhile(subject: Any) -> Iterator[bytes]:
            yield from written(subject)
            assert shop.owner.delete(f"/customers/{shop.customer_id}").status_code == 200

        monkeypatch.setattr(archive, "written", erased_meanwhile)
        make(shop)

        assert rows(shop) == []
        assert pieces(shop) == set()

    def test_of_one_does_not_stop_for_the_fault_of_another(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.customer.get(path(shop))
        other = shop.make_customer().id
        shop.owner.get(path(shop, other))
        written = archive.written

        def broken(subject: Any) -> Iterator[bytes]:
            if subject.customer_id == shop.customer_id:
                raise RuntimeError("a fault of ours")
            return written(subject)

        monkeypatch.setattr(archive, "written", broken)
        with log_lines():
            assert make(shop) == 2

        assert shop.owner.get(path(shop, other)).json["status"] == "ready"

    def test_is_bounded_at_a_time(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exports, "AT_ONCE", 2)
        heard: list[str] = []
        for _ in range(3):
            shop.owner.get(path(shop, shop.make_customer().id))
        monkeypatch.setattr(type(queue), "nudge", lambda self, name: heard.append(name))

        tried = [make(shop), make(shop)]

        assert tried == [2, 1]
        assert "make-exports" in heard


class TestKeeping:
    def test_is_encrypted_and_ends_after_a_week(self, shop: Shop, clock_set: Clock) -> None:
        shop.customer.get(path(shop))
        make(shop)
        ready = shop.customer.get(path(shop)).json
        clock_set.pass_(days=6, hours=23)
        with shop.app.app_context():
            early = exports.forget_old()
        still = later(shop.customer).get(path(shop)).json["status"]
        clock_set.pass_(hours=2)
        with shop.app.app_context():
            late = exports.forget_old()

        assert (early, still, late >= 1) == (0, "ready", True)
        assert ready["kept_until"] > ready["expires_at"]
        assert rows(shop) == []
        assert pieces(shop) == set()

    def test_that_is_over_is_asked_for_anew(self, shop: Shop, clock_set: Clock) -> None:
        shop.customer.get(path(shop))
        make(shop)
        clock_set.pass_(days=8)

        assert later(shop.owner).get(path(shop)).status_code == 202


def long_history(shop: Shop, number: int) -> None:
    with shop.inside(), atomic():
        for _ in range(number):
            shop.make_ticket(VIN=unique_vin(), service_desc="Changed the oil and looked at the brakes. " * 20)


def test_a_long_history_is_read_in_batches_and_never_whole_in_memory(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.blueprints.service_tickets import reading

    monkeypatch.setattr(privacy, "ROWS_AT_ONCE", 50)
    monkeypatch.setattr(reading, "AT_ONCE", 50)
    long_history(shop, 10)
    with shop.inside(), statements(app) as few:
        files.draft(archive.written(privacy.about(shop.id, shop.customer_id)))
    long_history(shop, 290)

    with shop.inside(), statements(app) as many:
        tracemalloc.start()
        made = files.draft(archive.written(privacy.about(shop.id, shop.customer_id)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    whole = 300 * 840
    assert len(many) - len(few) <= 12  # six batches of tickets, and of their cars
    assert made.size < whole / 3
    assert peak < 4_000_000
