"""An order on paper, and by mail to who is to deliver it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal
from sqlalchemy import select

from app.blueprints.inventory.errors import OrderNotExpected, SupplierWithoutEmail
from app.blueprints.inventory.models import Supplier
from app.blueprints.inventory.order_models import PurchaseOrder
from app.blueprints.inventory.orders import Told, get, one, shown
from app.blueprints.inventory.vocabulary import EXPECTED, unit_in
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, outbox
from app.core.db import atomic, locked
from app.core.letters import Attachment, language_of, locale_of
from app.core.money import written
from app.core.pdf import PDF, Paper
from app.core.preconditions import Expected, require_version
from app.extensions import db

# What the paper says, in the languages in which letters are written.
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "order": "Purchase order", "draft": "Draft, not ordered", "cancelled": "Cancelled", "date": "Date",
        "expected": "Expected on", "terms": "Terms", "note": "Note", "item": "Item", "number": "Your number",
        "quantity": "Quantity", "price": "Unit price", "line": "Total", "total": "Total", "unknown": "as you ask",
        "tax_id": "Tax number",
    },
    "pl": {
        "order": "Zamówienie", "draft": "Szkic, niezamówione", "cancelled": "Anulowane", "date": "Data",
        "expected": "Oczekiwane dnia", "terms": "Warunki", "note": "Uwagi", "item": "Pozycja", "number": "Wasz numer",
        "quantity": "Ilość", "price": "Cena jedn.", "line": "Wartość", "total": "Razem", "unknown": "wg cennika",
        "tax_id": "NIP",
    },
    "de": {
        "order": "Bestellung", "draft": "Entwurf, nicht bestellt", "cancelled": "Storniert", "date": "Datum",
        "expected": "Erwartet am", "terms": "Bedingungen", "note": "Bemerkung", "item": "Artikel", "number": "Ihre Nummer",
        "quantity": "Menge", "price": "Einzelpreis", "line": "Betrag", "total": "Summe", "unknown": "nach Liste",
        "tax_id": "Steuernummer",
    },
}  # fmt: skip


def paper(workshop_id: int, order_id: int) -> tuple[int, bytes]:
    """Return an order's number, and the order as a PDF in the workshop's language.

    :raises OrderNotFound: unknown here.
    """
    order = get(workshop_id, order_id)
    return order["number"], _drawn(order, *_parties(workshop_id, order["supplier"]["id"]))


def _parties(workshop_id: int, supplier_id: int) -> tuple[Workshop, Supplier]:
    found = db.session.execute(
        select(Workshop, Supplier)
        .join(Supplier, Supplier.workshop_id == Workshop.id)
        .where(Supplier.workshop_id == workshop_id, Workshop.id == workshop_id, Supplier.id == supplier_id)
    ).one()
    return found[0], found[1]


def _drawn(order: Told, workshop: Workshop, supplier: Supplier) -> bytes:
    language = language_of(workshop.locale)
    words, locale = WORDS[language], locale_of(workshop.locale)
    title = f"{words['order']} {order['number']}"
    made = Paper(
        title,
        at=order["updated_at"],
        language=language,
        author=workshop.name,
        foot=f"{workshop.name} · {title}",
    )
    made.heading(title)
    if order["status"] in ("draft", "cancelled"):
        made.heading(words[order["status"]], size=11)
    made.side_by_side(_sender(workshop, words), _addressee(supplier, words))
    made.facts(_facts(order, workshop, supplier, words, locale))
    made.table(
        [words[name] for name in ("item", "number", "quantity", "price", "line")],
        [_row(line, order["currency"], words, locale) for line in order["lines"]],
        widths=[44, 20, 14, 14, 16],
        aligned=["LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT"],
    )
    made.heading(f"{words['total']}: {written(order['total'], order['currency'], locale)}", size=11)
    return made.content()


def _sender(workshop: Workshop, words: dict[str, str]) -> list[str]:
    tax = f"{words['tax_id']}: {workshop.tax_id}" if workshop.tax_id else None
    return [
        line for line in (workshop.name, workshop.full_address, workshop.phone, workshop.email, tax) if line
    ]


def _addressee(supplier: Supplier, words: dict[str, str]) -> list[str]:
    town = " ".join(part for part in (supplier.postal_code, supplier.city, supplier.country) if part)
    tax = f"{words['tax_id']}: {supplier.tax_id}" if supplier.tax_id else None
    lines = (supplier.name, supplier.contact_person, supplier.address, town, supplier.email, tax)
    return [line for line in lines if line]


def _facts(
    order: Told, workshop: Workshop, supplier: Supplier, words: dict[str, str], locale: str
) -> list[tuple[str, str | None]]:
    moment = order["ordered_at"] or order["created_at"]
    here, expected = moment.astimezone(ZoneInfo(workshop.time_zone)), order["expected_on"]
    return [
        (words["date"], format_date(here.date(), "long", locale=locale)),
        (words["expected"], format_date(expected, "long", locale=locale) if expected else None),
        (words["terms"], supplier.payment_terms),
        (words["note"], order["note"]),
    ]


def _row(line: Told, currency: str, words: dict[str, str], locale: str) -> list[str]:
    item, price = line["item"], line["unit_price"]
    name = f"{item['name']} ({item['sku']})" if item["sku"] else item["name"]
    quantity = format_decimal(line["quantity"] - line["cancelled"], locale=locale)
    return [
        name,
        line["supplier_number"] or "",
        f"{quantity} {unit_in(language_of(locale), item['unit'])}",
        words["unknown"] if price is None else written(price, currency, locale),
        "" if price is None else written(line["total"], currency, locale),
    ]


def send(workshop_id: int, order_id: int, *, expected: Expected = None) -> Told:
    """Mail an order to its supplier, as a PDF; again, where it was sent before.

    :raises OrderNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises OrderNotExpected: it is a draft, or nothing is to come. :raises SupplierWithoutEmail: there is nowhere to send it.
    """
    with atomic() as session:
        order = one(locked(PurchaseOrder), workshop_id, order_id)
        require_version(order, expected)
        if order.status not in EXPECTED:
            raise OrderNotExpected(f"Order {order.number} is {order.status}.")
        workshop, supplier = _parties(workshop_id, order.supplier_id)
        if supplier.email is None:
            raise SupplierWithoutEmail(f"{supplier.name} has no e-mail address.")
        drawn = _drawn(shown(order, supplier.name), workshop, supplier)
        order.sent_at = clock.now()
        session.flush()
        values: dict[str, Any] = {"order": str(order.number), "contact": _contact(workshop)}
        attached = Attachment(f"order-{order.number}.pdf", PDF, drawn)
        outbox.queue(workshop_id, "purchase_order", supplier.email, attachments=[attached], **values)
        audit.note("purchase_order.sent", "purchase_order", order_id, after={"supplier_id": supplier.id})
        return shown(order, supplier.name)


def _contact(workshop: Workshop) -> str:
    return ", ".join(way for way in (workshop.email, workshop.phone) if way) or workshop.name
