"""Encryption at rest: authenticated, with rotating keys, and found by blind indexes."""

from __future__ import annotations

import base64

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from app.blueprints.vehicles.models import Vehicle
from app.core import crypto
from app.core.crypto import EncryptedText, Unreadable
from app.core.db import atomic
from app.extensions import db
from tests.factories import Shop

OLD, NEW = "old-key-" + "o" * 40, "new-key-" + "n" * 40
ON_ONE_APPLICATION = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def use_keys(app: Flask, patch: pytest.MonkeyPatch, *keys: str) -> None:
    patch.setitem(app.config, "ENCRYPTION_KEYS", list(keys))


class TestEncryption:
    @ON_ONE_APPLICATION
    @given(plain=st.text())
    def test_gives_back_what_it_was_given(self, app: Flask, plain: str) -> None:
        with app.app_context():
            token = crypto.encrypt(plain)

            assert crypto.decrypt(token) == plain
            assert crypto.decrypt(token.decode("ascii")) == plain

    def test_shows_nothing_of_the_text_and_never_the_same_twice(self, app: Flask) -> None:
        with app.app_context():
            first, second = crypto.encrypt("1HGCM82633A004352"), crypto.encrypt("1HGCM82633A004352")

        assert first != second
        for token in (first, second):
            assert b"1HGCM" not in base64.urlsafe_b64decode(token)

    @ON_ONE_APPLICATION
    @given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
    def test_notices_any_change(self, app: Flask, place: int, flip: int) -> None:
        with app.app_context():
            raw = bytearray(base64.urlsafe_b64decode(crypto.encrypt("1HGCM82633A004352")))
            raw[place % len(raw)] ^= flip

            with pytest.raises(Unreadable):
                crypto.decrypt(base64.urlsafe_b64encode(bytes(raw)))

    @pytest.mark.parametrize("token", [b"", b"x", b"AAAA", b"not base64 at all!", "é", b"A" * 200])
    def test_reads_nothing_else(self, app: Flask, token: bytes | str) -> None:
        with app.app_context(), pytest.raises(Unreadable):
            crypto.decrypt(token)


class TestRotation:
    def test_the_newest_key_encrypts_and_all_decrypt(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with app.app_context():
            use_keys(app, monkeypatch, OLD)
            before = crypto.encrypt("kept since long ago")
            use_keys(app, monkeypatch, NEW, OLD)
            after = crypto.encrypt("written today")
            read_by_both = [crypto.decrypt(before), crypto.decrypt(after)]

            use_keys(app, monkeypatch, NEW)

            assert read_by_both == ["kept since long ago", "written today"]
            assert crypto.decrypt(after) == "written today"
            with pytest.raises(Unreadable):
                crypto.decrypt(before)

    def test_a_row_is_read_until_it_is_rewritten_and_then_by_the_new_key_alone(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_keys(shop.app, monkeypatch, OLD)
        ticket = shop.make_ticket(VIN="WVWZZZ1JZ3W386752")
        path = f"/service_tickets/{ticket['id']}"
        use_keys(shop.app, monkeypatch, NEW, OLD)
        read = shop.owner.get(path).json["VIN"]

        shop.owner.patch(path, json={"VIN": "WVWZZZ1JZ3W386753"})
        use_keys(shop.app, monkeypatch, NEW)
        rewritten = shop.owner.get(path).json["VIN"]

        assert (read, rewritten) == ("WVWZZZ1JZ3W386752", "WVWZZZ1JZ3W386753")
        shop.owner.delete(path)
        with shop.inside(), atomic() as session:  # no other test could read these cars
            session.execute(delete(Vehicle).execution_options(synchronize_session=False))


class TestBlindIndexes:
    def test_find_without_reading(self, app: Flask) -> None:
        with app.app_context():
            index = crypto.blind_index("vin", "1HGCM82633A004352")

            assert index == crypto.blind_index("vin", "1HGCM82633A004352")
            assert len(index) == 16

    def test_tell_texts_purposes_and_installations_apart(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with app.app_context():
            indexes = {
                crypto.blind_index("vin", "A1"),
                crypto.blind_index("vin", "A2"),
                crypto.blind_index("tail", "A1"),
            }
            indexes.add(crypto.blind_index("vinA", "1"))
            monkeypatch.setitem(app.config, "BLIND_INDEX_KEY", "another-" + "k" * 40)
            indexes.add(crypto.blind_index("vin", "A1"))

        assert len(indexes) == 5

    def test_are_cut_from_a_keyed_digest(self, app: Flask) -> None:
        with app.app_context():
            digest = crypto.keyed_digest("vin", b"A1")

            assert len(digest) == 32
            assert digest.startswith(crypto.blind_index("vin", "A1"))


class TestASignedToken:
    def test_names_what_was_signed(self, app: Flask) -> None:
        with app.app_context():
            assert crypto.named_in("a", crypto.signed("a", b"estimate 7")) == b"estimate 7"

    @pytest.mark.parametrize("token", ["", "A", "AA", "é", "%", "A" * 43, "A" * 200, "." * 60])
    def test_of_somebody_else_is_refused(self, app: Flask, token: str) -> None:
        with app.app_context(), pytest.raises(crypto.Unreadable):
            crypto.named_in("a", token)

    def test_is_refused_when_changed_cut_or_shown_for_another_purpose(self, app: Flask) -> None:
        with app.app_context():
            token = crypto.signed("a", b"estimate 7")
            broken = [("a", "B" + token[1:]), ("a", token[:-2]), ("a", "AAAA" + token), ("b", token)]
            for purpose, shown in broken:
                with pytest.raises(crypto.Unreadable):
                    crypto.named_in(purpose, shown)


class TestAColumn:
    def test_is_only_ever_encrypted_in_the_database(self, shop: Shop) -> None:
        vin = "WVWZZZ1JZ3W386799"
        shop.make_ticket(VIN=vin)

        with shop.inside():
            rows = db.session.connection().execute(
                text("SELECT * FROM vehicles WHERE workshop_id = :shop"), {"shop": shop.id}
            )
            kept = [bytes(value) if isinstance(value, memoryview) else value for row in rows for value in row]

        assert kept
        for value in kept:
            assert vin not in str(value)
            assert vin[-6:].encode() not in (value if isinstance(value, bytes) else str(value).encode())

    def test_keeps_nothing_as_nothing(self, app: Flask) -> None:
        column = EncryptedText()

        with app.app_context():
            dialect = db.engine.dialect
            assert column.process_bind_param(None, dialect) is None
            assert column.process_result_value(None, dialect) is None
            bound = column.process_bind_param("WVW", dialect)
            assert column.process_result_value(bound, dialect) == "WVW"
