"""Announcements: handled in the transaction of what they tell about, all of it or nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import pytest

from app.blueprints.inventory.models import Part
from app.core import events
from app.core.db import atomic
from app.extensions import db
from tests.factories import Shop


@dataclass(frozen=True)
class Rang:
    """That somebody rang up."""

    who: str


@pytest.fixture(autouse=True)
def no_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_handlers", defaultdict(list))


def test_an_announcement_reaches_each_of_its_handlers_in_their_order(shop: Shop) -> None:
    heard: list[str] = []
    events.handles(Rang)(lambda event: heard.append(f"first: {event.who}"))
    events.handles(Rang)(lambda event: heard.append(f"second: {event.who}"))
    events.handles(str)(lambda event: heard.append("not this one"))

    with shop.inside(), atomic():
        events.announce(Rang("Ada"))

    assert heard == ["first: Ada", "second: Ada"]


def test_what_a_handler_refuses_undoes_what_was_announced(shop: Shop) -> None:
    part = shop.make_part(name="Filter")

    def refuse(event: Rang) -> None:
        raise ValueError(event.who)

    events.handles(Rang)(refuse)
    with shop.inside(), pytest.raises(ValueError, match="Ada"):
        rename(part.id)

    with shop.inside():
        assert db.session.get_one(Part, part.id).name == "Filter"


def rename(part_id: int) -> None:
    with atomic() as session:
        session.get_one(Part, part_id).name = "Belt"
        session.flush()
        events.announce(Rang("Ada"))


def test_nothing_is_announced_outside_a_transaction(shop: Shop) -> None:
    with shop.inside(), pytest.raises(RuntimeError):
        events.announce(Rang("Ada"))
