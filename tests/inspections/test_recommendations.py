"""Recommendations: found by an inspection, kept with the car, and offered at each visit until they are settled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.blueprints.inspections import recommending
from app.blueprints.inspections.vocabulary import OFFERED, STATES, STEPS
from tests.factories import Shop
from tests.inspections.examining import ADVICE, advise, advised, begun, car_of, offered, refused

IN_PARTS = {"estimated_price": None, "labour_hours": 1.5, "parts_price": 89.9}


def settle(shop: Shop, path: str, state: str, **more: Any) -> Any:
    return shop.mechanic.post(f"{path}/state", json={"state": state, **more})


class TestWhatAnInspectionFinds:
    def test_is_priced_in_one_sum_or_by_hours_and_parts(self, shop: Shop) -> None:
        path = begun(shop)

        whole = shop.mechanic.post(f"{path}/recommendations", json={**ADVICE, "point": 1})
        parted = shop.mechanic.post(f"{path}/recommendations", json={**ADVICE, **IN_PARTS}).json

        assert (whole.status_code, whole.json["state"], whole.json["point"]) == (201, "open", 1)
        assert (whole.json["estimated_price"], whole.json["labour_hours"]) == (189.9, None)
        assert (parted["estimated_price"], parted["labour_hours"], parted["parts_price"]) == (None, 1.5, 89.9)
        assert [one["id"] for one in shop.mechanic.get(path).json["recommendations"]] == [
            whole.json["id"],
            parted["id"],
        ]
        assert shop.mechanic.get(whole.headers["Location"]).json["changes"][0]["to_state"] == "open"

    def test_is_changed_and_taken_back_before_the_validation(self, shop: Shop) -> None:
        path = begun(shop)
        one = f"{path}/recommendations/{advise(shop, path)}"

        changed = shop.mechanic.patch(one, json={**IN_PARTS, "urgency": "now"})
        gone = shop.mechanic.delete(one)

        assert (changed.json["urgency"], changed.json["labour_hours"]) == ("now", 1.5)
        assert gone.status_code == 200
        assert shop.mechanic.get(path).json["recommendations"] == []

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"estimated_price": None}, "estimated_price"),
            ({"labour_hours": 1}, "estimated_price"),
            ({"parts_price": 0}, "estimated_price"),
            ({"estimated_price": -1}, "estimated_price"),
            ({"estimated_price": 1.005}, "estimated_price"),
            ({**IN_PARTS, "labour_hours": 0}, "labour_hours"),
            ({"point": 4}, "point"),
            ({"urgency": "whenever"}, "urgency"),
            ({"description": ""}, "description"),
            ({"state": "done"}, "state"),
        ],
    )
    def test_without_a_price_or_a_point_of_it_is_refused(
        self, shop: Shop, change: dict[str, Any], field: str
    ) -> None:
        path = begun(shop)

        answer = shop.mechanic.post(f"{path}/recommendations", json={**ADVICE, **change})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
        assert shop.mechanic.get(path).json["recommendations"] == []

    def test_is_changed_no_more_once_something_became_of_it(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        path = begun(shop, ticket["id"])
        advice = advise(shop, path)
        settle(shop, f"/vehicles/{car_of(shop, ticket)}/recommendations/{advice}", "declined")

        for answer in (
            shop.mechanic.patch(f"{path}/recommendations/{advice}", json={"urgency": "now"}),
            shop.mechanic.delete(f"{path}/recommendations/{advice}"),
        ):
            assert refused(answer) == (409, "recommendation_settled")

    def test_is_at_most_fifty_things(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recommending, "MOST_RECOMMENDATIONS", 1)
        path = begun(shop)
        advise(shop, path)

        answer = shop.mechanic.post(f"{path}/recommendations", json=ADVICE)

        assert refused(answer) == (409, "too_many_recommendations")

    def test_of_another_inspection_is_not_there(self, shop: Shop) -> None:
        advice, other = advise(shop, begun(shop)), begun(shop)

        for answer in (
            shop.mechanic.patch(f"{other}/recommendations/{advice}", json={"urgency": "now"}),
            shop.mechanic.delete(f"{other}/recommendations/{advice}"),
        ):
            assert refused(answer) == (404, "recommendation_not_found")


class TestTheNextVisit:
    def test_is_offered_what_is_open_and_what_was_declined(self, shop: Shop) -> None:
        first, path = advised(shop)
        advice = int(path.rpartition("/")[2])
        later = shop.make_ticket(VIN=first["VIN"])["id"]

        assert offered(shop.mechanic, later) == [advice]
        settle(shop, path, "declined", service_ticket_id=first["id"], reason="Next time.")
        assert offered(shop.mechanic, later) == [advice]
        settle(shop, path, "taken", service_ticket_id=later)
        assert offered(shop.mechanic, later) == []
        assert offered(shop.mechanic, shop.make_ticket()["id"]) == []

    def test_finishes_what_was_taken_at_it(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        settle(shop, path, "taken", service_ticket_id=ticket["id"])

        for step in ("received", "in_progress", "completed"):
            shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": step})

        told = shop.mechanic.get(path).json
        assert (told["state"], told["taken_ticket_id"]) == ("done", ticket["id"])
        assert [one["to_state"] for one in told["changes"]] == ["open", "taken", "done"]
        assert shop.owner.principal is not None
        assert told["changes"][2]["account_id"] == shop.owner.principal.account_id

    def test_that_is_cancelled_leaves_it_open(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        settle(shop, path, "taken", service_ticket_id=ticket["id"])

        shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": "cancelled"})

        told = shop.mechanic.get(path).json
        assert (told["state"], told["taken_ticket_id"]) == ("open", None)

    def test_leaves_alone_what_was_taken_at_another(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        other = shop.make_ticket(VIN=ticket["VIN"])["id"]
        settle(shop, path, "taken", service_ticket_id=other)

        shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": "cancelled"})

        assert shop.mechanic.get(path).json["state"] == "taken"


class TestHowManyAreOpen:
    def test_is_told_with_the_ticket_to_staff_from_its_opening_on(self, shop: Shop) -> None:
        first, path = advised(shop)
        advise(shop, begun(shop, first["id"]))
        advised(shop)
        place = f"/service_tickets/{first['id']}"
        body = {
            "VIN": first["VIN"], "service_date": "2026-12-01", "service_desc": "Brakes", "customer_id": shop.customer_id,
        }  # fmt: skip

        later = shop.mechanic.post("/service_tickets", json=body)
        bare = shop.make_ticket()

        assert later.json["open_recommendations"] == 2
        assert shop.mechanic.get(later.headers["Location"]).json["open_recommendations"] == 2
        assert shop.mechanic.get(f"/service_tickets/{bare['id']}").json["open_recommendations"] == 0
        for state, left in (("declined", 2), ("taken", 1), ("open", 2), ("dismissed", 1)):
            settle(shop, path, state, service_ticket_id=first["id"])
            assert shop.mechanic.get(place).json["open_recommendations"] == left

    def test_is_not_told_to_customers(self, shop: Shop) -> None:
        first, _ = advised(shop)
        body = {
            "VIN": first["VIN"], "service_date": "2026-12-01", "service_desc": "Brakes", "customer_id": shop.customer_id,
        }  # fmt: skip

        opened = shop.customer.post("/service_tickets", json=body)

        assert opened.json["open_recommendations"] is None
        assert shop.customer.get(opened.headers["Location"]).json["open_recommendations"] is None


class TestOnATicket:
    def test_one_is_put_by_one_call_and_is_taken_there(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        place = f"/service_tickets/{ticket['id']}"

        made = shop.mechanic.post(f"{place}/recommendations/{path.rpartition('/')[2]}")

        [line] = made.json["lines"]
        assert (made.status_code, made.headers["Location"]) == (201, place)
        assert (line["kind"], line["description"], line["unit_price"]) == ("fee", "New front pads", 189.9)
        told = shop.mechanic.get(path).json
        assert (told["state"], told["taken_ticket_id"], told["line_ids"]) == (
            "taken",
            ticket["id"],
            [line["id"]],
        )

    def test_hours_are_at_the_labour_rate_and_what_has_a_price_is_a_fee(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        advice = advise(shop, begun(shop, ticket["id"]), **IN_PARTS)
        place = f"/service_tickets/{ticket['id']}/recommendations/{advice}"

        without = shop.mechanic.post(place)
        shop.owner.patch(f"/workshops/{shop.id}", json={"labour_rate": 100})
        lines = shop.mechanic.post(place).json["lines"]

        assert (without.status_code, list(without.json["errors"])) == (400, ["lines.0.unit_price"])
        assert [(line["kind"], line["quantity"], line["unit_price"]) for line in lines] == [
            ("labour", 1.5, 100),
            ("fee", 1, 89.9),
        ]

    def test_one_that_is_taken_or_of_another_car_is_not_put(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        advice = path.rpartition("/")[2]
        shop.mechanic.post(f"/service_tickets/{ticket['id']}/recommendations/{advice}")

        again = shop.mechanic.post(f"/service_tickets/{ticket['id']}/recommendations/{advice}")
        elsewhere = shop.mechanic.post(
            f"/service_tickets/{shop.make_ticket()['id']}/recommendations/{advice}"
        )

        assert refused(again) == (409, "recommendation_settled")
        assert refused(elsewhere) == (404, "recommendation_not_found")
        assert len(shop.mechanic.get(f"/service_tickets/{ticket['id']}").json["lines"]) == 1

    def test_it_is_open_again_once_all_its_lines_are_taken_off(self, shop: Shop) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"labour_rate": 100})
        ticket = shop.make_ticket()
        advice = advise(shop, begun(shop, ticket["id"]), **IN_PARTS)
        place = f"/service_tickets/{ticket['id']}"
        path = f"/vehicles/{car_of(shop, ticket)}/recommendations/{advice}"
        lines = shop.mechanic.post(f"{place}/recommendations/{advice}").json["lines"]
        states = []

        for line in lines:
            assert shop.mechanic.delete(f"{place}/lines/{line['id']}").status_code == 200
            states.append(shop.mechanic.get(path).json["state"])

        told = shop.mechanic.get(path).json
        assert states == ["taken", "open"]
        assert (told["taken_ticket_id"], told["line_ids"]) == (None, [])
        assert shop.mechanic.principal is not None
        assert told["changes"][-1]["account_id"] == shop.mechanic.principal.account_id

    def test_it_is_tied_to_lines_that_somebody_wrote(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        place = f"/service_tickets/{ticket['id']}"
        fee = {"kind": "fee", "description": "Pads", "unit_price": 180}
        line = shop.mechanic.post(f"{place}/lines", json=fee).json["lines"][0]["id"]
        taken = {"service_ticket_id": ticket["id"], "line_ids": [line, line]}

        told = settle(shop, path, "taken", **taken)
        shop.mechanic.delete(f"{place}/lines/{line}")

        assert (told.status_code, told.json["line_ids"]) == (200, [line])
        assert shop.mechanic.get(path).json["state"] == "open"

    def test_a_line_is_one_recommendations_and_of_the_ticket(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        _, other = advised(shop)
        line = shop.mechanic.post(
            f"/service_tickets/{ticket['id']}/recommendations/{path.rpartition('/')[2]}"
        ).json["lines"][0]["id"]
        inspection = begun(shop, ticket["id"])
        second = f"{path.rpartition('/')[0]}/{advise(shop, inspection)}"
        at = {"service_ticket_id": ticket["id"]}

        assert refused(settle(shop, second, "taken", line_ids=[line], **at)) == (409, "line_taken")
        assert refused(settle(shop, second, "taken", line_ids=[0], **at))[0] == 400
        assert refused(settle(shop, second, "taken", line_ids=[9_000_000_000], **at)) == (
            404,
            "line_not_found",
        )
        wrong = settle(shop, second, "declined", line_ids=[line], **at)
        assert (wrong.status_code, list(wrong.json["errors"])) == (400, ["line_ids"])
        assert shop.mechanic.get(other).json["state"] == "open"

    def test_what_was_put_off_of_a_part_that_is_gone_is_refused(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=1)
        ticket = shop.make_ticket()
        filters = {"kind": "part", "item_id": part.id}
        place = f"/service_tickets/{ticket['id']}"
        for step in ("received", "analysis"):
            shop.owner.post(f"{place}/status", json={"status": step})
        shop.mechanic.post(f"{place}/lines", json=filters)
        estimate = shop.mechanic.post(f"{place}/estimates", json={}).json
        shop.customer.post(
            f"{place}/estimates/{estimate['id']}/decision", json={"name": "Ada", "accepted_line_ids": []}
        )
        [advice] = offered(shop.mechanic, ticket["id"])
        shop.owner.patch(f"/inventory/{part.id}", json={"on_hand": 0})
        assert shop.owner.delete(f"/inventory/{part.id}").status_code == 200
        later = shop.make_ticket(VIN=ticket["VIN"])["id"]

        answer = shop.mechanic.post(f"/service_tickets/{later}/recommendations/{advice}")

        assert refused(answer) == (409, "recommendation_outdated")
        assert offered(shop.mechanic, later) == [advice]


class TestWhoSeesThem:
    def test_a_customer_sees_theirs_once_the_inspection_is_validated(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        inspection = begun(shop, ticket["id"])
        advice = advise(shop, inspection)
        path = f"/vehicles/{car_of(shop, ticket)}/recommendations"

        before = shop.customer.get(path).json, offered(shop.customer, ticket["id"])
        hidden = shop.customer.get(f"{path}/{advice}")
        shop.owner.post(f"{inspection}/validate")

        assert before == ([], [])
        assert refused(hidden) == (404, "recommendation_not_found")
        assert [one["id"] for one in shop.customer.get(path).json] == [advice]
        assert offered(shop.customer, ticket["id"]) == [advice]
        assert shop.customer.get(f"{path}/{advice}").status_code == 200

    def test_a_customer_sees_what_became_of_theirs_without_what_staff_write_of_it(self, shop: Shop) -> None:
        _, path = advised(shop)
        for state in ("declined", "open", "dismissed"):
            settle(shop, path, state, reason=f"Why {state}.")

        seen, known = (caller.get(path).json["changes"] for caller in (shop.customer, shop.mechanic))

        assert [one["reason"] for one in known] == [None, "Why declined.", "Why open.", "Why dismissed."]
        assert [one["reason"] for one in seen] == [None, "Why declined.", None, None]
        assert [one["to_state"] for one in seen] == ["open", "declined", "open", "dismissed"]

    def test_another_customer_sees_none(self, shop: Shop) -> None:
        ticket, path = advised(shop)

        assert refused(shop.other_customer.get(path)) == (403, "not_your_vehicle")
        assert refused(shop.other_customer.get(path.rpartition("/")[0])) == (403, "not_your_vehicle")
        at_the_visit = f"/service_tickets/{ticket['id']}/recommendations"
        assert refused(shop.other_customer.get(at_the_visit)) == (403, "not_your_ticket")

    def test_the_next_keeper_is_not_shown_what_the_former_was_told(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        every = path.rpartition("/")[0]
        car = every.removesuffix("/recommendations")
        shop.owner.post(f"{car}/transfer", json={"customer_id": shop.other_customer_id})
        later = shop.make_ticket(VIN=ticket["VIN"], customer_id=shop.other_customer_id)["id"]

        assert shop.other_customer.get(every).json == []
        assert offered(shop.other_customer, later) == []
        assert refused(shop.other_customer.get(path)) == (404, "recommendation_not_found")
        assert len(offered(shop.mechanic, later)) == 1

    def test_they_are_found_by_state(self, shop: Shop) -> None:
        _, path = advised(shop)
        every = path.rpartition("/")[0]
        settle(shop, path, "declined")

        assert shop.mechanic.get(f"{every}?state=open,taken").json == []
        assert len(shop.mechanic.get(f"{every}?state=declined,done").json) == 1
        assert shop.mechanic.get(f"{every}?state=forgotten").status_code == 400

    def test_another_workshop_sees_none(self, shop: Shop, other_shop: Shop) -> None:
        ticket, path = advised(shop)

        assert refused(other_shop.owner.get(path)) == (404, "vehicle_not_found")
        assert refused(other_shop.owner.get(path.rpartition("/")[0])) == (404, "vehicle_not_found")
        assert refused(settle(other_shop, path, "done")) == (404, "recommendation_not_found")
        at_the_visit = f"/service_tickets/{ticket['id']}/recommendations"
        assert refused(other_shop.owner.get(at_the_visit)) == (404, "service_ticket_not_found")


class TestSettling:
    def test_keeps_who_when_where_and_why(self, shop: Shop) -> None:
        ticket, path = advised(shop)

        told = settle(shop, path, "declined", service_ticket_id=ticket["id"], reason="Too dear.").json

        assert shop.mechanic.principal is not None
        last = told["changes"][-1]
        assert last.pop("at") is not None
        assert last == {
            "from_state": "open", "to_state": "declined", "service_ticket_id": ticket["id"], "reason": "Too dear.",
            "account_id": shop.mechanic.principal.account_id,
        }  # fmt: skip

    def test_by_taking_needs_a_visit_of_the_car(self, shop: Shop) -> None:
        _, path = advised(shop)
        other = shop.make_ticket()["id"]

        nowhere, elsewhere = settle(shop, path, "taken"), settle(shop, path, "taken", service_ticket_id=other)

        assert (nowhere.status_code, list(nowhere.json["errors"])) == (400, ["service_ticket_id"])
        assert refused(elsewhere) == (404, "service_ticket_not_found")
        assert shop.mechanic.get(path).json["state"] == "open"

    def test_of_what_somebody_settled_meanwhile_is_refused(self, shop: Shop) -> None:
        _, path = advised(shop)
        tag = {"If-Match": shop.mechanic.get(path).headers["ETag"]}
        body = {"state": "declined"}

        first, second = (shop.mechanic.post(f"{path}/state", json=body, headers=tag) for _ in range(2))

        assert (first.status_code, second.status_code) == (200, 412)

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(states=st.lists(st.sampled_from(STATES), max_size=6))
    def test_goes_by_the_table_and_keeps_every_step(self, shop: Shop, states: list[str]) -> None:
        ticket, path = advised(shop)
        present, kept = "open", ["open"]

        for state in states:
            answer = settle(shop, path, state, service_ticket_id=ticket["id"])
            if state in STEPS[present]:
                assert answer.status_code == 200
                present = state
                kept.append(state)
            else:
                assert refused(answer) == (409, "recommendation_settled")

        told = shop.mechanic.get(path).json
        assert told["state"] == present
        assert [one["to_state"] for one in told["changes"]] == kept
        assert [one["from_state"] for one in told["changes"]] == [None, *kept[:-1]]
        assert bool(offered(shop.mechanic, ticket["id"])) == (present in OFFERED)
