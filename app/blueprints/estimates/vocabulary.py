"""The words of estimates: what became of one, and how somebody decided."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["sent", "accepted", "partly_accepted", "declined", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)
DECIDED: tuple[State, ...] = ("accepted", "partly_accepted", "declined")
EXPIRED = "expired"
"""What is told of one that was sent and stands no longer; nothing is written when its time ends."""

How = Literal["online", "phone", "in_person", "email", "letter"]
HOW: tuple[How, ...] = get_args(How)
BY_WORD: tuple[How, ...] = ("phone", "in_person", "email", "letter")
"""How a decision reaches staff, who record it."""
