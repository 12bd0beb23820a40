"""Comments: for staff alone; who wrote one changes it, an owner deletes it, and the log has what it said before."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app.blueprints.progress.models import TicketComment
from app.extensions import db
from tests.factories import Shop

WORDS = {"text": "He is in a hurry: ring him up before three."}


def written(shop: Shop) -> str:
    """Let the mechanic comment on a ticket, and return the comment's path."""
    path = f"/service_tickets/{shop.make_ticket()['id']}/comments"
    made = shop.mechanic.post(path, json=WORDS)
    assert made.status_code == 201, made.json
    return f"{path}/{made.json['id']}"


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_they_are_listed_in_the_order_in_which_they_were_written(shop: Shop) -> None:
    every = written(shop).rpartition("/")[0]
    shop.owner.post(every, json={"text": "Done."})

    listed = shop.mechanic.get(every).json

    assert [one["text"] for one in listed] == [WORDS["text"], "Done."]
    assert [one["edited"] for one in listed] == [False, False]
    assert shop.mechanic.principal is not None
    assert listed[0]["account_id"] == shop.mechanic.principal.account_id


def test_a_visit_that_is_over_can_be_commented_on(shop: Shop) -> None:
    ticket = f"/service_tickets/{shop.make_ticket()['id']}"
    shop.owner.post(f"{ticket}/status", json={"status": "cancelled"})

    assert shop.mechanic.post(f"{ticket}/comments", json=WORDS).status_code == 201


def test_no_customer_sees_or_writes_one(shop: Shop) -> None:
    path = written(shop)
    every = path.rpartition("/")[0]

    for answer in (
        shop.customer.get(every),
        shop.customer.get(path),
        shop.customer.post(every, json=WORDS),
        shop.customer.patch(path, json=WORDS),
        shop.customer.delete(path),
    ):
        assert refused(answer) == (403, "not_allowed")


def test_one_is_read_again_for_the_tag_that_a_change_asks_for(shop: Shop) -> None:
    every = written(shop).rpartition("/")[0]
    place = shop.mechanic.post(every, json=WORDS).headers["Location"]
    shop.mechanic.patch(place, json={"text": "No hurry."})

    read = shop.mechanic.get(place)
    changed = shop.mechanic.patch(place, json=WORDS, headers={"If-Match": read.headers["ETag"]})

    assert (read.status_code, read.json["text"]) == (200, "No hurry.")
    assert changed.status_code == 200
    elsewhere = f"/service_tickets/{shop.make_ticket()['id']}/comments/{read.json['id']}"
    assert refused(shop.mechanic.get(elsewhere)) == (404, "comment_not_found")


def test_who_wrote_one_changes_it_and_the_log_has_what_it_said(shop: Shop) -> None:
    path = written(shop)
    tag = {"If-Match": '"1-0"'}

    changed = shop.mechanic.patch(path, json={"text": "No hurry."}, headers=tag)
    stale = shop.mechanic.patch(path, json={"text": "Or is he?"}, headers=tag)
    by_another = shop.owner.patch(path, json={"text": "Yes."})

    assert (changed.json["text"], changed.json["edited"]) == ("No hurry.", True)
    assert stale.status_code == 412
    assert refused(by_another) == (403, "not_your_comment")
    entry = next(one for one in shop.owner.get("/audit").json if one["action"] == "comment.changed")
    assert (entry["before"], entry["after"]) == ({"text": WORDS["text"]}, {"text": "No hurry."})


def test_an_owner_deletes_it_and_nobody_else(shop: Shop) -> None:
    path = written(shop)

    by_its_author, by_owner = shop.mechanic.delete(path), shop.owner.delete(path)

    assert refused(by_its_author) == (403, "not_allowed")
    assert by_owner.json == {"message": f"Comment {path.rpartition('/')[2]} deleted."}
    assert shop.mechanic.get(path.rpartition("/")[0]).json == []
    assert refused(shop.owner.delete(path)) == (404, "comment_not_found")


def test_of_another_ticket_or_workshop_it_is_not_there(shop: Shop, other_shop: Shop) -> None:
    path, other = written(shop), shop.make_ticket()["id"]
    astray = f"/service_tickets/{other}/comments/{path.rpartition('/')[2]}"

    assert refused(shop.mechanic.patch(astray, json=WORDS)) == (404, "comment_not_found")
    assert refused(shop.owner.delete(astray)) == (404, "comment_not_found")
    assert refused(other_shop.owner.delete(path)) == (404, "comment_not_found")
    assert refused(other_shop.owner.get(path.rpartition("/")[0])) == (404, "service_ticket_not_found")


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x" * 2001}, {**WORDS, "account_id": 1}])
def test_what_is_no_comment_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    path = f"/service_tickets/{shop.make_ticket()['id']}/comments"

    assert shop.mechanic.post(path, json=body).status_code == 400
    assert shop.mechanic.get(path).json == []


def test_they_go_with_the_erasure_of_whom_they_may_tell_of(shop: Shop) -> None:
    customer = shop.make_customer().id
    path = f"/service_tickets/{shop.make_ticket(customer_id=customer)['id']}/comments"
    shop.mechanic.post(path, json=WORDS)
    kept = written(shop).rpartition("/")[0]

    report = shop.owner.delete(f"/customers/{customer}").json["report"]

    assert {"what": "comments", "count": 1} in report["erased"]
    assert shop.mechanic.get(path).json == []
    assert len(shop.mechanic.get(kept).json) == 1
    told = [one for one in shop.owner.get("/audit?per_page=100").json if one["action"] == "comment.written"]
    assert sorted(one["after"] is None for one in told) == [False, True]
    with shop.inside():
        assert db.session.scalar(select(func.count()).select_from(TicketComment)) == 1
