"""An order on paper: read back from the PDF, the same bytes for the same order, and mailed to the supplier."""

from __future__ import annotations

import email
import re
from collections.abc import Iterable
from datetime import datetime
from email import policy
from typing import Any

import pytest

from app.blueprints.inventory import order_paper
from app.core.letters import Attachment
from app.core.outbox import OutboxAttachment
from app.core.pdf import Paper
from app.extensions import db
from tests import mailing
from tests.factories import Shop
from tests.mailing import Clock, Scripted

pytestmark = pytest.mark.one_database

ORDERS = "/inventory/purchase_orders"


def order_of(shop: Shop, **supplier: Any) -> dict[str, Any]:
    part = shop.make_part(name="Filtr oleju Żółty", sku="OF-1", on_hand=0)
    made = shop.make_supplier(name="Części Łódź", **supplier)
    return shop.make_order(part.id, supplier_id=made.id)


class TestThePdf:
    def test_is_one_and_has_a_font_of_its_own(self, shop: Shop) -> None:
        order = order_of(shop)

        answer = shop.mechanic.get(f"{ORDERS}/{order['id']}/pdf")

        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="order-{order["number"]}.pdf"'
        assert answer.data.startswith(b"%PDF-")
        assert answer.data.rstrip().endswith(b"%%EOF")
        assert b"DejaVu" in answer.data

    def test_tells_the_items_in_every_script_it_has(self, shop: Shop) -> None:
        order = order_of(shop)

        drawn = shop.owner.get(f"{ORDERS}/{order['id']}/pdf").data

        told = letters_in(drawn)
        assert {"Ż", "ó", "ł", "ę", "Ł"} <= told

    def test_of_the_same_order_is_the_same_and_not_sent_again(self, shop: Shop) -> None:
        path = f"{ORDERS}/{order_of(shop)['id']}/pdf"

        first = shop.owner.get(path)
        again = shop.owner.get(path, headers={"If-None-Match": first.headers["ETag"]})

        assert (again.status_code, shop.owner.get(path).data == first.data) == (304, True)

    @pytest.mark.parametrize("locale", ["en", "pl-PL", "de"])
    def test_is_drawn_in_each_language_and_over_several_pages(self, shop: Shop, locale: str) -> None:
        assert (
            shop.owner.patch(f"/workshops/{shop.id}", json={"locale": locale, "currency": "EUR"}).status_code
            == 200
        )
        parts = [shop.make_part(name=f"Part {number}", on_hand=0).id for number in range(90)]
        order = shop.make_order(*parts)

        drawn = shop.owner.get(f"{ORDERS}/{order['id']}/pdf").data

        assert len(re.findall(rb"/Type /Page\b", drawn)) >= 2

    @pytest.mark.parametrize(
        ("locale", "said"), [("en", "10 piece"), ("pl-PL", "10 szt."), ("de", "10 Stück")]
    )
    def test_calls_pieces_as_they_are_called_there(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, locale: str, said: str
    ) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"locale": locale})
        rows: list[list[str]] = []
        monkeypatch.setattr(Paper, "table", lambda paper, heads, found, **options: rows.extend(found))

        shop.owner.get(f"{ORDERS}/{order_of(shop)['id']}/pdf")

        assert [row[2] for row in rows] == [said]

    @pytest.mark.parametrize(
        ("zone", "locale", "at", "day"),
        [
            ("America/Chicago", "en-US", "2026-12-01T03:00Z", "November 30, 2026"),
            ("Europe/Warsaw", "en-US", "2026-12-01T23:30Z", "December 2, 2026"),
            ("Europe/London", "en-GB", "2026-12-01T23:30Z", "1 December 2026"),
            ("UTC", "en-US", "2026-12-01T23:30Z", "December 1, 2026"),
        ],
    )
    def test_has_the_day_of_the_workshops_own_clock_as_it_is_written_there(
        self,
        shop: Shop,
        clock_set: Clock,
        monkeypatch: pytest.MonkeyPatch,
        zone: str,
        locale: str,
        at: str,
        day: str,
    ) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"time_zone": zone, "locale": locale})
        part = shop.make_part(on_hand=0)
        clock_set.moment = datetime.fromisoformat(at)
        order = shop.make_order(part.id)
        facts: dict[str, str | None] = {}

        def written(paper: Paper, told: Iterable[tuple[str, str | None]]) -> None:
            facts.update(told)

        monkeypatch.setattr(Paper, "facts", written)
        with shop.inside():
            order_paper.paper(shop.id, order["id"])

        assert facts["Date"] == day


def letters_in(drawn: bytes) -> set[str]:
    """Return the letters that a PDF's fonts can be copied as (their ToUnicode maps)."""
    found: set[str] = set()
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", drawn, re.DOTALL):
        if b"beginbfchar" in stream:
            found |= {
                chr(int(code, 16)) for code in re.findall(rb"<[0-9A-Fa-f]+> <([0-9A-Fa-f]{4})>", stream)
            }
    return found


class TestSending:
    def test_mails_the_paper_to_the_supplier_and_forgets_it_once_it_is_sent(
        self, shop: Shop, transport: Scripted
    ) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"email": "orders@garage.example.com"})
        order = order_of(shop, email="sales@parts.example.com")

        sent = shop.owner.post(f"{ORDERS}/{order['id']}/send")
        mailing.deliver(shop)

        (letter,) = transport.taken
        name = f"order-{order['number']}.pdf"
        assert sent.json["sent_at"] is not None
        assert (letter.recipient, [one.name for one in letter.attachments]) == (
            "sales@parts.example.com",
            [name],
        )
        assert "orders@garage.example.com" in letter.text
        with shop.inside():
            assert db.session.query(OutboxAttachment).count() == 0

    def test_the_paper_travels_beside_the_words(self, shop: Shop, transport: Scripted) -> None:
        order = order_of(shop, email="sales@parts.example.com")
        shop.owner.post(f"{ORDERS}/{order['id']}/send")
        mailing.deliver(shop)

        mime = email.message_from_bytes(transport.taken[0].as_mime().as_bytes(), policy=policy.default)

        assert mime.get_content_type() == "multipart/mixed"
        assert mime["Content-Language"] == "en"
        (attached,) = mime.iter_attachments()
        assert (attached.get_content_type(), attached.get_content()[:5]) == ("application/pdf", b"%PDF-")
        body = mime.get_body(("plain",))
        assert body is not None
        assert "order number" in body.get_content()

    def test_one_that_waits_has_its_paper_and_tries_again_with_it(
        self, shop: Shop, transport: Scripted
    ) -> None:
        order = order_of(shop, email="sales@parts.example.com")
        transport.script.append(mailing.NOT_NOW)
        shop.owner.post(f"{ORDERS}/{order['id']}/send")

        mailing.deliver(shop)

        assert transport.taken == []
        with shop.inside():
            assert db.session.query(OutboxAttachment).count() == 1

    def test_is_refused_without_an_address_and_for_what_is_not_expected(self, shop: Shop) -> None:
        silent = order_of(shop)
        draft = shop.make_order(shop.make_part(on_hand=0).id, placed=False)

        answers = [shop.owner.post(f"{ORDERS}/{order['id']}/send") for order in (silent, draft)]

        assert [(one.status_code, one.json["code"]) for one in answers] == [
            (409, "supplier_without_email"), (409, "purchase_order_not_expected"),
        ]  # fmt: skip


def test_what_is_too_large_for_a_letter_is_not_queued(shop: Shop) -> None:
    huge = Attachment("huge.pdf", "application/pdf", b"x" * 5_000_001)

    with pytest.raises(ValueError, match="too large"):
        mailing.post(shop, attachments=[huge])
