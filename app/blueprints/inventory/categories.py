"""The rules of categories: a tree of names, a few levels deep and without a circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inventory import pricing
from app.blueprints.inventory.errors import (
    CategoryInUse,
    CategoryNameTaken,
    CategoryNotFound,
    CategoryTooDeep,
    TooManyCategories,
)
from app.blueprints.inventory.models import PartCategory
from app.core import audit
from app.core.db import atomic, is_still_named, locked
from app.core.names import folded
from app.core.preconditions import Expected, require_version
from app.extensions import db

MOST_CATEGORIES = 500
MOST_LEVELS = 5
RECORD = ("name", "parent_id")

Tree = dict[int, PartCategory]


def find(workshop_id: int) -> Sequence[PartCategory]:
    """Return all categories of a workshop, by name."""
    statement = select(PartCategory).where(PartCategory.workshop_id == workshop_id)
    return db.session.scalars(statement.order_by(PartCategory.folded_name, PartCategory.id)).all()


def get(workshop_id: int, category_id: int) -> PartCategory:
    """Return a category.

    :raises CategoryNotFound: unknown here.
    """
    found = db.session.scalar(
        select(PartCategory).where(PartCategory.workshop_id == workshop_id, PartCategory.id == category_id)
    )
    if found is None:
        raise CategoryNotFound()
    return found


def with_those_within(workshop_id: int, category_id: int) -> list[int]:
    """Return the ids of a category and of all that are within it; none where it is unknown here."""
    children: dict[int | None, list[int]] = {}
    rows = db.session.execute(
        select(PartCategory.id, PartCategory.parent_id).where(PartCategory.workshop_id == workshop_id)
    ).all()
    for id_, parent_id in rows:
        children.setdefault(parent_id, []).append(id_)
    found = [category_id] if any(id_ == category_id for id_, _ in rows) else []
    for id_ in found:  # which grows while it is walked
        found += children.get(id_, [])
    return found


def add(workshop_id: int, *, name: str, parent_id: int | None) -> PartCategory:
    """Make a category, at the top or within another.

    :raises CategoryNotFound: the other is unknown here. :raises CategoryNameTaken: another there has the name.
    :raises CategoryTooDeep: it would be on a sixth level. :raises TooManyCategories: there are five hundred.
    """
    category = PartCategory(workshop_id=workshop_id, name=name, folded_name=folded(name), parent_id=parent_id)
    with atomic() as session:
        tree = _held(session, workshop_id)
        if len(tree) >= MOST_CATEGORIES:
            raise TooManyCategories(f"The workshop has {MOST_CATEGORIES} categories.")
        if len(_path(tree, parent_id)) >= MOST_LEVELS:
            raise CategoryTooDeep(f"There are {MOST_LEVELS} levels at most.")
        session.add(category)
        _flush(session)
        audit.note("category.added", "category", category.id, after=audit.fields_of(category, RECORD))
    return category


def update(
    workshop_id: int, category_id: int, changes: dict[str, Any], expected: Expected = None
) -> PartCategory:
    """Rename a category, or move it with all that is within it.

    :raises CategoryNotFound: it, or where it is moved to, is unknown here. :raises Stale: not the `expected` version.
    :raises CategoryNameTaken: another there has the name. :raises CategoryTooDeep: it would be within itself, or too far down.
    """
    with atomic() as session:
        if "parent_id" in changes:
            pricing.hold()
            pricing.hold_parts(session, workshop_id)
        tree = _held(session, workshop_id)
        category = tree.get(category_id)
        if category is None:
            raise CategoryNotFound()
        require_version(category, expected)
        before = audit.fields_of(category, RECORD)
        if "name" in changes:
            category.name, category.folded_name = changes["name"], folded(changes["name"])
        if "parent_id" in changes:
            _move(tree, category, changes["parent_id"])
        _flush(session)
        if category.parent_id != before["parent_id"]:
            pricing.reprice(session, workshop_id)
        audit.note_change(
            "category.updated", "category", category_id, before, audit.fields_of(category, RECORD)
        )
    return category


def _move(tree: Tree, category: PartCategory, parent_id: int | None) -> None:
    above = _path(tree, parent_id)
    if category.id in above:
        raise CategoryTooDeep("A category is not within itself.")
    if len(above) + _height(tree, category.id) > MOST_LEVELS:
        raise CategoryTooDeep(f"There are {MOST_LEVELS} levels at most.")
    category.parent_id = parent_id


def _height(tree: Tree, category_id: int) -> int:
    """Return on how many levels a category and those within it are."""
    paths = (_path(tree, id_) for id_ in tree)
    return max(len(path) - path.index(category_id) for path in paths if category_id in path)


def _path(tree: Tree, category_id: int | None) -> list[int]:
    """Return the ids from the top down to a category; none for the top itself.

    :raises CategoryNotFound: unknown here.
    """
    path: list[int] = []
    while category_id is not None:
        if category_id not in tree:
            raise CategoryNotFound()
        path.insert(0, category_id)
        category_id = tree[category_id].parent_id
    return path


def _held(session: Session, workshop_id: int) -> Tree:
    """Lock the whole tree, whose shape no two change at once: each alone makes no circle, but both together might.

    Who puts parts into categories meanwhile, in whatever order, is not kept waiting.
    """
    tree = locked(PartCategory, stays=True).where(PartCategory.workshop_id == workshop_id)
    return {category.id: category for category in session.scalars(tree.order_by(PartCategory.id))}


def remove(workshop_id: int, category_id: int, expected: Expected = None) -> None:
    """Remove a category in which nothing is. The foreign keys decide that.

    :raises CategoryNotFound: unknown here. :raises Stale: not the `expected` version. :raises CategoryInUse: something is.
    """
    with atomic() as session:
        category = session.scalar(
            locked(PartCategory).where(
                PartCategory.workshop_id == workshop_id, PartCategory.id == category_id
            )
        )
        if category is None:
            raise CategoryNotFound()
        require_version(category, expected)
        before = audit.fields_of(category, RECORD)
        session.delete(category)
        try:
            session.flush()
        except DBAPIError as error:
            if not is_still_named(error):
                raise
            raise CategoryInUse() from error
        audit.note("category.removed", "category", category_id, before=before)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise CategoryNameTaken() from error
