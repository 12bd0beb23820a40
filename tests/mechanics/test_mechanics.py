"""Mechanics: who keeps them, who sees what of them, how one is found and how one leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.blueprints.accounts.models import AccountSession
from app.core.db import atomic
from tests.factories import PASSWORD, Caller, Shop, fields_of, unique

LOGIN = "/mechanics/login"
STAFF_SEE = {"id", "name", "email", "phone", "skills", "active", "created_at", "updated_at"}
SEEN_BY = {"owner": STAFF_SEE | {"salary"}, "mechanic": STAFF_SEE, "customer": {"id", "name"}}


def hiring(**overrides: Any) -> dict[str, Any]:
    return {
        "name": "Jane Wrench", "email": f"{unique('jane')}@example.com", "phone": "555-987-6543", "salary": 60000, **overrides,
    }  # fmt: skip


def sign_in(shop: Shop, email: str, password: str = PASSWORD) -> int:
    return shop.nobody.post(LOGIN, json={"email": email, "password": password}).status_code


class TestHiring:
    def test_the_owner_adds_a_mechanic(self, shop: Shop) -> None:
        body = hiring()

        made = shop.owner.post("/mechanics/", json=body)

        assert made.status_code == 201
        assert made.headers["Location"] == f"/mechanics/{made.json['id']}"
        assert made.json.items() >= body.items()
        assert shop.owner.get(made.headers["Location"]).json == made.json
        assert sign_in(shop, body["email"]) == 401

    def test_with_a_password_the_mechanic_signs_in(self, shop: Shop) -> None:
        body = hiring(password=PASSWORD)

        made = shop.owner.post("/mechanics", json=body)

        assert "password" not in made.json
        assert sign_in(shop, body["email"].upper()) == 200

    @pytest.mark.parametrize("role", ["mechanic", "customer"])
    def test_nobody_else_does(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)

        assert caller.post("/mechanics", json=hiring()).status_code == 403

    @pytest.mark.parametrize("field", ["name", "email", "phone", "salary"])
    def test_each_field_is_needed(self, shop: Shop, field: str) -> None:
        body = hiring()
        del body[field]

        answer = shop.owner.post("/mechanics", json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""), ("name", None), ("name", 1), ("name", ["Jane"]), ("name", "a\0b"), ("name", "x" * 201),
            ("email", "jane"), ("email", None), ("phone", "x"), ("phone", None),
            ("salary", -0.01), ("salary", "a lot"), ("salary", None), ("salary", True), ("salary", [60000]),
            ("salary", "60,000"),
            ("salary", "6e4"), ("salary", 60000.005), ("salary", 10_000_000_000), ("salary", 1e308),
            ("salary", "NaN"), ("salary", ""),
            ("password", None), ("password", 12345678), ("password", "x" * 129),
            ("id", 1), ("left_at", None), ("role", "owner"), ("ticket_count", 5),
        ],
    )  # fmt: skip
    def test_a_careless_field_is_named(self, shop: Shop, field: str, value: Any) -> None:
        answer = shop.owner.post("/mechanics", json=hiring(**{field: value}))

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            (60000, 60000.0), (60000.5, 60000.5), ("60000.50", 60000.5), ("0", 0.0),
            (9999999999.99, 9999999999.99), (6e4, 60000.0),
        ],
    )  # fmt: skip
    def test_a_salary_is_an_amount(self, shop: Shop, given: Any, kept: float) -> None:
        made = shop.owner.post("/mechanics", json=hiring(salary=given))

        assert (made.status_code, made.json["salary"]) == (201, kept)

    def test_an_address_is_one_mechanics(self, shop: Shop) -> None:
        known = shop.make_mechanic()

        answer = shop.owner.post("/mechanics", json=hiring(email=known.email.upper()))

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")

    def test_another_workshop_may_employ_the_same_person(self, shop: Shop, other_shop: Shop) -> None:
        body = hiring()

        answers = [at.owner.post("/mechanics", json=body) for at in (shop, other_shop)]

        assert [answer.status_code for answer in answers] == [201, 201]

    def test_a_sign_in_is_not_given_with_somebody_elses_address(self, shop: Shop, other_shop: Shop) -> None:
        body = hiring(email=other_shop.owner.email, password="a guess at best")

        answer = shop.owner.post("/mechanics", json=body)

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
        assert body["name"] not in [mechanic["name"] for mechanic in shop.owner.get("/mechanics").json]

    def test_a_short_password_hires_nobody(self, shop: Shop) -> None:
        answer = shop.owner.post("/mechanics", json=hiring(password="short"))

        assert (answer.status_code, answer.json["code"]) == (400, "password_too_short")
        assert len(shop.owner.get("/mechanics").json) == 1


class TestSkills:
    def test_are_kept_replaced_and_logged(self, shop: Shop) -> None:
        made = shop.owner.post(
            "/mechanics", json=hiring(skills=["Brakes", "Klimatyzacja, żółty R1234yf"])
        ).json
        path = f"/mechanics/{made['id']}"

        patched = shop.owner.patch(path, json={"skills": ["diagnostics"]}).json
        replaced = shop.owner.put(path, json=hiring()).json
        logged = shop.owner.get("/audit?action=mechanic.updated").json[0]

        assert [row["skills"] for row in (made, patched, replaced)] == [
            ["Brakes", "Klimatyzacja, żółty R1234yf"], ["diagnostics"], [],
        ]  # fmt: skip
        assert (logged["before"]["skills"], logged["after"]["skills"]) == (["diagnostics"], [])

    @pytest.mark.parametrize(
        "skills",
        [
            None,
            "brakes",
            [""],
            [" "],
            [1],
            [None],
            ["x" * 61],
            ["brakes", "Brakes"],
            [f"s{n}" for n in range(31)],
            {},
        ],
    )
    def test_that_are_none_are_refused(self, shop: Shop, skills: Any) -> None:
        answer = shop.owner.post("/mechanics", json=hiring(skills=skills))

        assert answer.status_code == 400
        assert fields_of(answer) == ["skills"]

    @pytest.mark.parametrize(
        ("sought", "found"), [("brake", ["Al"]), ("BRAKE disc", ["Al"]), ("klima", ["Zoe"]), ("paint", [])]
    )
    def test_find_who_has_them(self, shop: Shop, other_shop: Shop, sought: str, found: list[str]) -> None:
        shop.make_mechanic(name="Al", skills=["disc brakes", "tyres"])
        shop.make_mechanic(name="Zoe", skills=["Klimatyzacja"])
        other_shop.make_mechanic(name="Al", skills=["disc brakes"])

        answer = shop.mechanic.get("/mechanics", query_string={"skill": sought})

        assert [mechanic["name"] for mechanic in answer.json] == found

    @pytest.mark.parametrize("query", ["skill=brakes", "active=false"])
    def test_are_not_for_customers_to_ask_about(self, shop: Shop, query: str) -> None:
        assert shop.customer.get(f"/mechanics?{query}").status_code == 403


def test_staff_see_who_has_left(shop: Shop) -> None:
    gone = shop.make_mechanic(name="Gone Before").id
    assert shop.owner.delete(f"/mechanics/{gone}").status_code == 200

    left = shop.mechanic.get("/mechanics?active=false").json
    here = shop.mechanic.get("/mechanics").json

    assert [(row["name"], row["active"]) for row in left] == [("Gone Before", False)]
    assert [(row["id"], row["active"]) for row in here] == [(shop.mechanic_id, True)]


@pytest.mark.parametrize("word", ["no", "1", "t", "False", ""])
def test_whether_they_work_here_is_true_or_false(shop: Shop, word: str) -> None:
    answer = shop.mechanic.get(f"/mechanics?active={word}")

    assert answer.status_code == 400
    assert list(answer.json["errors"]) == ["active"]


class TestSeeing:
    @pytest.mark.parametrize("role", SEEN_BY)
    @pytest.mark.parametrize("path", ["/mechanics", "/mechanics/search?name=mel", "/mechanics/{id}"])
    def test_each_role_sees_its_own_part(self, shop: Shop, role: str, path: str) -> None:
        caller: Caller = getattr(shop, role)

        answers = [
            caller.get(path.format(id=shop.mechanic_id)).json for _ in range(2)
        ]  # the second is the cache's

        rows = [row for answer in answers for row in (answer if isinstance(answer, list) else [answer])]
        assert [set(row) for row in rows] == [SEEN_BY[role]] * 2

    def test_no_answer_to_anybody_else_carries_a_salary(self, shop: Shop) -> None:
        shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"salary": 87654.32})
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.put(f"{ticket}/assign-mechanic/{shop.mechanic_id}")

        anybody = ("/mechanics", f"/mechanics/{shop.mechanic_id}", ticket)
        seen = [
            *(shop.mechanic.get(path).text for path in (*anybody, "/mechanics/usage", "/service_tickets")),
            *(shop.customer.get(path).text for path in (*anybody, "/customers/my-tickets")),
        ]

        assert not any("87654" in text or "salary" in text for text in seen)
        assert "87654.32" in shop.owner.get("/mechanics").text

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("jane", ["Jane 100% Brake", "Jane Wrench"]), ("JANE", ["Jane 100% Brake", "Jane Wrench"]),
            ("wren", ["Jane Wrench"]),
            ("0%", ["Jane 100% Brake"]), ("%", ["Jane 100% Brake"]), ("_", ["Under_score"]), ("r_s", ["Under_score"]),
            ("zzz", []), ("\\", []), ("' OR '1'='1", []), ("mechanic", ["Mel Mechanic"]),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("path", ["/mechanics/search", "/mechanics"])
    def test_one_is_found_by_words_of_the_name(
        self, shop: Shop, other_shop: Shop, path: str, words: str, found: list[str]
    ) -> None:
        for name in ("Jane Wrench", "Jane 100% Brake", "Under_score"):
            shop.make_mechanic(name=name)
        other_shop.make_mechanic(name="Jane Wrench")

        answer = shop.customer.get(path, query_string={"name": words})

        assert [mechanic["name"] for mechanic in answer.json] == found

    @pytest.mark.parametrize(
        "query", [{}, {"name": ""}, {"name": "  "}, {"name": "x" * 101}, {"q": "jane"}, {"name": "a\0"}]
    )
    def test_a_search_needs_words(self, shop: Shop, query: dict[str, str]) -> None:
        answer = shop.owner.get("/mechanics/search", query_string=query)

        assert answer.status_code == 400
        assert "name" in answer.json["errors"]

    @pytest.mark.parametrize(
        ("sort", "names"),
        [
            ("name", ["Al", "Mel Mechanic", "Zoe"]), ("-name", ["Zoe", "Mel Mechanic", "Al"]),
            ("id", ["Mel Mechanic", "Zoe", "Al"]),
            ("-id", ["Al", "Zoe", "Mel Mechanic"]),
        ],
    )  # fmt: skip
    def test_the_order_can_be_chosen(self, shop: Shop, sort: str, names: list[str]) -> None:
        shop.make_mechanic(name="Zoe")
        shop.make_mechanic(name="Al")

        answer = shop.mechanic.get("/mechanics", query_string={"sort": sort})

        assert [mechanic["name"] for mechanic in answer.json] == names

    @pytest.mark.parametrize("sort", ["salary", "-salary", "email"])
    def test_nobody_learns_salaries_from_the_order(self, shop: Shop, sort: str) -> None:
        answers = [
            caller.get("/mechanics", query_string={"sort": sort}) for caller in (shop.owner, shop.customer)
        ]

        assert [answer.status_code for answer in answers] == [400, 400]

    def test_another_workshops_look_missing(self, shop: Shop, other_shop: Shop) -> None:
        answer = shop.owner.get(f"/mechanics/{other_shop.mechanic_id}")

        assert (answer.status_code, answer.json["code"]) == (404, "mechanic_not_found")


class TestChanging:
    def test_put_replaces(self, shop: Shop) -> None:
        mechanic = shop.make_mechanic()
        body = hiring(name="New Name", salary="1.10")

        answer = shop.owner.put(f"/mechanics/{mechanic.id}", json=body)

        assert answer.status_code == 200
        assert answer.json.items() >= (body | {"salary": 1.1}).items()

    @pytest.mark.parametrize("field", ["name", "email", "phone", "salary"])
    def test_put_needs_the_whole(self, shop: Shop, field: str) -> None:
        body = hiring()
        del body[field]

        answer = shop.owner.put(f"/mechanics/{shop.mechanic_id}", json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize(
        "changes",
        [{}, {"name": "New"}, {"salary": 1}, {"phone": "555-000-2222"}, {"name": "New", "salary": 0}],
    )
    def test_patch_changes_what_it_names(self, shop: Shop, changes: dict[str, Any]) -> None:
        before = shop.owner.get(f"/mechanics/{shop.mechanic_id}").json

        answer = shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json=changes)

        assert answer.status_code == 200
        assert answer.json | {"updated_at": ""} == before | changes | {"updated_at": ""}

    @pytest.mark.parametrize("field", ["name", "email", "phone", "salary", "password"])
    def test_nothing_of_a_mechanic_is_cleared(self, shop: Shop, field: str) -> None:
        answer = shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={field: None})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_a_new_address_is_in_the_record_at_once_and_not_yet_what_they_sign_in_with(
        self, shop: Shop, method: str
    ) -> None:
        new = f"{unique('NEW')}@Example.com"

        answer = shop.owner.open(method, f"/mechanics/{shop.mechanic_id}", json=hiring(email=new))

        assert answer.json["email"] == new.lower()
        assert (sign_in(shop, shop.mechanic.email), sign_in(shop, new)) == (200, 401)

    def test_a_new_password_replaces_the_old(self, shop: Shop) -> None:
        shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"password": "another-fine-one"})

        assert (
            sign_in(shop, shop.mechanic.email),
            sign_in(shop, shop.mechanic.email, "another-fine-one"),
        ) == (401, 200)

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_of_ones_own_record_a_password_takes_the_present_one_once_one_signed_in_long_ago(
        self, shop: Shop, method: str
    ) -> None:
        own = f"/mechanics/{shop.make_mechanic(email=shop.owner.email, password=PASSWORD).id}"
        body = hiring(email=shop.owner.email, password="another-fine-one")
        fresh = shop.owner.open(method, own, json=body)
        with shop.app.app_context(), atomic() as session:
            assert shop.owner.principal is not None
            row = session.get_one(AccountSession, shop.owner.principal.session_id)
            row.started_at -= timedelta(minutes=31)

        answers = [
            shop.owner.open(method, own, json={**body, "password": PASSWORD, **given})
            for given in ({}, {"present_password": "not-it"}, {"present_password": "another-fine-one"})
        ]

        assert [(answer.status_code, answer.json.get("code")) for answer in (fresh, *answers)] == [
            (200, None), (403, "present_password_needed"), (403, "wrong_password"), (200, None),
        ]  # fmt: skip
        assert sign_in(shop, shop.owner.email) == 200
        assert shop.owner.get("/auth/me").status_code == 200

    def test_a_new_address_alone_gives_no_sign_in(self, shop: Shop) -> None:
        mechanic, new = shop.make_mechanic(), f"{unique('new')}@example.com"

        answer = shop.owner.patch(f"/mechanics/{mechanic.id}", json={"email": new})

        assert (answer.status_code, answer.json["email"]) == (200, new)
        assert sign_in(shop, new) == 401

    def test_an_address_of_another_mechanic_is_a_conflict(self, shop: Shop) -> None:
        mechanic = shop.make_mechanic()

        answer = shop.owner.patch(
            f"/mechanics/{mechanic.id}", json={"email": shop.mechanic.email, "name": "New"}
        )

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
        assert shop.owner.get(f"/mechanics/{mechanic.id}").json["name"] == "Jane Wrench"

    def test_so_is_the_address_of_another_account(self, shop: Shop) -> None:
        answer = shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"email": shop.customer.email})

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
        assert shop.owner.get(f"/mechanics/{shop.mechanic_id}").json["email"] == shop.mechanic.email

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"password": "another-fine-one"}, 409),
            ({"email": "new@example.com"}, 409),
            ({"name": "New", "salary": 2}, 200),
        ],
    )
    def test_a_sign_in_that_serves_another_workshop_is_left_alone(
        self, shop: Shop, other_shop: Shop, changes: dict[str, Any], status: int
    ) -> None:
        mechanic = shop.make_mechanic(email=other_shop.customer.email, password=PASSWORD)

        answer = shop.owner.patch(f"/mechanics/{mechanic.id}", json=changes)

        assert answer.status_code == status
        assert status == 200 or answer.json["code"] == "account_shared"
        assert sign_in(other_shop, other_shop.customer.email) == 200

    @pytest.mark.parametrize("role", ["mechanic", "customer"])
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_nobody_but_the_owner_changes_them(self, shop: Shop, role: str, method: str) -> None:
        caller: Caller = getattr(shop, role)
        sent = {} if method == "DELETE" else {"json": hiring()}

        assert caller.open(method, f"/mechanics/{shop.mechanic_id}", **sent).status_code == 403

    @pytest.mark.parametrize("role", SEEN_BY)
    def test_a_change_is_seen_at_once_by_everybody(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)
        paths = ["/mechanics", f"/mechanics/{shop.mechanic_id}", "/mechanics/search?name=e"]
        before = [caller.get(path) for path in paths]

        shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"name": "Renamed"})

        assert not any("Renamed" in answer.text for answer in before)
        assert all("Renamed" in caller.get(path).text for path in paths)


class TestLeaving:
    def test_the_tickets_keep_the_name(self, shop: Shop) -> None:
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.put(f"{ticket}/assign-mechanic/{shop.mechanic_id}")

        gone = shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        assert (gone.status_code, gone.json) == (200, {"message": f"Mechanic {shop.mechanic_id} deleted."})
        named = [{"id": shop.mechanic_id, "name": "Mel Mechanic"}]
        assert shop.owner.get(ticket).json["mechanics"] == named
        assert shop.customer.get("/customers/my-tickets").json[0]["mechanics"] == named

    def test_the_sign_in_ends_at_once(self, shop: Shop) -> None:
        before = shop.mechanic.get("/service_tickets")

        shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        assert (before.status_code, shop.mechanic.get("/service_tickets").status_code) == (200, 401)
        assert shop.mechanic.post("/customers", json={"name": "Walk In"}).status_code == 401
        assert sign_in(shop, shop.mechanic.email) == 401

    def test_nobody_finds_them_among_the_mechanics(self, shop: Shop) -> None:
        shop.owner.get("/mechanics")

        shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        assert shop.owner.get("/mechanics").json == []
        assert shop.owner.get("/mechanics/search?name=mel").json == []
        assert shop.owner.get("/mechanics/usage").json == []
        for method in ("GET", "DELETE"):
            assert shop.owner.open(method, f"/mechanics/{shop.mechanic_id}").status_code == 404
        for method in ("PUT", "PATCH"):
            assert shop.owner.open(method, f"/mechanics/{shop.mechanic_id}", json=hiring()).status_code == 404

    def test_no_new_work_is_assigned_to_them(self, shop: Shop) -> None:
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        answer = shop.owner.put(f"{ticket}/assign-mechanic/{shop.mechanic_id}")
        edit = shop.owner.put(f"{ticket}/edit", json={"add_mechanic_ids": [shop.mechanic_id]})

        assert (answer.status_code, answer.json["code"]) == (404, "mechanic_not_found")
        assert edit.json["notes"] == [f"Mechanic {shop.mechanic_id} is unknown."]
        assert edit.json["service_ticket"]["mechanics"] == []

    @pytest.mark.parametrize("way", ["remove-mechanic", "edit"])
    def test_they_can_be_taken_off_a_ticket_afterwards(self, shop: Shop, way: str) -> None:
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.put(f"{ticket}/assign-mechanic/{shop.mechanic_id}")
        shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        answer = (
            shop.owner.put(f"{ticket}/remove-mechanic/{shop.mechanic_id}")
            if way == "remove-mechanic"
            else shop.owner.put(f"{ticket}/edit", json={"remove_mechanic_ids": [shop.mechanic_id]})
        )

        assert answer.status_code == 200
        assert shop.owner.get(ticket).json["mechanics"] == []

    def test_one_who_comes_back_is_hired_anew_with_the_same_address(self, shop: Shop) -> None:
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.put(f"{ticket}/assign-mechanic/{shop.mechanic_id}")
        shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        again = shop.owner.post(
            "/mechanics", json=hiring(email=shop.mechanic.email, password="another-fine-one")
        )

        assert again.status_code == 201
        assert again.json["id"] != shop.mechanic_id
        assert (
            sign_in(shop, shop.mechanic.email),
            sign_in(shop, shop.mechanic.email, "another-fine-one"),
        ) == (401, 200)
        assert shop.mechanic.get("/mechanics").status_code == 401  # the token of before stays ended
        assert shop.owner.get(ticket).json["mechanics"] == [{"id": shop.mechanic_id, "name": "Mel Mechanic"}]

    def test_one_who_is_a_customer_too_remains_one(self, shop: Shop) -> None:
        mechanic = shop.make_mechanic(email=shop.customer.email, password=PASSWORD)

        shop.owner.delete(f"/mechanics/{mechanic.id}")

        assert shop.customer.get("/customers/my-tickets").status_code == 200
        assert sign_in(shop, shop.customer.email) == 200

    def test_one_who_had_no_sign_in_just_goes(self, shop: Shop) -> None:
        mechanic = shop.make_mechanic()

        assert shop.owner.delete(f"/mechanics/{mechanic.id}").status_code == 200

    @pytest.mark.parametrize(
        ("method", "sent", "status"),
        [
            (method, sent, status)
            for method in ("PUT", "PATCH", "DELETE")
            for sent, status in (
                ("{now}", 200), ('"0-00", {now}', 200), ("*", 200), ("{old}", 412), ("W/{now}", 412), ('"x"', 412),
                ("{old}, W/{now}", 412),
            )
        ],
    )  # fmt: skip
    def test_if_match_guards_every_change(self, shop: Shop, method: str, sent: str, status: int) -> None:
        path = f"/mechanics/{shop.mechanic_id}"
        old = shop.owner.get(path).headers["ETag"]
        now = shop.owner.patch(path, json={"name": "Seen by nobody"}).headers["ETag"]
        body = {} if method == "DELETE" else {"json": hiring()}

        answer = shop.owner.open(method, path, headers={"If-Match": sent.format(old=old, now=now)}, **body)

        assert answer.status_code == status
        assert status == 200 or shop.owner.get(path).json["name"] == "Seen by nobody"
