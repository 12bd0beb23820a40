"""The clock tells who of the staff worked on which ticket; of the customer it says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from app.core import privacy
from app.core.privacy import Erased, Kept, Subject

privacy.gives_nothing_of("clock_entries", "Who of the staff worked when says nothing of the customer.")


@privacy.erases("clock_entries")
def _keep(person: Subject) -> Iterator[Erased | Kept]:
    return iter(())
