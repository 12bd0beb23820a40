"""The refusals of the inventory."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class PartNotFound(NotFound):
    """No such part in this workshop, or one that was taken out."""

    code, title = "item_not_found", "Inventory item not found."


class SkuTaken(Conflict):
    """Another part of the workshop has the SKU."""

    code, title = "sku_taken", "Another item has this SKU."


class NotEnoughOnHand(Conflict):
    """Fewer are on hand than were asked for."""

    code, title = "not_enough_on_hand", "Not enough on hand."
