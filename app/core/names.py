"""Names that a workshop gives to what is its own, and numbers that others gave: how they are told apart."""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """Return a name as names are told apart: without regard to case and to how many blanks there are."""
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def folded_number(number: str) -> str:
    """Return a part's number as numbers are told apart: its letters and digits, without regard to case; none may be left."""
    text = unicodedata.normalize("NFC", number).casefold()
    return "".join(character for character in text if character.isalnum())
