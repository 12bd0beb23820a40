"""The refusals of the inventory."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class PartNotFound(NotFound):
    """No such part in this workshop, or one that was taken out."""

    code, title = "item_not_found", "Inventory item not found."


class SkuTaken(Conflict):
    """Another part of the workshop has the SKU."""

    code, title = "sku_taken", "Another item has this SKU."


class ReferenceNotFound(NotFound):
    """The part has no such cross-reference."""

    code, title = "cross_reference_not_found", "Cross-reference not found."


class ReferenceTaken(Conflict):
    """The part is known to the manufacturer by that number already."""

    code, title = "cross_reference_taken", "The item has this cross-reference already."


class TooManyReferences(Conflict):
    """The part has as many cross-references as it may have."""

    code, title = "too_many_cross_references", "The item has too many cross-references."


class ReplacementNotFound(NotFound):
    """What a part is to be replaced by is unknown in this workshop, or was taken out."""

    code, title = "replacement_not_found", "The replacement is not in the inventory."


class ReplacementCircle(Conflict):
    """A part would be replaced by itself, at once or in the end."""

    code, title = "replacement_circle", "An item is not replaced by itself."


class ReplacementChainTooLong(Conflict):
    """One part would follow the other for too many steps."""

    code, title = "replacement_chain_too_long", "Too many items follow one another."


class ReplacesOthers(Conflict):
    """Parts that are in the inventory are replaced by the part."""

    code, title = "item_replaces_others", "Other items are replaced by this one."


class NotEnoughOnHand(Conflict):
    """Fewer are on hand than were asked for."""

    code, title = "not_enough_on_hand", "Not enough on hand."


class StockNotCounted(Conflict):
    """No stock is kept of the part, so none of it can move."""

    code, title = "stock_not_counted", "The stock of this item is not counted."


class AlreadyInBin(Conflict):
    """The part lies in that bin."""

    code, title = "already_in_bin", "The item is in this bin already."


class StockReserved(Conflict):
    """Tickets have set some of the part aside."""

    code, title = "stock_reserved", "Tickets have reserved some of this item."


class StockLeft(Conflict):
    """Some of the part is there: taken out of the inventory, nobody could move it."""

    code, title = "stock_left", "Some of this item is on hand."


class PartWanted(Conflict):
    """Tickets wait for some of the part: taken out of the inventory, it could be neither bought nor fitted."""

    code, title = "item_wanted", "Tickets wait for this item."


class FractionsLeft(Conflict):
    """The part is promised, expected or counted in fractions, and its new unit has none."""

    code, title = "fractions_left", "There are fractions of this item."


class PartInUse(Conflict):
    """Only what was taken out is restored."""

    code, title = "item_in_use", "The item was not taken out of the inventory."


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
    """A category goes only once nothing is in it, nor for it."""

    code, title = (
        "category_in_use",
        "There are items, be they taken out, or categories in this category, or mark-up rules or stocktakes for it.",
    )


class CategoryTooDeep(Conflict):
    """A category within itself, or too far down."""

    code, title = "category_too_deep", "A category cannot be there."


class TooManyCategories(Conflict):
    """The workshop has as many categories as it may have."""

    code, title = "too_many_categories", "The workshop has too many categories."


class MarkupRuleNotFound(NotFound):
    """No such mark-up rule in this workshop."""

    code, title = "markup_rule_not_found", "Mark-up rule not found."


class MarkupRuleTaken(Conflict):
    """There is a rule for the same category and cost."""

    code, title = "markup_rule_taken", "There is a rule for that already."


class TooManyMarkupRules(Conflict):
    """The workshop has as many mark-up rules as it may have."""

    code, title = "too_many_markup_rules", "The workshop has too many mark-up rules."


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


class OrderNotFound(NotFound):
    """No such purchase order in this workshop."""

    code, title = "purchase_order_not_found", "Purchase order not found."


class OrderNotDraft(Conflict):
    """What was ordered is changed no more."""

    code, title = "purchase_order_not_draft", "The order is no draft any more."


class OrderNotExpected(Conflict):
    """Nothing of the order is to come: it is a draft, it came, or it was cancelled."""

    code, title = "purchase_order_not_expected", "Nothing of the order is expected."


class NotOnOrder(Conflict):
    """What came was not ordered."""

    code, title = "not_on_order", "That was not ordered."


class MoreThanOrdered(Conflict):
    """More came than was still expected."""

    code, title = "more_than_ordered", "More than was ordered."


class ControlTotalDiffers(Conflict):
    """What was entered does not add up to what the delivery note says."""

    code, title = "control_total_differs", "It does not add up to the control total."


class BelowMinimumOrder(Conflict):
    """The supplier takes no order of so little."""

    code, title = "below_minimum_order", "Less than the supplier's least order."


class SupplierInactive(Conflict):
    """The workshop does not order there any more."""

    code, title = "supplier_inactive", "The supplier is inactive."


class SupplierWithoutEmail(Conflict):
    """The supplier has no address to send the order to."""

    code, title = "supplier_without_email", "The supplier has no e-mail address."


class StocktakeNotFound(NotFound):
    """No such stocktake in this workshop."""

    code, title = "stocktake_not_found", "Stocktake not found."


class StocktakeClosed(Conflict):
    """What was posted or cancelled is counted no more."""

    code, title = "stocktake_closed", "The stocktake is closed."


class NothingToCount(Conflict):
    """No counted item is there."""

    code, title = "nothing_to_count", "There is nothing to count."


class SheetTooLong(Conflict):
    """More items than a sheet has lines."""

    code, title = "sheet_too_long", "Too many items for one sheet."


class BeingCounted(Conflict):
    """An item is on another open sheet: two counts of it would be posted on top of each other."""

    code, title = "being_counted", "It is being counted already."


class NotOnSheet(Conflict):
    """What was counted is not on the sheet."""

    code, title = "not_on_sheet", "That is not on the sheet."


class NotAllCounted(Conflict):
    """Some lines of the sheet are empty."""

    code, title = "not_all_counted", "Not everything was counted."


class BelowReserved(Conflict):
    """A count or a movement leaves less than tickets have set aside."""

    code, title = "below_reserved", "Less would be left than is reserved."


class NothingToScan(Conflict):
    """A label needs a code by which the item is found."""

    code, title = "nothing_to_scan", "The item has neither a barcode nor a SKU."
