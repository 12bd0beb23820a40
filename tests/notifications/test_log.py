"""The log of notifications: what an owner sees of what left, and what was given up sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core import outbox
from app.core.clock import rfc3339
from app.core.db import atomic
from tests.factories import Shop, unique
from tests.mailing import NEVER, NOT_NOW, Clock, Scripted, deliver, post, row
from tests.watching import statements

LOG = "/notifications/log"


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.json
    return [message["id"] for message in answer.json]


@pytest.fixture
def of_each_state(shop: Shop, transport: Scripted) -> dict[str, int]:
    """A message of each state."""
    transport.script = [NEVER]
    dead = post(
        shop, "invitation_staff", workshop="Obi", role="owner", link="https://x.example/secret-link", hours=72
    )
    deliver(shop)
    sent = post(shop, "recovery_code", code="443322", minutes=15)
    deliver(shop)
    return {"dead": dead, "sent": sent, "pending": post(shop)}


class TestTheLog:
    def test_has_the_newest_first(self, shop: Shop, of_each_state: dict[str, int]) -> None:
        assert ids(shop.owner.get(LOG)) == [of_each_state[state] for state in ("pending", "sent", "dead")]

    def test_tells_to_whom_it_went_and_when(self, shop: Shop, transport: Scripted, clock_set: Clock) -> None:
        address = f"{unique('ada')}@example.com"
        message_id = post(shop, recipient=address)
        queued = clock_set.moment
        transport.script = [NOT_NOW]
        deliver(shop)
        waiting = shop.owner.get(LOG).json[0]
        clock_set.pass_(minutes=1)
        deliver(shop)

        sent = shop.owner.get(LOG).json[0]

        common = {
            "id": message_id,
            "topic": "password_changed",
            "recipient": address,
            "language": "en",
            "message_id": row(shop, message_id).message_id,
            "created_at": rfc3339(queued),
        }
        assert waiting == common | {
            "state": "pending",
            "attempts": 1,
            "last_error": "recipient refused: 450 4.2.1",
            "sent_by": None,
            "sent_at": None,
            "next_attempt_at": rfc3339(queued + timedelta(minutes=1)),
        }
        assert sent == common | {
            "state": "sent",
            "attempts": 2,
            "last_error": None,
            "sent_by": "scripted",
            "sent_at": rfc3339(queued + timedelta(minutes=1)),
            "next_attempt_at": None,
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("state=dead", ["dead"]),
            ("state=sent", ["sent"]),
            ("state=pending,dead", ["pending", "dead"]),
            ("topic=recovery_code", ["sent"]),
            ("topic=recovery_code,password_changed", ["pending", "sent"]),
            ("topic=recovery_code&state=dead", []),
            ("topic=account_locked", []),
            ("sort=created_at", ["dead", "sent", "pending"]),
            ("sort=-id&state=sent,dead", ["sent", "dead"]),
        ],
    )
    @pytest.mark.parametrize("walk", ["", "&page=1"])
    def test_is_filtered_and_ordered(
        self, shop: Shop, of_each_state: dict[str, int], query: str, found: list[str], walk: str
    ) -> None:
        answer = shop.owner.get(f"{LOG}?{query}{walk}")

        assert ids(answer) == [of_each_state[state] for state in found]
        assert answer.headers.get("X-Total-Count") == (str(len(found)) if walk else None)

    def test_is_filtered_by_period_and_recipient(
        self, shop: Shop, transport: Scripted, clock_set: Clock
    ) -> None:
        address = f"{unique('ada')}@example.com"
        start = clock_set.moment
        made = [post(shop, recipient=address)]
        for _ in range(2):
            clock_set.pass_(minutes=10)
            made.append(post(shop))
        second = rfc3339(start.replace(microsecond=0) + timedelta(minutes=10))

        assert ids(shop.owner.get(f"{LOG}?created_after={second}")) == [made[2], made[1]]
        assert ids(shop.owner.get(f"{LOG}?created_before={second}")) == [made[0]]
        assert ids(shop.owner.get(f"{LOG}?recipient={address.upper()}")) == [made[0]]
        assert ids(shop.owner.get(f"{LOG}?recipient=nobody@example.com")) == []

    @pytest.mark.parametrize(
        "query",
        ["state=lost", "topic=weather", "state=", "sort=recipient", "created_after=yesterday", "created_after=2026-01-01",
         "recipient=ada", "workshop_id=1", "per_page=101"],
    )  # fmt: skip
    def test_refuses_what_it_does_not_know(self, shop: Shop, query: str) -> None:
        answer = shop.owner.get(f"{LOG}?{query}")

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")

    @pytest.mark.parametrize("walk", ["", "&page=1"])
    def test_is_walked_to_its_end(self, shop: Shop, transport: Scripted, walk: str) -> None:
        made = [post(shop) for _ in range(5)]
        path: str | None = f"{LOG}?per_page=2{walk}"
        seen: list[int] = []
        while path:
            answer = shop.owner.get(path)
            seen += ids(answer)
            links = [
                link.split(">")[0].strip(" <")
                for link in answer.headers.get("Link", "").split(",")
                if 'rel="next"' in link
            ]
            path = links[0] if links else None

        assert seen == made[::-1]

    def test_never_shows_what_was_said(self, shop: Shop, of_each_state: dict[str, int]) -> None:
        told = shop.owner.get(LOG).get_data(as_text=True)
        again = shop.owner.post(f"/notifications/{of_each_state['dead']}/resend").get_data(as_text=True)

        assert "443322" not in told
        assert "secret-link" not in told + again

    def test_has_nothing_of_another_workshop(
        self, shop: Shop, other_shop: Shop, of_each_state: dict[str, int]
    ) -> None:
        address = row(shop, of_each_state["pending"]).recipient
        own = post(other_shop)

        assert ids(other_shop.owner.get(LOG)) == [own]
        assert ids(other_shop.owner.get(f"{LOG}?recipient={address}")) == []

    @pytest.mark.parametrize("rows", [1, 5])
    def test_costs_two_statements_however_long_it_is(
        self, shop: Shop, transport: Scripted, rows: int
    ) -> None:
        for _ in range(rows):
            post(shop)
        shop.owner.get("/mechanics")  # the membership is known now

        with statements(shop.app) as seen:
            shop.owner.get(LOG)

        assert len(seen) == 1, seen
        assert "template_values" not in seen[0]


class TestSendingAgain:
    def test_lets_a_dead_letter_start_anew_under_its_message_id(
        self, shop: Shop, transport: Scripted, of_each_state: dict[str, int]
    ) -> None:
        before = row(shop, of_each_state["dead"])

        answer = shop.owner.post(f"/notifications/{before.id}/resend")
        deliver(shop)

        after = row(shop, before.id)
        assert answer.status_code == 200
        assert (answer.json["state"], answer.json["attempts"], answer.json["last_error"]) == (
            "pending",
            0,
            None,
        )
        assert (after.state, after.attempts) == ("sent", 1)
        assert before.message_id == after.message_id
        assert before.message_id in transport.ids

    @pytest.mark.parametrize("state", ["sent", "pending"])
    def test_is_refused_for_what_was_not_given_up(
        self, shop: Shop, of_each_state: dict[str, int], state: str
    ) -> None:
        answer = shop.owner.post(f"/notifications/{of_each_state[state]}/resend")

        assert (answer.status_code, answer.json["code"]) == (409, "notification_not_dead")
        assert answer.json["detail"] == f"This one is {state}."
        assert row(shop, of_each_state[state]).state == state

    def test_twice_is_once(self, shop: Shop, of_each_state: dict[str, int]) -> None:
        path = f"/notifications/{of_each_state['dead']}/resend"

        answers = [shop.owner.post(path).status_code for _ in range(2)]

        assert answers == [200, 409]

    def test_is_refused_where_the_person_was_erased(self, shop: Shop, of_each_state: dict[str, int]) -> None:
        dead = row(shop, of_each_state["dead"])
        with shop.inside(), atomic():
            outbox.forget(shop.id, 0, [dead.recipient or ""])

        answer = shop.owner.post(f"/notifications/{dead.id}/resend")

        assert (answer.status_code, answer.json["code"]) == (409, "notification_erased")
        assert shop.owner.get(f"{LOG}?state=dead").json[0]["recipient"] is None

    @pytest.mark.parametrize("whose", ["another workshop's", "nobody's"])
    def test_finds_nothing_outside_of_the_workshop(
        self, shop: Shop, other_shop: Shop, of_each_state: dict[str, int], whose: str
    ) -> None:
        id_ = of_each_state["dead"] if whose == "another workshop's" else 9_000_000_000
        answer = other_shop.owner.post(f"/notifications/{id_}/resend")

        assert (answer.status_code, answer.json["code"]) == (404, "notification_not_found")
        assert row(shop, of_each_state["dead"]).state == "dead"
