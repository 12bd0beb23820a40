"""The base class that models derive from, typed for mypy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.db import Base

if TYPE_CHECKING:
    Model = Base
else:
    from app.extensions import db

    Model = db.Model
