"""The numbers by which parts are known elsewhere."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.inventory.vocabulary import REFERENCE_KINDS
from app.core.db import Id, Versioned, one_of
from app.core.model import Model
from app.core.tenancy import WorkshopOwned


class PartReference(WorkshopOwned, Versioned, Model):
    """That a part is known to a manufacturer by a number. It is added and removed, never changed.

    `folded_number` is the number's letters and digits, by which it is found; `folded_manufacturer` how makers are told apart.
    """

    __tablename__ = "part_references"
    __table_args__ = (
        UniqueConstraint(
            "workshop_id",
            "part_id",
            "folded_manufacturer",
            "folded_number",
            name="uq_part_references_number_of_a_part",
        ),
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint(one_of("kind", REFERENCE_KINDS), name="kind_known"),
        CheckConstraint("folded_number <> ''", name="number_has_letters_or_digits"),
        Index("ix_part_references_number", "workshop_id", "folded_number", "part_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    part_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    manufacturer: Mapped[str] = mapped_column(String(100))
    folded_manufacturer: Mapped[str] = mapped_column(String(300))
    number: Mapped[str] = mapped_column(String(60))
    folded_number: Mapped[str] = mapped_column(String(180))
