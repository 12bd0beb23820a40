"""The rules of comments: for staff among themselves; who wrote one changes it, an owner deletes it."""

from __future__ import annotations

from sqlalchemy import Select, select

from app.blueprints.customers import service as customers
from app.blueprints.progress.errors import CommentNotFound, NotYourComment
from app.blueprints.progress.models import TicketComment
from app.blueprints.progress.seeing import person_of, require_ticket
from app.blueprints.service_tickets.holding import hold
from app.core import audit, paging
from app.core.db import atomic, locked
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.extensions import db

ORDER = Order(TicketComment.id, "id")


def write(caller: Principal, ticket_id: int, text: str) -> TicketComment:
    """Comment on a visit, be it over.

    :raises TicketNotFound: unknown here.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, None)
        comment = TicketComment(
            workshop_id=caller.workshop_id, service_ticket_id=ticket.id, account_id=caller.account_id, text=text
        )  # fmt: skip
        session.add(comment)
        session.flush()
        audit.note(
            "comment.written", "comment", comment.id,
            after={"service_ticket_id": ticket.id, "text": text}, person=customers.person(ticket.customer_id),
        )  # fmt: skip
    return comment


def find(caller: Principal, ticket_id: int, walk: Walk) -> Page:
    """Return one page of the comments on a ticket, in the order in which they were written.

    :raises TicketNotFound: unknown here.
    """
    require_ticket(caller, ticket_id)
    return paging.fetch(
        _of_ticket(caller, select(TicketComment), ticket_id),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def get(caller: Principal, ticket_id: int, comment_id: int) -> TicketComment:
    """Return a comment on a ticket.

    :raises CommentNotFound: not on the ticket.
    """
    return _one(caller, select(TicketComment), ticket_id, comment_id)


def _of_ticket(caller: Principal, statement: Select[TicketComment], ticket_id: int) -> Select[TicketComment]:
    return statement.where(
        TicketComment.workshop_id == caller.workshop_id, TicketComment.service_ticket_id == ticket_id
    )


def _one(
    caller: Principal, statement: Select[TicketComment], ticket_id: int, comment_id: int
) -> TicketComment:
    found = db.session.scalar(_of_ticket(caller, statement, ticket_id).where(TicketComment.id == comment_id))
    if found is None:
        raise CommentNotFound()
    return found


def _hold(caller: Principal, ticket_id: int, comment_id: int, expected: Expected) -> TicketComment:
    comment = _one(caller, locked(TicketComment), ticket_id, comment_id)
    require_version(comment, expected)
    return comment


def change(
    caller: Principal, ticket_id: int, comment_id: int, text: str | None, expected: Expected = None
) -> TicketComment:
    """Change one's own comment; what it said before is in the audit log.

    :raises CommentNotFound: not on the ticket. :raises NotYourComment: somebody else wrote it.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        comment = _hold(caller, ticket_id, comment_id, expected)
        if comment.account_id != caller.account_id:
            raise NotYourComment("Who wrote a comment changes it.")
        before = comment.text
        comment.text = before if text is None else text
        session.flush()
        audit.note_change(
            "comment.changed", "comment", comment_id,
            {"text": before}, {"text": comment.text}, person=person_of(caller, ticket_id),
        )  # fmt: skip
    return comment


def remove(caller: Principal, ticket_id: int, comment_id: int, expected: Expected = None) -> None:
    """Delete a comment, whoever wrote it.

    :raises CommentNotFound: not on the ticket. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        comment = _hold(caller, ticket_id, comment_id, expected)
        told = audit.fields_of(comment, ("service_ticket_id", "account_id", "text"))
        session.delete(comment)
        session.flush()
        audit.note("comment.deleted", "comment", comment_id, before=told, person=person_of(caller, ticket_id))
