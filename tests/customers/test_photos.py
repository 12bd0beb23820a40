"""Photos: who gives one, what is kept of it, how it is served, and when it is gone."""

from __future__ import annotations

import hashlib
import io

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, select, type_coerce
from werkzeug.test import TestResponse

from app.blueprints.customers.models import CustomerPhoto
from app.blueprints.customers.photos import MOST_BYTES
from app.core import files
from app.core.db import atomic
from app.core.files import FilePiece, StoredFile
from app.extensions import db
from tests.factories import Caller, Shop
from tests.mailing import Clock
from tests.pictures import exif, halves, noise, picture, png, seen
from tests.watching import log_lines, statements


def path(shop: Shop, customer_id: int | None = None) -> str:
    return f"/customers/{customer_id or shop.customer_id}/photo"


BOUNDARY = "a-boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def form(*fields: tuple[str, str | None, str, bytes]) -> bytes:
    """Return a form with fields of a name, a file's name or none, a media type and a content."""
    parts = []
    for name, filename, kind, content in fields:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        head += f'; filename="{filename}"\r\nContent-Type: {kind}' if filename is not None else ""
        parts.append(head.encode() + b"\r\n\r\n" + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def put(
    caller: Caller, to: str, content: bytes, name: str = "me.jpg", kind: str = "image/jpeg"
) -> TestResponse:
    sent = form(("photo", name, kind, content))
    return caller.open("PUT", to, data=sent, headers={"Content-Type": MULTIPART})


def kept(shop: Shop) -> list[int]:
    """Return the ids of the files that the shop has; each must belong to somebody and have all its pieces."""
    with shop.inside():
        ids = list(db.session.scalars(select(StoredFile.id)))
        pieces = set(db.session.scalars(select(FilePiece.file_id)))
        assert set(ids) == pieces == set(db.session.scalars(select(CustomerPhoto.file_id)))
        return ids


class TestAPhoto:
    @pytest.mark.parametrize("who", ["customer", "owner"])
    @pytest.mark.usefixtures("clock_set")  # a link is the same within a minute
    def test_is_given_and_fetched_by_a_link(self, shop: Shop, who: str) -> None:
        given = put(getattr(shop, who), path(shop), halves(exif=exif(orientation=6)))

        told = shop.customer.get(path(shop))
        served = shop.nobody.get(told.json["url"])
        assert (given.status_code, told.status_code, served.status_code) == (200, 200, 200)
        assert given.json == told.json
        assert (told.json["content_type"], told.json["size"]) == ("image/jpeg", len(served.data))
        assert seen(served.data).size == (200, 400)
        assert b"Spycam" not in served.data

    def test_is_for_staff_to_see_too(self, shop: Shop) -> None:
        put(shop.customer, path(shop), picture())

        assert shop.mechanic.get(path(shop)).status_code == 200

    def test_takes_the_place_of_the_one_before(self, shop: Shop) -> None:
        first = put(shop.customer, path(shop), picture(colour="red")).json["url"]
        second = put(shop.customer, path(shop), picture(colour="blue")).json["url"]

        assert first != second
        assert shop.nobody.get(first).status_code == 404
        assert shop.nobody.get(second).status_code == 200
        assert len(kept(shop)) == 1

    def test_is_taken_away(self, shop: Shop) -> None:
        url = put(shop.customer, path(shop), picture()).json["url"]

        answers = [shop.customer.delete(path(shop)) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 404]
        assert answers[1].json["code"] == "photo_not_found"
        assert shop.customer.get(path(shop)).json["code"] == "photo_not_found"
        assert shop.nobody.get(url).status_code == 404
        assert kept(shop) == []

    def test_is_gone_with_an_erasure(self, shop: Shop) -> None:
        url = put(shop.customer, path(shop), picture()).json["url"]
        shop.owner.delete(f"/customers/{shop.customer_id}")

        assert shop.nobody.get(url).json["code"] == "file_not_found"
        assert kept(shop) == []

    def test_lies_encrypted(self, shop: Shop) -> None:
        url = put(shop.customer, path(shop), noise()).json["url"]
        served = shop.nobody.get(url).data

        with shop.inside():
            raw = b"".join(
                bytes(piece)
                for piece in db.session.scalars(select(type_coerce(FilePiece.content, LargeBinary)))
            )
            file = db.session.scalars(select(StoredFile)).one()
        assert len(served) > 10_000
        assert raw.isascii()
        assert served[100:150] not in raw
        assert bytes(file.sha256) == hashlib.sha256(served).digest()

    def test_is_in_the_audit_log_without_what_is_seen(self, shop: Shop) -> None:
        put(shop.customer, path(shop), picture())
        shop.owner.delete(path(shop))

        entries = shop.owner.get(f"/audit?subject_kind=customer&subject_id={shop.customer_id}").json
        assert [entry["action"] for entry in entries[:2]] == [
            "customer.photo_removed",
            "customer.photo_changed",
        ]
        assert [(entry["before"], entry["after"]) for entry in entries[:2]] == [(None, None)] * 2

    def test_of_who_is_not_here_is_refused(self, shop: Shop, other_shop: Shop) -> None:
        erased = shop.make_customer().id
        shop.owner.delete(f"/customers/{erased}")

        for customer_id in (erased, other_shop.customer_id, 10**15):
            for answer in (
                put(shop.owner, path(shop, customer_id), picture()),
                shop.owner.get(path(shop, customer_id)),
                shop.owner.delete(path(shop, customer_id)),
            ):
                assert (answer.status_code, answer.json["code"]) == (404, "customer_not_found")
        assert kept(shop) == []

    @pytest.mark.parametrize("who", ["mechanic", "other_customer"])
    def test_is_not_for_others_to_change(self, shop: Shop, who: str) -> None:
        caller = getattr(shop, who)

        assert put(caller, path(shop), picture()).status_code == 403
        assert caller.delete(path(shop)).status_code == 403


class TestWhatIsSent:
    @pytest.mark.parametrize(
        "kind", ["text/html", "application/octet-stream", "image/png", "image/svg+xml", ""]
    )
    @pytest.mark.parametrize("name", ["me.exe", "me.svg", "a" * 300, "zażółć.jpg"])
    def test_is_known_by_its_bytes_and_not_by_its_name_or_type(
        self, shop: Shop, name: str, kind: str
    ) -> None:
        answer = put(shop.customer, path(shop), picture("WEBP"), name, kind)

        assert answer.status_code == 200
        assert (
            shop.nobody.get(answer.json["url"]).headers["Content-Disposition"]
            == 'inline; filename="photo.jpg"'
        )

    @pytest.mark.parametrize(
        "sent",
        [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<script>alert(1)</script>", noise()[:9000]],
    )
    def test_that_is_no_picture_is_refused_and_the_present_one_stays(self, shop: Shop, sent: bytes) -> None:
        url = put(shop.customer, path(shop), picture()).json["url"]

        answer = put(shop.customer, path(shop), sent)

        assert (answer.status_code, answer.json["code"]) == (400, "not_an_image")
        assert list(answer.json["errors"]) == ["photo"]
        assert shop.nobody.get(url).status_code == 200

    @pytest.mark.parametrize(
        "sent",
        [
            pytest.param(png(30_000, 30_000), id="pixels"),
            pytest.param(b"\xff\xd8\xff" + b"\0" * MOST_BYTES, id="a little more than 10 MB"),
            pytest.param(b"\xff\xd8\xff" + b"\0" * (2 * MOST_BYTES), id="far more than 10 MB"),
        ],
    )
    def test_that_is_too_large_is_refused(self, shop: Shop, sent: bytes) -> None:
        answer = put(shop.customer, path(shop), sent)

        assert (answer.status_code, answer.json["code"]) == (413, "too_large")

    def test_may_have_nearly_ten_megabytes(self, shop: Shop) -> None:
        sent = picture() + b"\0" * (MOST_BYTES - 5_000)

        assert put(shop.customer, path(shop), sent).status_code == 200

    def test_of_more_than_a_megabyte_is_taken_here_alone(self, app: Flask, shop: Shop) -> None:
        large = b"\0" * (app.config["MAX_CONTENT_LENGTH"] + 1)

        answer = shop.customer.open(
            "PATCH", "/customers", data=large, headers={"Content-Type": "application/json"}
        )

        assert answer.status_code == 413

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("application/json", b'{"photo": "me"}'),
            ("image/jpeg", picture()),
            ("application/x-www-form-urlencoded", b"photo=me"),
            ("", picture()),
            ("", b""),
        ],
    )
    def test_that_is_no_form_is_refused(self, shop: Shop, kind: str, data: bytes) -> None:
        headers = {"Content-Type": kind} if kind else {}
        answer = shop.customer.open("PUT", path(shop), data=data, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            pytest.param([], "photo", id="nothing"),
            pytest.param([("picture", "me.jpg")], "picture", id="another name"),
            pytest.param([("photo", None)], "photo", id="text in place of a file"),
            pytest.param([("photo", "me.jpg"), ("note", None)], "note", id="text beside it"),
            pytest.param([("photo", "me.jpg"), ("second", "me.jpg")], "second", id="another file beside it"),
            pytest.param([("photo", "me.jpg"), ("photo", "me.jpg")], "photo", id="two of them"),
        ],
    )
    def test_in_an_odd_form_is_refused(
        self, shop: Shop, fields: list[tuple[str, str | None]], named: str
    ) -> None:
        sent = form(*((name, filename, "image/jpeg", picture()) for name, filename in fields))

        answer = shop.customer.open("PUT", path(shop), data=sent, headers={"Content-Type": MULTIPART})

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
        assert named in answer.json["errors"]

    def test_is_not_read_from_who_may_not_send_it(self, shop: Shop) -> None:
        """Ten megabytes of anybody's are not taken in before it is known who they are."""

        class Unread(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise AssertionError("read")

        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "9000000"}
        for caller, status in ((shop.nobody, 401), (shop.mechanic, 403)):
            answer = caller.open("PUT", path(shop), input_stream=Unread(), headers=headers)
            assert answer.status_code == status

    def test_cut_short_on_its_way_is_refused(self, shop: Shop) -> None:
        body = form(("photo", "me.jpg", "image/jpeg", picture()))[:-200]

        answer = shop.customer.open("PUT", path(shop), data=body, headers={"Content-Type": MULTIPART})

        assert answer.status_code == 400


class TestALink:
    @pytest.fixture
    def url(self, shop: Shop) -> str:
        url: str = put(shop.customer, path(shop), picture()).json["url"]
        return url

    def test_serves_a_file_that_can_do_nothing(self, shop: Shop, url: str) -> None:
        headers = shop.nobody.get(url).headers

        assert headers["Content-Type"] == "image/jpeg"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "private, no-cache"
        assert {"sandbox", "default-src 'none'"} <= set(headers["Content-Security-Policy"].split("; "))

    def test_is_answered_briefly_to_who_has_it(self, shop: Shop, url: str) -> None:
        etag = shop.nobody.get(url).headers["ETag"]

        again = shop.nobody.get(url, headers={"If-None-Match": etag})

        assert (again.status_code, again.data) == (304, b"")

    def test_has_only_a_head_for_who_asks_for_that(self, shop: Shop, url: str) -> None:
        answer = shop.nobody.open("HEAD", url)

        assert (answer.status_code, answer.data) == (200, b"")

    def test_is_the_same_for_a_while(self, shop: Shop, clock_set: Clock) -> None:
        clock_set.moment = clock_set.moment.replace(second=1)
        first = put(shop.customer, path(shop), picture()).json["url"]
        clock_set.pass_(seconds=50)
        second = shop.customer.get(path(shop)).json["url"]
        clock_set.pass_(minutes=1)
        third = shop.customer.get(path(shop)).json["url"]

        assert first == second != third

    def test_expires(self, shop: Shop, clock_set: Clock) -> None:
        clock_set.moment = clock_set.moment.replace(second=0, microsecond=0)
        told = put(shop.customer, path(shop), picture()).json
        clock_set.pass_(minutes=14, seconds=59)
        before = shop.nobody.get(told["url"])
        clock_set.pass_(seconds=1)
        after = shop.nobody.get(told["url"])

        assert (before.status_code, after.status_code) == (200, 404)
        assert after.json["code"] == "file_not_found"
        assert told["expires_at"] == clock_set.moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def test_that_was_changed_anywhere_leads_nowhere(self, shop: Shop, url: str) -> None:
        place, token = url.rsplit("/", 1)

        for number, letter in enumerate(token[:-1]):
            changed = token[:number] + ("A" if letter != "A" else "B") + token[number + 1 :]
            answer = shop.nobody.get(f"{place}/{changed}")
            assert (answer.status_code, answer.json["code"]) == (404, "file_not_found")

    @pytest.mark.parametrize(
        "token", ["x", "A" * 75, "%00", "%C5%BC", "!" * 75, "A" * 5000, "..", "AAAA===="]
    )
    def test_that_was_made_up_leads_nowhere(self, shop: Shop, token: str) -> None:
        assert shop.nobody.get(f"/files/{token}").status_code == 404

    def test_signed_by_another_key_leads_nowhere(
        self, app: Flask, shop: Shop, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "BLIND_INDEX_KEY", "another-" * 8)

        assert shop.nobody.get(url).status_code == 404

    def test_to_another_workshops_file_cannot_be_made_of_ones_own(self, shop: Shop, other_shop: Shop) -> None:
        put(other_shop.customer, path(other_shop), picture())
        (theirs,) = kept(other_shop)

        with shop.inside():
            stranger = StoredFile(workshop_id=shop.id, id=theirs)
            token = files.link(stranger).token

        assert shop.nobody.get(f"/files/{token}").status_code == 404

    def test_is_not_in_the_log(self, shop: Shop, url: str) -> None:
        with log_lines() as log:
            shop.nobody.get(url)

        assert url.rsplit("/", 1)[1] not in log.text
        assert log.events("request")[0]["path"] == "/files/<token>"

    @pytest.mark.usefixtures("limits")
    def test_is_limited(self, app: Flask, shop: Shop, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "RATE_LIMITS", {**app.config["RATE_LIMITS"], "files": "2/minute"})

        assert [shop.nobody.get(url).status_code for _ in range(3)] == [200, 200, 429]


def test_no_list_and_no_detail_reads_a_file(app: Flask, shop: Shop) -> None:
    put(shop.customer, path(shop), picture())

    with statements(app) as sent:
        for asked in ("/customers", f"/customers/{shop.customer_id}", path(shop), path(shop) + "/../profile"):
            shop.owner.get(asked.replace("photo/../", ""))

    assert sent
    assert not [statement for statement in sent if "file_pieces" in statement]


def test_a_large_file_is_kept_in_pieces_and_read_one_by_one(app: Flask, shop: Shop) -> None:
    content = bytes(range(256)) * 3000

    with shop.inside():
        with atomic():
            file = files.keep(shop.id, "export", files.draft([content[:10], b"", content[10:]]))
        with statements(app) as sent:
            read = list(files.read(file))

    assert (file.size, b"".join(read)) == (len(content), content)
    assert [len(piece) for piece in read] == [files.PIECE, files.PIECE, len(content) - 2 * files.PIECE]
    assert len(sent) == 3
