"""The rules of templates: what a workshop looks at, in which order, and which one it takes by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inspections import reference
from app.blueprints.inspections.errors import TemplateNameTaken, TemplateNotFound, TooManyTemplates
from app.blueprints.inspections.models import InspectionTemplate, TemplatePoint
from app.blueprints.inspections.vocabulary import MOST_POINTS
from app.blueprints.workshops import service as workshops
from app.core import audit, clock, paging
from app.core.db import atomic, locked, touch
from app.core.errors import Invalid
from app.core.names import folded
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.extensions import db

MOST = 100
ORDER = Order(InspectionTemplate.id, "name", name=InspectionTemplate.name)
RECORD = ("name", "standard")
SHOWN = ("id", *RECORD, "created_at", "updated_at", "version")
Shown = dict[str, Any]
Sections = list[dict[str, Any]]
Point = tuple[str, str]  # the section, and what is looked at


def find(workshop_id: int, walk: Walk) -> Page:
    """Return one page of a workshop's templates, each with how many points it has."""
    page = paging.fetch(
        select(InspectionTemplate).where(InspectionTemplate.workshop_id == workshop_id),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
    numbers = _numbers(workshop_id, [template.id for template in page.rows])
    rows = [audit.fields_of(one, SHOWN) | {"point_count": numbers[one.id]} for one in page.rows]
    return Page(rows, walk, page.next_cursor, page.total)


def _numbers(workshop_id: int, template_ids: list[int]) -> dict[int, int]:
    if not template_ids:
        return {}
    statement = (
        select(TemplatePoint.template_id, func.count())
        .where(TemplatePoint.workshop_id == workshop_id, TemplatePoint.template_id.in_(template_ids))
        .group_by(TemplatePoint.template_id)
    )
    return {row[0]: row[1] for row in db.session.execute(statement)}


def get(workshop_id: int, template_id: int) -> Shown:
    """Return a template with its sections.

    :raises TemplateNotFound: unknown here.
    """
    return _whole(_one(select(InspectionTemplate), workshop_id, template_id))


def shipped() -> Shown:
    """Return the template that every workshop has until it makes its own."""
    sections = [{"name": section, "points": list(names)} for section, names in reference.SECTIONS]
    return {"name": reference.NAME, "sections": sections, "point_count": len(_listed(sections))}


def _one(statement: Select[InspectionTemplate], workshop_id: int, template_id: int) -> InspectionTemplate:
    found = db.session.scalar(
        statement.where(InspectionTemplate.workshop_id == workshop_id, InspectionTemplate.id == template_id)
    )
    if found is None:
        raise TemplateNotFound()
    return found


def _whole(template: InspectionTemplate) -> Shown:
    points = _points(template)
    return audit.fields_of(template, SHOWN) | {"sections": _in_sections(points), "point_count": len(points)}


def _points(template: InspectionTemplate) -> list[Point]:
    statement = select(TemplatePoint.section, TemplatePoint.name).where(
        TemplatePoint.workshop_id == template.workshop_id, TemplatePoint.template_id == template.id
    )
    return [(section, name) for section, name in db.session.execute(statement.order_by(TemplatePoint.place))]


def _in_sections(points: Iterable[Point]) -> Sections:
    return [
        {"name": section, "points": [name for _, name in within]}
        for section, within in groupby(points, key=lambda point: point[0])
    ]


def _listed(sections: Sections) -> list[Point]:
    """Return the points of sections in their order.

    :raises Invalid: there are too many, or a section comes twice.
    """
    names = [section["name"] for section in sections]
    if len(set(names)) < len(names):
        raise Invalid("See `errors`.", errors={"sections": ["Each section at most once."]})
    points = [(section["name"], name) for section in sections for name in section["points"]]
    if len(points) > MOST_POINTS:
        raise Invalid("See `errors`.", errors={"sections": [f"At most {MOST_POINTS} points in all."]})
    return points


def points_for(workshop_id: int, template_id: int | None) -> tuple[str, list[Point]]:
    """Return the name and the points of a template; where none is named of the standard one, or else of the one that ships.

    :raises TemplateNotFound: unknown here.
    """
    if template_id is None:
        template = db.session.scalar(
            select(InspectionTemplate).where(
                InspectionTemplate.workshop_id == workshop_id, InspectionTemplate.standard
            )
        )
        if template is None:
            return reference.NAME, _listed(shipped()["sections"])
    else:
        template = _one(select(InspectionTemplate), workshop_id, template_id)
    return template.name, _points(template)


# ---- Changing -----------------------------------------------------------------------------------------------------


def add(workshop_id: int, *, name: str, standard: bool, sections: Sections) -> Shown:
    """Make a template. Of those who say at once which is the standard one, the last has it: the workshop's row is locked.

    :raises TemplateNameTaken: another has the name. :raises TooManyTemplates: there are a hundred.
    :raises Invalid: too many points, or a section twice.
    """
    points = _listed(sections)
    with atomic() as session:
        workshops.held(workshop_id)
        _require_room(session, workshop_id)
        template = InspectionTemplate(workshop_id=workshop_id, name=name, standard=standard)
        template.folded_name = folded(name)
        if standard:
            _take_the_place(session, workshop_id, 0)
        session.add(template)
        _flush(session)
        _put(session, template, points)
        audit.note(
            "inspection_template.added", "inspection_template", template.id,
            after=audit.fields_of(template, RECORD) | {"points": len(points)},
        )  # fmt: skip
        return _whole(template)


def _require_room(session: Session, workshop_id: int) -> None:
    number = select(func.count()).where(InspectionTemplate.workshop_id == workshop_id)
    if session.scalars(number).one() >= MOST:
        raise TooManyTemplates(f"There are {MOST}: remove some.")


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise TemplateNameTaken() from error


def _take_the_place(session: Session, workshop_id: int, but: int) -> None:
    """Let no other template be the standard one."""
    session.execute(
        sql_update(InspectionTemplate)
        .where(
            InspectionTemplate.workshop_id == workshop_id,
            InspectionTemplate.id != but,
            InspectionTemplate.standard,
        )
        .values(standard=False, version=InspectionTemplate.version + 1, updated_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _put(session: Session, template: InspectionTemplate, points: Sequence[Point]) -> None:
    ours = {"workshop_id": template.workshop_id, "template_id": template.id}
    session.execute(
        insert(TemplatePoint),
        [
            {**ours, "place": place, "section": section, "name": name}
            for place, (section, name) in enumerate(points, 1)
        ],
    )


def replace(
    workshop_id: int,
    template_id: int,
    *,
    name: str,
    standard: bool,
    sections: Sections,
    expected: Expected = None,
) -> Shown:
    """Replace a template, points and all. Inspections that were begun from it stay as they are.

    :raises TemplateNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises TemplateNameTaken: another has the name. :raises Invalid: too many points, or a section twice.
    """
    points = _listed(sections)
    with atomic() as session:
        workshops.held(workshop_id)
        template = _one(locked(InspectionTemplate), workshop_id, template_id)
        require_version(template, expected)
        before = audit.fields_of(template, RECORD) | {"points": len(_points(template))}
        if standard:
            _take_the_place(session, workshop_id, template_id)
        template.name, template.folded_name, template.standard = name, folded(name), standard
        touch(template)
        _flush(session)
        session.execute(_delete_points(template))
        _put(session, template, points)
        after = audit.fields_of(template, RECORD) | {"points": len(points)}
        audit.note(
            "inspection_template.replaced", "inspection_template", template_id, before=before, after=after
        )
        return _whole(template)


def _delete_points(template: InspectionTemplate) -> Any:
    return (
        delete(TemplatePoint)
        .where(TemplatePoint.workshop_id == template.workshop_id, TemplatePoint.template_id == template.id)
        .execution_options(synchronize_session=False)
    )


def remove(workshop_id: int, template_id: int, expected: Expected = None) -> None:
    """Remove a template. Inspections that were begun from it stay.

    :raises TemplateNotFound: unknown here. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        template = _one(locked(InspectionTemplate), workshop_id, template_id)
        require_version(template, expected)
        before = audit.fields_of(template, RECORD)
        session.delete(template)
        session.flush()
        audit.note("inspection_template.removed", "inspection_template", template_id, before=before)
