"""Old parts lead to a ticket, and so to a customer; of the person they say nothing that the ticket's lines do not."""

from __future__ import annotations

from collections.abc import Iterator

from app.core import privacy
from app.core.privacy import Erased, Kept, Subject

privacy.gives_nothing_of(
    "cores", "What a customer pays for an old part that they keep is a line of their ticket."
)


@privacy.erases("cores")
def _keep(person: Subject) -> Iterator[Erased | Kept]:
    return iter(())
