"""What a customer's export has of inspections: what they were shown, and nothing before."""

from __future__ import annotations

from tests.customers.exporting import exported
from tests.factories import Shop
from tests.inspections.examining import advise, begun


def test_advice_is_in_the_export_once_it_was_validated(shop: Shop) -> None:
    ticket = shop.make_ticket()["id"]
    seen = begun(shop, ticket)
    shown = advise(shop, seen)
    shop.owner.post(f"{seen}/validate")
    advise(shop, begun(shop, ticket), description="Perhaps the gearbox")

    document = exported(shop)

    assert [one["id"] for one in document["recommendations"]] == [shown]
    assert "gearbox" not in str(document)
