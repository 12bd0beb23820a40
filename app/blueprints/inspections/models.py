"""Templates of inspections, inspections with their points, and what is recommended for a car."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.attachments import photos
from app.blueprints.attachments.photos import NamesPhoto
from app.blueprints.inspections.vocabulary import (
    CONDITIONS,
    INSPECTION_STATES,
    LINE_KINDS,
    MOST_POINTS,
    STATES,
    URGENCIES,
)
from app.core import clock
from app.core.db import Cents, Id, Instant, Percent, Versioned, one_of
from app.core.model import Model
from app.core.quantities import Quantity
from app.core.tenancy import WorkshopOwned

UNVALIDATED = text("validated_at IS NULL")
TAKEN = text("state = 'taken'")
OF_A_PART = text("line_part_id IS NOT NULL")


def _of(parent: str, column: str, *, goes_with_it: bool = True) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workshop_id", column],
        [f"{parent}.workshop_id", f"{parent}.id"],
        ondelete="CASCADE" if goes_with_it else None,
    )


class InspectionTemplate(WorkshopOwned, Versioned, Model):
    """What a workshop looks at. The `standard` one is taken where an inspection names none."""

    __tablename__ = "inspection_templates"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "folded_name"),
        Index("ix_inspection_templates_name", "workshop_id", "name", "id"),
        Index(
            "uq_inspection_templates_standard",
            "workshop_id",
            unique=True,
            sqlite_where=text("standard = 1"),
            postgresql_where=text("standard"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    folded_name: Mapped[str] = mapped_column(String(300))
    standard: Mapped[bool]


class TemplatePoint(WorkshopOwned, Model):
    """One thing that a template has looked at; `place` counts from 1 through all its sections."""

    __tablename__ = "inspection_template_points"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "template_id", "place"),
        _of("inspection_templates", "template_id"),
        CheckConstraint(f"place BETWEEN 1 AND {MOST_POINTS}", name="place_within_reason"),
    )

    template_id: Mapped[int] = mapped_column(Id)
    place: Mapped[int] = mapped_column(Integer)
    section: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))


class Inspection(WorkshopOwned, Versioned, Model):
    """The examination of a car at a visit. Customers see it once it is validated; then nothing of it changes (also by trigger).

    `title` is what its template was called, which may be gone. `validated_by` is nobody where the workshop's setting did it.
    """

    __tablename__ = "inspections"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        _of("service_tickets", "service_ticket_id"),
        _of("vehicles", "vehicle_id", goes_with_it=False),
        CheckConstraint(one_of("state", INSPECTION_STATES), name="state_known"),
        CheckConstraint("(state = 'open') = (finished_at IS NULL)", name="finished_with_time"),
        CheckConstraint("(state = 'validated') = (validated_at IS NOT NULL)", name="validated_with_time"),
        Index(
            "uq_inspections_unvalidated",
            "workshop_id",
            "service_ticket_id",
            unique=True,
            sqlite_where=UNVALIDATED,
            postgresql_where=UNVALIDATED,
        ),
        Index("uq_inspections_ticket", "workshop_id", "service_ticket_id", "id", unique=True),
        Index("ix_inspections_vehicle", "workshop_id", "vehicle_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    vehicle_id: Mapped[int] = mapped_column(Id)
    title: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20), default="open")
    summary: Mapped[str | None] = mapped_column(String(2000))
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    validated_at: Mapped[datetime | None] = mapped_column(Instant)
    validated_by: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))


class InspectionPoint(WorkshopOwned, Model):
    """One thing that was looked at, or is to be: how it was, a note, and which mechanic looked."""

    __tablename__ = "inspection_points"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "inspection_id", "place"),
        _of("inspections", "inspection_id"),
        _of("mechanics", "mechanic_id", goes_with_it=False),
        CheckConstraint(f"place BETWEEN 1 AND {MOST_POINTS}", name="place_within_reason"),
        CheckConstraint(one_of("condition", CONDITIONS), name="condition_known"),
        CheckConstraint("(condition = 'not_checked') = (checked_at IS NULL)", name="checked_with_time"),
    )

    inspection_id: Mapped[int] = mapped_column(Id)
    place: Mapped[int] = mapped_column(Integer)
    section: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    condition: Mapped[str] = mapped_column(String(20), default="not_checked")
    note: Mapped[str | None] = mapped_column(String(1000))
    mechanic_id: Mapped[int | None] = mapped_column(Id)
    checked_at: Mapped[datetime | None] = mapped_column(Instant)


class InspectionPointPhoto(NamesPhoto, WorkshopOwned, Model):
    """That a point shows a photo of the ticket; once the inspection is validated none is added (also by trigger)."""

    __tablename__ = "inspection_point_photos"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "inspection_id", "point", "place"),
        UniqueConstraint(
            "workshop_id", "service_ticket_id", "attachment_id", "inspection_id", "point",
            name="uq_inspection_point_photos_once",
        ),
        *photos.keys("inspection_point_photos"),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id", "inspection_id"],
            ["inspections.workshop_id", "inspections.service_ticket_id", "inspections.id"],
            name="fk_inspection_point_photos_inspection",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["workshop_id", "inspection_id", "point"],
            ["inspection_points.workshop_id", "inspection_points.inspection_id", "inspection_points.place"],
            name="fk_inspection_point_photos_point",
            ondelete="CASCADE",
        ),
        CheckConstraint(f"place BETWEEN 1 AND {photos.MOST}", name="place_within_the_most"),
    )  # fmt: skip

    inspection_id: Mapped[int] = mapped_column(Id)
    point: Mapped[int]


class Recommendation(WorkshopOwned, Versioned, Model):
    """Work that a car should have, with its price in one sum or as hours and parts. It stays with the car until it is done.

    Found by an inspection, or by an estimate whose line was declined: then `inspection_id` is empty, and the `line_...` say
    what that line was, so that taking it writes the same one again. `taken_ticket_id` is the visit at which it is done.
    """

    __tablename__ = "recommendations"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        _of("vehicles", "vehicle_id", goes_with_it=False),
        _of("service_tickets", "service_ticket_id"),
        _of("inspections", "inspection_id"),
        CheckConstraint(one_of("urgency", URGENCIES), name="urgency_known"),
        CheckConstraint(one_of("state", STATES), name="state_known"),
        CheckConstraint(
            "(estimated_price IS NULL) = (labour_hours IS NOT NULL OR parts_price IS NOT NULL)",
            name="priced_in_one_way",
        ),
        CheckConstraint("estimated_price >= 0", name="estimated_price_not_negative"),
        CheckConstraint("labour_hours > 0", name="labour_hours_positive"),
        CheckConstraint("parts_price >= 0", name="parts_price_not_negative"),
        CheckConstraint("state <> 'taken' OR taken_ticket_id IS NOT NULL", name="taken_at_a_visit"),
        _of("parts", "line_part_id", goes_with_it=False),
        CheckConstraint(one_of("line_kind", LINE_KINDS), name="line_kind_known"),
        CheckConstraint(
            "(line_kind IS NULL) = (line_quantity IS NULL) AND (line_kind IS NULL) = (line_unit_price IS NULL)"
            " AND (line_kind IS NULL) = (line_tax_rate IS NULL)",
            name="line_whole",
        ),
        CheckConstraint(
            "(COALESCE(line_kind, '') = 'part') = (line_part_id IS NOT NULL)", name="line_part_fits_kind"
        ),
        CheckConstraint("line_quantity > 0", name="line_quantity_positive"),
        CheckConstraint("line_unit_price >= 0", name="line_unit_price_not_negative"),
        CheckConstraint("line_tax_rate BETWEEN 0 AND 100000", name="line_tax_rate_percent"),
        Index(
            "ix_recommendations_part",
            "workshop_id",
            "line_part_id",
            sqlite_where=OF_A_PART,
            postgresql_where=OF_A_PART,
        ),
        Index("ix_recommendations_vehicle", "workshop_id", "vehicle_id", "id"),
        Index("ix_recommendations_ticket", "workshop_id", "service_ticket_id"),
        Index("ix_recommendations_inspection", "workshop_id", "inspection_id", "id"),
        Index(
            "ix_recommendations_taken",
            "workshop_id",
            "taken_ticket_id",
            sqlite_where=TAKEN,
            postgresql_where=TAKEN,
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(Id)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    inspection_id: Mapped[int | None] = mapped_column(Id)
    point: Mapped[int | None] = mapped_column(Integer)
    description: Mapped[str] = mapped_column(String(500))
    urgency: Mapped[str] = mapped_column(String(20))
    estimated_price: Mapped[Decimal | None] = mapped_column(Cents)
    labour_hours: Mapped[Decimal | None] = mapped_column(Quantity)
    parts_price: Mapped[Decimal | None] = mapped_column(Cents)
    state: Mapped[str] = mapped_column(String(20), default="open")
    taken_ticket_id: Mapped[int | None] = mapped_column(Id)
    line_kind: Mapped[str | None] = mapped_column(String(10))
    line_part_id: Mapped[int | None] = mapped_column(Id)
    line_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    line_unit_price: Mapped[Decimal | None] = mapped_column(Cents)
    line_tax_rate: Mapped[Decimal | None] = mapped_column(Percent)

    @property
    def line(self) -> dict[str, Any] | None:
        """What the line was that was put off; None where it was none."""
        if self.line_kind is None:
            return None
        return {
            "kind": self.line_kind,
            "item_id": self.line_part_id,
            "quantity": self.line_quantity,
            "unit_price": self.line_unit_price,
            "tax_rate": self.line_tax_rate,
        }


class RecommendationLine(WorkshopOwned, Model):
    """That a line of a ticket is what was recommended. It goes with the line, and where the recommendation is taken no more."""

    __tablename__ = "recommendation_lines"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "line_id"),
        _of("recommendations", "recommendation_id"),
        _of("service_ticket_lines", "line_id"),
        Index("ix_recommendation_lines_recommendation", "workshop_id", "recommendation_id"),
    )

    line_id: Mapped[int] = mapped_column(Id)
    recommendation_id: Mapped[int] = mapped_column(Id)


class RecommendationChange(WorkshopOwned, Model):
    """What became of a recommendation: who, when, from, to, at which visit, and why. The first is from nothing."""

    __tablename__ = "recommendation_changes"
    __table_args__ = (
        _of("recommendations", "recommendation_id"),
        CheckConstraint(one_of("to_state", STATES), name="to_state_known"),
        Index("ix_recommendation_changes_recommendation", "workshop_id", "recommendation_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    recommendation_id: Mapped[int] = mapped_column(Id)
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    service_ticket_id: Mapped[int | None] = mapped_column(Id)
    reason: Mapped[str | None] = mapped_column(String(500))
