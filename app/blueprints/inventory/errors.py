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


class StockNotCounted(Conflict):
    """No stock is kept of the part, so none of it can move."""

    code, title = "stock_not_counted", "The stock of this item is not counted."


class BarcodeTaken(Conflict):
    """Another part of the workshop has the barcode."""

    code, title = "barcode_taken", "Another item has this barcode."


class CategoryNotFound(NotFound):
    """No such category of parts in this workshop."""

    code, title = "category_not_found", "Category not found."


class CategoryNameTaken(Conflict):
    """Another category of the same parent has the name."""

    code, title = "category_name_taken", "Another category there has this name."


class CategoryInUse(Conflict):
    """A category goes only once nothing is in it."""

    code, title = "category_in_use", "There are items or categories in this category."


class CategoryTooDeep(Conflict):
    """A category within itself, or too far down."""

    code, title = "category_too_deep", "A category cannot be there."


class TooManyCategories(Conflict):
    """The workshop has as many categories as it may have."""

    code, title = "too_many_categories", "The workshop has too many categories."


class SupplierNotFound(NotFound):
    """No such supplier in this workshop, or not of this part."""

    code, title = "supplier_not_found", "Supplier not found."


class SupplierNameTaken(Conflict):
    """Another supplier of the workshop has the name."""

    code, title = "supplier_name_taken", "Another supplier has this name."


class SupplierInUse(Conflict):
    """A supplier goes only once it supplies nothing."""

    code, title = "supplier_in_use", "The supplier supplies items."


class SupplierNumberTaken(Conflict):
    """The supplier has another part under that number."""

    code, title = "supplier_number_taken", "The supplier has another item under this number."


class TooManySuppliers(Conflict):
    """The part has as many suppliers as it may have."""

    code, title = "too_many_suppliers", "The item has too many suppliers."
