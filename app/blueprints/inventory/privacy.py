"""The ledger of the stock names accounts; those are of staff, and what they moved says nothing of a customer."""

from __future__ import annotations

from collections.abc import Iterator

from app.core import privacy
from app.core.privacy import Erased, Kept, Subject

privacy.gives_nothing_of("stock_movements", "Staff move stock, customers never.")


@privacy.erases("stock_movements")
def _keep(person: Subject) -> Iterator[Erased | Kept]:
    return iter(())
