"""Customers: registering, walk-ins, their own record, what staff and owner may do, and what an erasure leaves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import PASSWORD, Caller, Shop, credentials, fields_of, registration, unique

LOGIN = "/customers/login"


def test_anybody_registers_and_signs_in(shop: Shop) -> None:
    body = registration()

    made = shop.nobody.post("/customers/", json=body)
    login = shop.nobody.post(LOGIN, json=credentials(body))

    assert made.status_code == 201
    assert made.headers["Location"] == f"/customers/{made.json['id']}"
    assert "password" not in made.json
    assert login.status_code == 200
    assert login.json["token_type"] == "Bearer"


def test_who_has_registered_reads_their_record(shop: Shop) -> None:
    body = registration(name="  Zoë O'Neil-Łuczak 🚗 ", phone="(212) 736-5000")
    made = shop.nobody.post("/customers", json=body)
    token = shop.nobody.post(LOGIN, json=credentials(body)).json["auth_token"]

    read = Caller(shop.app, headers={"Authorization": f"Bearer {token}"}).get(made.headers["Location"])

    assert read.json == made.json
    assert read.json["name"] == "Zoë O'Neil-Łuczak 🚗"
    assert (read.json["email"], read.json["phone"]) == (body["email"], "+12127365000")


@pytest.mark.parametrize("field", ["name", "email", "phone", "password"])
def test_a_registration_needs_each_field(shop: Shop, field: str) -> None:
    body = registration()
    del body[field]

    answer = shop.nobody.post("/customers", json=body)

    assert answer.status_code == 400
    assert fields_of(answer) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "   "), ("name", "x" * 201), ("name", 5), ("name", None), ("name", ["Ada"]),
        ("name", {"first": "Ada"}),
        ("name", "a\0b"), ("name", "a\x1bb"),
        ("email", ""), ("email", "nobody"), ("email", "a@b"), ("email", "a b@example.com"), ("email", "a@exa mple.com"),
        ("email", "a@example.com, b@example.com"), ("email", "x" * 250 + "@example.com"), ("email", None), ("email", 7),
        ("email", "a\0@example.com"), ("email", ["a@example.com"]), ("email", '"quoted"@example.com'),
        ("email", "a@[127.0.0.1]"),
        ("phone", "1234"), ("phone", "1" * 21), ("phone", "call me"), ("phone", "+"), ("phone", 5551234567), ("phone", None),
        ("phone", "555-1234;drop"), ("phone", "٥٥٥١٢٣٤٥"), ("phone", "555\n1234"), ("phone", "(((((((("),
        ("password", ""), ("password", "x" * 129), ("password", 12345678), ("password", None), ("password", ["longenough"]),
        ("id", 1), ("role", "owner"), ("workshop_id", 1), ("is_admin", True), ("", "x"), ("__proto__", {}),
    ],
)  # fmt: skip
def test_a_careless_field_is_named(shop: Shop, field: str, value: Any) -> None:
    answer = shop.nobody.post("/customers", json=registration(**{field: value}))

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
    assert fields_of(answer) == [field]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("+1 212 736 5000", "+12127365000"),
        ("(212) 736-5000", "+12127365000"),
        ("212.736.5000", "+12127365000"),
        ("+44 20 7946 0958", "+442079460958"),
        ("+48 22 694 60 00", "+48226946000"),
        ("555-123-4567", "555-123-4567"),
        ("12345", "12345"),
        ("212-736-5000 x42", "212-736-5000 x42"),
        ("  555-123-4567", "555-123-4567"),
    ],
)
def test_a_number_is_kept_in_the_international_form_where_it_is_one(
    shop: Shop, given: str, kept: str
) -> None:
    answer = shop.nobody.post("/customers", json=registration(phone=given))

    assert (answer.status_code, answer.json["phone"]) == (201, kept)


def test_an_address_that_exists_is_a_conflict(shop: Shop) -> None:
    answer = shop.nobody.post("/customers", json=registration(email=shop.customer.email.upper()))

    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("212-736-5000", "212-736-5000"),
        ("212-736-5000", "+1 (212) 736 5000"),
        ("555-123-4567", " 555-123-4567 "),
    ],
)
def test_a_number_that_exists_is_a_conflict(shop: Shop, first: str, second: str) -> None:
    shop.nobody.post("/customers", json=registration(phone=first))
    body = registration(phone=second)

    answer = shop.nobody.post("/customers", json=body)

    assert (answer.status_code, answer.json["code"]) == (409, "phone_taken")
    assert shop.nobody.post(LOGIN, json=credentials(body)).status_code == 401


def test_another_workshop_has_its_own_numbers(shop: Shop, other_shop: Shop) -> None:
    phone = "212-736-5000"

    answers = [at.nobody.post("/customers", json=registration(phone=phone)) for at in (shop, other_shop)]

    assert [answer.status_code for answer in answers] == [201, 201]


def test_one_account_becomes_a_customer_of_two_workshops(shop: Shop, other_shop: Shop) -> None:
    body = registration()
    shop.nobody.post("/customers", json=body)

    second = other_shop.nobody.post("/customers", json=body)
    somewhere = shop.nobody.post(LOGIN, json=credentials(body), headers={"X-Workshop": other_shop.slug})

    assert second.status_code == 201
    assert somewhere.status_code == 200


def test_nobody_joins_a_workshop_with_another_persons_address(shop: Shop, other_shop: Shop) -> None:
    stranger = registration(email=shop.customer.email, password="a guess at best")

    answer = other_shop.nobody.post("/customers", json=stranger)

    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
    assert other_shop.owner.get("/customers", query_string={"email": shop.customer.email}).json == []


def test_a_customer_sees_only_themselves(shop: Shop) -> None:
    own = shop.customer.get(f"/customers/{shop.customer_id}")
    others = shop.other_customer.get(f"/customers/{shop.customer_id}")
    unknown = shop.other_customer.get("/customers/999999999")

    assert (own.status_code, others.status_code, unknown.status_code) == (200, 403, 403)


class TestWalkIns:
    @pytest.mark.parametrize("role", ["owner", "mechanic"])
    def test_staff_record_somebody_by_name_alone(self, shop: Shop, role: str) -> None:
        staff: Caller = getattr(shop, role)

        made = [staff.post("/customers", json={"name": "Walk In"}) for _ in range(2)]

        assert [answer.status_code for answer in made] == [201, 201]
        assert (made[0].json["email"], made[0].json["phone"]) == (None, None)
        assert staff.get(made[1].headers["Location"]).json == made[1].json

    def test_staff_record_what_is_known_without_a_sign_in(self, shop: Shop) -> None:
        body = registration()
        del body["password"]

        made = shop.mechanic.post("/customers", json=body)

        assert (made.status_code, made.json["email"]) == (201, body["email"])
        assert shop.nobody.post(LOGIN, json=credentials(body | {"password": PASSWORD})).status_code == 401

    def test_with_a_password_staff_register_somebody(self, shop: Shop) -> None:
        body = registration()

        made = shop.owner.post("/customers", json=body)

        assert made.status_code == 201
        assert shop.nobody.post(LOGIN, json=credentials(body)).status_code == 200

    @pytest.mark.parametrize("role", ["customer", "nobody"])
    def test_nobody_else_leaves_anything_out(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)

        answer = caller.post("/customers", json={"name": "Walk In"})

        assert answer.status_code == 400
        assert sorted(answer.json["errors"]) == ["email", "password", "phone"]

    def test_staff_leave_out_none_of_the_rest_where_there_is_a_password(self, shop: Shop) -> None:
        answer = shop.owner.post("/customers", json={"name": "Walk In", "password": PASSWORD})

        assert sorted(answer.json["errors"]) == ["email", "phone"]

    def test_a_token_that_is_not_valid_is_refused_rather_than_overlooked(self, shop: Shop) -> None:
        answer = shop.nobody.post(
            "/customers", json=registration(), headers={"Authorization": "Bearer x.y.z"}
        )

        assert answer.status_code == 401

    def test_staff_record_for_their_own_workshop_whatever_the_header_names(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        made = shop.owner.post(
            "/customers", json={"name": "Walk In"}, headers={"X-Workshop": other_shop.slug}
        )

        assert shop.owner.get(made.headers["Location"]).status_code == 200
        assert other_shop.owner.get(made.headers["Location"]).status_code == 404

    def test_nobody_takes_a_walk_ins_record_over_by_their_address(self, shop: Shop) -> None:
        walk_in = shop.make_customer()

        answer = shop.nobody.post("/customers", json=registration(email=walk_in.email))

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")

    @pytest.mark.parametrize(("field", "code"), [("email", "email_taken"), ("phone", "phone_taken")])
    def test_a_walk_in_is_recorded_once(self, shop: Shop, field: str, code: str) -> None:
        known = {"email": f"{unique('w')}@example.com", "phone": "212-736-5001"}
        shop.owner.post("/customers", json={"name": "Walk In", field: known[field]})

        answer = shop.owner.post("/customers", json={"name": "Again", field: known[field]})

        assert (answer.status_code, answer.json["code"]) == (409, code)


class TestErasing:
    def test_it_keeps_the_tickets_and_ends_the_session(self, shop: Shop) -> None:
        ticket = shop.make_ticket()

        gone = shop.customer.delete("/customers")

        assert (gone.status_code, gone.json["message"]) == (200, "Your account was deleted.")
        assert shop.customer.get("/customers/my-tickets").status_code == 401
        assert shop.owner.get(f"/customers/{shop.customer_id}").status_code == 404
        kept = shop.owner.get(f"/service_tickets/{ticket['id']}").json
        assert kept["customer"] == {"id": shop.customer_id, "name": "Former customer"}
        login = {"email": shop.customer.email, "password": PASSWORD}
        assert shop.nobody.post(LOGIN, json=login).status_code == 401

    def test_the_owner_erases_anybody_and_once(self, shop: Shop) -> None:
        walk_in = shop.make_customer()

        answers = [shop.owner.delete(f"/customers/{walk_in.id}") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 404]
        assert answers[0].json["message"] == f"Customer {walk_in.id} deleted."

    def test_nothing_of_the_person_is_found_again(self, shop: Shop) -> None:
        walk_in = shop.make_customer(name="Quirinus Unique", phone="212-736-5002")
        ticket = shop.make_ticket(customer_id=walk_in.id)

        shop.owner.delete(f"/customers/{walk_in.id}")

        for query in ({"q": "quirinus"}, {"email": walk_in.email}, {"phone": "212-736-5002"}):
            assert shop.owner.get("/customers", query_string=query).json == []
        assert shop.owner.get("/service_tickets", query_string={"q": "quirinus"}).json == []
        assert "Quirinus" not in shop.owner.get(f"/service_tickets/{ticket['id']}").text

    def test_the_cached_tickets_forget_the_name_at_once(self, shop: Shop) -> None:
        shop.make_ticket()
        before = shop.owner.get("/service_tickets").json[0]["customer"]["name"]

        shop.owner.delete(f"/customers/{shop.customer_id}")

        after = shop.owner.get("/service_tickets").json[0]["customer"]["name"]
        assert (before, after) == ("Customer 0", "Former customer")

    def test_address_and_number_are_free_again(self, shop: Shop) -> None:
        body = registration()
        first = shop.nobody.post("/customers", json=body)
        shop.owner.delete(first.headers["Location"])

        again = shop.nobody.post("/customers", json=body)

        assert again.status_code == 201
        assert again.json["id"] != first.json["id"]

    def test_somebody_who_works_here_too_keeps_that_sign_in(self, shop: Shop) -> None:
        mechanic = shop.make_mechanic(email=shop.customer.email, password=PASSWORD)

        shop.customer.delete("/customers")

        login = shop.nobody.post(LOGIN, json={"email": mechanic.email, "password": PASSWORD})
        assert (login.status_code, login.json["role"]) == (200, "mechanic")

    def test_no_ticket_is_opened_for_an_erased_customer(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        shop.owner.delete(f"/customers/{shop.customer_id}")
        body = {
            "VIN": ticket["VIN"],
            "service_date": "2026-03-03",
            "service_desc": "Tyres",
            "customer_id": shop.customer_id,
        }

        answer = shop.owner.post("/service_tickets", json=body)

        assert (answer.status_code, answer.json["code"]) == (404, "customer_not_found")

    @pytest.mark.parametrize("role", ["mechanic", "customer", "other_customer"])
    def test_only_the_owner_erases_by_id(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)

        assert caller.delete(f"/customers/{shop.customer_id}").status_code == 403

    @pytest.mark.parametrize("role", ["mechanic", "owner"])
    def test_staff_have_no_customers_record_of_their_own(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)

        answers = [
            caller.delete("/customers"),
            caller.patch("/customers", json={}),
            caller.put("/customers", json={}),
            caller.get("/customers/my-tickets"),
        ]

        assert {answer.status_code for answer in answers} == {403}
