"""Stores outside of the database: nothing that was acknowledged is lost, and nothing is left behind for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core import crypto, files, rotation
from app.core import objects as core_objects
from app.core.db import atomic, before_all
from app.core.files import PIECE, FileNotHere, FilePiece, StoredFile
from app.core.model import Model
from app.core.objects import FileObject
from app.core.stores import StoreAway
from app.extensions import db
from tests.customers.test_photos import path, put
from tests.factories import Shop
from tests.files.stores import Watched, bucket, folder, objects, storing_in
from tests.mailing import Clock
from tests.pictures import noise, picture
from tests.resilience.services import free_port
from tests.watching import log_lines

LARGE = b"".join(bytes([number % 251]) * 1009 for number in range(700))  # more than two pieces


def keep(shop: Shop, content: bytes = LARGE) -> StoredFile:
    with shop.inside():
        drafted = files.draft([content])
        with atomic():
            return files.keep(shop.id, "export", drafted)


class Undone(Exception):
    """Raised to undo a transaction."""


@contextmanager
def undone(shop: Shop) -> Iterator[None]:
    """Run a block as a transaction that is undone at its end."""
    with suppress(Undone), shop.inside(), atomic():
        yield
        raise Undone


def read(shop: Shop, kept: StoredFile) -> bytes:
    with shop.inside():
        return b"".join(files.read(kept))


def sweep(shop: Shop) -> int:
    """Sweep, and return how many of this shop's objects are gone: other tests have left some of their own."""
    before = objects(shop)
    with shop.app.app_context():
        core_objects.sweep()
    return len(before) - len(objects(shop))


def key_of(kept: StoredFile) -> str:
    assert kept.object_key is not None
    return kept.object_key


class TestAFile:
    def test_is_given_and_fetched_as_from_the_database(self, shop: Shop, store: Watched) -> None:
        given = put(shop.customer, path(shop), picture())
        served = shop.nobody.get(given.json["url"])
        again = shop.nobody.get(given.json["url"], headers={"If-None-Match": served.headers["ETag"]})

        assert (given.status_code, served.status_code, again.status_code) == (200, 200, 304)
        assert given.json["size"] == len(served.data) == int(served.headers["Content-Length"])

    def test_of_several_pieces_comes_back_whole(self, shop: Shop, store: Watched) -> None:
        assert len(LARGE) > 2 * PIECE

        assert read(shop, keep(shop)) == LARGE

    @pytest.mark.parametrize("length", [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
    def test_of_any_length_comes_back_whole(self, shop: Shop, store: Watched, length: int) -> None:
        assert read(shop, keep(shop, b"x" * length)) == b"x" * length

    def test_lies_there_encrypted_and_not_in_the_database(self, shop: Shop, store: Watched) -> None:
        kept = keep(shop)

        lying = store.whole(key_of(kept))
        assert lying is not None
        assert len(lying) == len(LARGE) + 3 * crypto.SEAL_LENGTH
        assert not any(LARGE[place : place + 40] in lying for place in range(0, len(LARGE), 5000))
        with shop.inside():
            assert db.session.scalar(select(func.count()).select_from(FilePiece)) == 0

    def test_that_was_changed_there_is_a_404_and_told(self, shop: Shop, store: Watched) -> None:
        url = put(shop.customer, path(shop), picture()).json["url"]
        (key,) = objects(shop)
        store.behind.put(key, [b"\0" * 1000])

        with log_lines() as log:
            answer = shop.nobody.get(url)
        assert (answer.status_code, answer.json["code"]) == (404, "file_not_found")
        assert log.events("files.object_lost")

    @pytest.mark.parametrize("left", [2, 1])
    def test_that_was_cut_short_there_is_noticed(self, shop: Shop, store: Watched, left: int) -> None:
        kept = keep(shop)
        lying = store.whole(key_of(kept))
        assert lying is not None
        store.behind.put(key_of(kept), [lying[: left * (PIECE + crypto.SEAL_LENGTH)]])

        with pytest.raises(FileNotHere), log_lines() as log:
            read(shop, kept)
        assert log.events("files.object_lost")

    def test_whose_pieces_changed_places_is_noticed(self, shop: Shop, store: Watched) -> None:
        kept, sealed = keep(shop), PIECE + crypto.SEAL_LENGTH
        lying = store.whole(key_of(kept))
        assert lying is not None
        store.behind.put(key_of(kept), [lying[sealed : 2 * sealed] + lying[:sealed] + lying[2 * sealed :]])

        with pytest.raises(FileNotHere), log_lines() as log:
            read(shop, kept)
        assert log.events("files.object_lost")

    def test_that_somebody_took_out_of_the_store_is_a_404_and_told(self, shop: Shop, store: Watched) -> None:
        url = put(shop.customer, path(shop), picture()).json["url"]
        (key,) = objects(shop)
        store.behind.remove(key)

        with log_lines() as log:
            answer = shop.nobody.get(url)
        assert (answer.status_code, answer.json["code"]) == (404, "file_not_found")
        assert log.events("files.object_lost")

    def test_is_read_where_it_was_put_whatever_is_chosen_later(
        self, app: Flask, shop: Shop, store: Watched
    ) -> None:
        kept = keep(shop)
        app.config["FILES_STORE"] = "database"
        in_database = keep(shop)

        assert read(shop, kept) == read(shop, in_database) == LARGE
        assert in_database.object_key is None

    def test_is_one_of_several_that_are_read_at_once_as_far_as_they_are_there(
        self, app: Flask, shop: Shop, store: Watched
    ) -> None:
        kept, lost, changed = keep(shop), keep(shop, b"lost"), keep(shop, b"changed")
        store.behind.remove(key_of(lost))
        store.behind.put(key_of(changed), [b"\0" * 30])
        app.config["FILES_STORE"] = "database"
        in_database = keep(shop)

        with shop.inside():
            found = files.contents(shop.id, [kept.id, lost.id, changed.id, in_database.id])

        assert found == {kept.id: LARGE, in_database.id: LARGE}

    def test_of_a_store_that_is_configured_no_more_is_a_503(
        self, app: Flask, shop: Shop, store: Watched, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = put(shop.customer, path(shop), picture()).json["url"]
        monkeypatch.setitem(app.extensions, "file_stores", {})

        answer = shop.nobody.get(url)

        assert (answer.status_code, answer.json["code"]) == (503, "file_store_unavailable")


class TestAStoreThatIsAway:
    def test_refuses_with_a_time_to_come_back_and_changes_nothing(self, shop: Shop, store: Watched) -> None:
        url = put(shop.customer, path(shop), picture(colour="red")).json["url"]
        before = shop.nobody.get(url).data
        store.is_away = True

        refused, unread = put(shop.customer, path(shop), picture(colour="blue")), shop.nobody.get(url)

        store.is_away = False
        for answer in (refused, unread):
            assert (answer.status_code, answer.json["code"]) == (503, "file_store_unavailable")
            assert answer.headers["Retry-After"] == "5"
        assert shop.nobody.get(url).data == before
        assert sorted(objects(shop).values()) == ["kept", "loose"]

    def test_is_swept_when_it_is_back(self, shop: Shop, store: Watched, clock_set: Clock) -> None:
        with shop.inside():
            files.draft([LARGE])
        (key,) = objects(shop)
        clock_set.pass_(hours=2)
        store.is_away = True
        while_away = sweep(shop)
        store.is_away = False

        assert (while_away, sweep(shop)) == (0, 1)
        assert store.whole(key) is None
        assert objects(shop) == {}

    def test_that_takes_no_connection_costs_seconds_and_not_minutes(self, app: Flask, shop: Shop) -> None:
        unreachable = bucket(app, f"http://127.0.0.1:{free_port()}")
        with storing_in(app, "s3", unreachable):
            started = time.monotonic()
            answer = put(shop.customer, path(shop), picture())

        assert (answer.status_code, answer.json["code"]) == (503, "file_store_unavailable")
        assert time.monotonic() - started < 10

    def test_whose_bucket_is_missing_is_told_in_the_log_and_not_to_the_caller(
        self, app: Flask, shop: Shop, s3_endpoint: str
    ) -> None:
        with storing_in(app, "s3", bucket(app, s3_endpoint, S3_BUCKET="missing")), log_lines() as log:
            answer = put(shop.customer, path(shop), picture())

        assert (answer.status_code, answer.json["code"]) == (503, "file_store_unavailable")
        assert "NoSuchBucket" not in answer.text
        assert log.events("files.store_refused")[0]["code"] == "NoSuchBucket"

    def test_that_is_a_full_or_forbidden_folder_is_a_503(
        self, app: Flask, shop: Shop, tmp_path: Path
    ) -> None:
        (tmp_path / "files").write_text("in the way")
        with storing_in(app, "folder", folder(tmp_path / "files")):
            assert put(shop.customer, path(shop), picture()).status_code == 503


class TestWhatNoFileKeeps:
    def test_is_swept_after_an_hour_and_not_before(
        self, shop: Shop, store: Watched, clock_set: Clock
    ) -> None:
        """The transaction for which the bytes were stored never came, or was undone."""
        kept = keep(shop)
        with undone(shop):
            files.keep(shop.id, "export", files.draft([LARGE]))
        (loose,) = set(objects(shop)) - {key_of(kept)}
        clock_set.pass_(minutes=59)
        early = sweep(shop)
        clock_set.pass_(minutes=2)

        assert (early, sweep(shop), sweep(shop)) == (0, 1, 0)
        assert store.whole(loose) is None
        assert read(shop, kept) == LARGE

    def test_goes_at_the_next_sweep_where_a_file_was_forgotten(self, shop: Shop, store: Watched) -> None:
        kept = keep(shop)
        with shop.inside(), atomic():
            files.forget(shop.id, [kept.id])

        assert store.whole(key_of(kept)) is not None
        assert (sweep(shop), objects(shop), store.whole(key_of(kept))) == (1, {}, None)

    def test_is_not_what_was_forgotten_in_vain(self, shop: Shop, store: Watched) -> None:
        kept = keep(shop)
        with undone(shop):
            files.forget(shop.id, [kept.id])

        assert sweep(shop) == 0
        assert read(shop, kept) == LARGE

    def test_is_swept_once_more_where_a_worker_died_in_between(
        self, shop: Shop, store: Watched, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = keep(shop)
        with shop.inside(), atomic():
            files.forget(shop.id, [kept.id])
        store.behind.remove(key_of(kept))  # and died before the row went

        assert (sweep(shop), objects(shop)) == (1, {})

    def test_cannot_be_kept_once_it_is_swept(self, shop: Shop, store: Watched, clock_set: Clock) -> None:
        """A request that hung for hours does not commit a file without bytes."""
        with shop.inside():
            drafted = files.draft([LARGE])
        clock_set.pass_(hours=2)
        sweep(shop)

        with shop.inside(), pytest.raises(StoreAway), atomic():
            files.keep(shop.id, "export", drafted)
        with shop.inside():
            assert db.session.scalars(select(StoredFile)).all() == []

    def test_and_who_keeps_it_at_the_same_time_do_not_both_win(
        self, shop: Shop, store: Watched, clock_set: Clock
    ) -> None:
        drafts = []
        with shop.inside():
            drafts = [files.draft([b"%d" % number * 100]) for number in range(8)]
        clock_set.pass_(hours=2)
        kept: list[StoredFile] = []

        def keep_them() -> None:
            for drafted in drafts:
                with shop.inside():
                    try:
                        with atomic():
                            kept.append(files.keep(shop.id, "export", drafted))
                    except StoreAway:
                        pass

        threads = [threading.Thread(target=keep_them), threading.Thread(target=sweep, args=(shop,))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert all(store.whole(key_of(file)) is not None for file in kept)
        assert {key_of(file) for file in kept} == set(objects(shop))

    def test_of_an_erased_customer_is_unreadable_at_once(self, shop: Shop, store: Watched) -> None:
        put(shop.customer, path(shop), noise())
        (key,) = objects(shop)
        shop.owner.delete(f"/customers/{shop.customer_id}")
        sweep(shop)

        assert store.whole(key) is None
        assert objects(shop) == {}


class TestAFolder:
    @pytest.mark.parametrize(
        "key", ["../../etc/passwd", "", "a" * 31, "A" * 32, "a" * 31 + "/", "a" * 32 + "\n"]
    )
    def test_takes_no_name_from_outside(self, tmp_path: Path, key: str) -> None:
        store = folder(tmp_path / "files")

        for act in (
            lambda: store.put(key, [b"x"]),
            lambda: list(store.read(key, 1)),
            lambda: store.remove(key),
        ):
            with pytest.raises(ValueError, match="32 hexadecimal digits"):
                act()
        assert list(tmp_path.iterdir()) == []

    def test_has_an_object_whole_or_not_at_all(self, tmp_path: Path) -> None:
        def breaking() -> Iterator[bytes]:
            yield b"half"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            folder(tmp_path).put("0" * 32, breaking())

        assert [place for place in tmp_path.rglob("*") if place.is_file()] == []

    def test_is_readable_by_its_owner_alone(self, tmp_path: Path) -> None:
        folder(tmp_path / "files").put("0" * 32, [b"x"])

        (kept,) = (place for place in tmp_path.rglob("*") if place.is_file())
        assert kept.stat().st_mode & 0o777 == 0o600

    def test_forgets_drafts_of_a_process_that_died(self, tmp_path: Path) -> None:
        store = folder(tmp_path)
        store.put("0" * 32, [b"x"])
        (tmp_path / "00" / f"{'0' * 32}.abcd.part").write_bytes(b"half")

        store.remove("0" * 32)

        assert list((tmp_path / "00").iterdir()) == []


class TestAKey:
    def test_of_a_file_is_kept_encrypted_and_rotated_with_all_others(
        self, app: Flask, shop: Shop, store: Watched
    ) -> None:
        kept = keep(shop)
        column = Model.metadata.tables["file_objects"].c.secret
        assert column in rotation.encrypted_columns()
        before = app.config["ENCRYPTION_KEYS"]
        app.config["ENCRYPTION_KEYS"] = ["another-key-of-thirty-two-characters", *before]
        try:
            with app.app_context():
                assert rotation.renew(column, lambda _: None).renewed >= 1
            app.config["ENCRYPTION_KEYS"] = app.config["ENCRYPTION_KEYS"][:1]
            assert read(shop, kept) == LARGE
        finally:
            app.config["ENCRYPTION_KEYS"] = ["another-key-of-thirty-two-characters", *before]
            with app.app_context():
                app.config["ENCRYPTION_KEYS"].reverse()
                rotation.renew(column, lambda _: None)
            app.config["ENCRYPTION_KEYS"] = before

    def test_is_another_for_each_file(self, shop: Shop, store: Watched) -> None:
        first, second = keep(shop), keep(shop)

        assert store.whole(key_of(first)) != store.whole(key_of(second))
        with shop.inside():
            assert len(set(db.session.scalars(select(FileObject.secret)))) == 2


class TestWhatStaysInAnyCase:
    def test_is_committed_though_the_transaction_around_it_is_undone(
        self, shop: Shop, store: Watched
    ) -> None:
        with undone(shop):
            files.draft([LARGE])

        assert list(objects(shop).values()) == ["loose"]

    def test_is_refused_once_the_transaction_has_written(self, shop: Shop) -> None:
        with shop.inside(), atomic() as session:
            session.add(FileObject(workshop_id=shop.id, key="0" * 32, store="folder", secret=b"s"))
            with pytest.raises(RuntimeError, match="before all else"), before_all():
                pass
            session.flush()
            with pytest.raises(RuntimeError, match="before all else"), before_all():
                pass


def test_boto3_is_loaded_where_a_bucket_is_configured_and_nowhere_else() -> None:
    program = "import sys; from app import create_app; create_app('testing'); print('boto3' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.split()[-1] == "False"
