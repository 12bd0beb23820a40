"""How long somebody watches."""

from __future__ import annotations

from app.core.parameters import QueryInteger
from app.core.schema import Schema

LONGEST_SECONDS = 300


class WatchQuery(Schema):
    """How long somebody watches at most."""

    seconds = QueryInteger(
        most=LONGEST_SECONDS,
        load_default=LONGEST_SECONDS,
        metadata={"description": "After how long the stream ends.", "example": 60},
    )
