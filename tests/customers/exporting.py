"""What tests of exports share: asking, letting a worker look, and opening the archive."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from werkzeug.test import TestResponse

from app.blueprints.customers import exports
from tests.factories import Caller, Shop

PESEL = "44051401359"
PROFILE: dict[str, Any] = {
    "street": "ul. Zielona 17", "city": "Sopotowo", "postal_code": "81-704", "country": "PL", "preferred_contact": "sms",
    "birth_date": "1944-05-14", "gender": "undisclosed", "emergency_contact_name": "Janina Obiwska",
    "emergency_contact_phone": "212-555-0199", "national_id_kind": "PL-PESEL", "national_id": PESEL,
}  # fmt: skip


def path(shop: Shop, customer_id: int | None = None) -> str:
    return f"/customers/{customer_id or shop.customer_id}/export"


def make(shop: Shop) -> int:
    """Let one worker look for exports once."""
    with shop.app.app_context():
        return exports.make_due()


def fetched(shop: Shop, answer: TestResponse) -> dict[str, bytes]:
    """Return what is in the archive that an answer leads to, by its name."""
    assert answer.json["status"] == "ready", answer.json
    served = shop.nobody.get(answer.json["url"])
    assert served.status_code == 200
    assert len(served.data) == answer.json["size"]
    with zipfile.ZipFile(io.BytesIO(served.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def exported(shop: Shop, caller: Caller | None = None, customer_id: int | None = None) -> dict[str, Any]:
    """Ask for an export, let it be made, and return its document."""
    asker = caller or shop.customer
    assert asker.post(path(shop, customer_id)).status_code == 202
    make(shop)
    document: dict[str, Any] = json.loads(fetched(shop, asker.get(path(shop, customer_id)))["data.json"])
    return document
