"""Changing a customer's record: by themselves, and corrected by the owner."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.blueprints.accounts.models import AccountSession
from app.core.db import atomic
from tests.factories import PASSWORD, Caller, Shop, registration, unique

LOGIN = "/customers/login"


def signed_in_long_ago(shop: Shop) -> None:
    assert shop.customer.principal is not None
    with shop.app.app_context(), atomic() as session:
        row = session.get_one(AccountSession, shop.customer.principal.session_id)
        row.started_at -= timedelta(minutes=31)


def sign_in(shop: Shop, email: str, password: str = PASSWORD) -> int:
    return shop.nobody.post(LOGIN, json={"email": email, "password": password}).status_code


def body(**overrides: Any) -> dict[str, Any]:
    return {"name": "Ada Obi", "email": f"{unique('ada')}@example.com", "phone": "555-765-4321", **overrides}


class TestByThemselves:
    def test_put_replaces_the_record(self, shop: Shop) -> None:
        new = body()

        answer = shop.customer.put("/customers", json=new)

        assert answer.status_code == 200
        assert {field: answer.json[field] for field in new} == new
        assert shop.customer.get(f"/customers/{shop.customer_id}").json == answer.json

    @pytest.mark.parametrize("field", ["name", "email", "phone"])
    def test_put_needs_the_whole_record(self, shop: Shop, field: str) -> None:
        new = body()
        del new[field]

        answer = shop.customer.put("/customers", json=new)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize(
        "changes", [{"name": "Ada Obi"}, {"phone": "555-765-4321"}, {"name": "A", "phone": "555-000-1111"}]
    )
    def test_patch_changes_what_it_names(self, shop: Shop, changes: dict[str, str]) -> None:
        before = shop.customer.get(f"/customers/{shop.customer_id}").json

        answer = shop.customer.patch("/customers", json=changes)

        changed = before | changes
        assert answer.status_code == 200
        assert answer.json | {"updated_at": ""} == changed | {"updated_at": ""}

    def test_patch_of_nothing_changes_nothing(self, shop: Shop) -> None:
        before = shop.customer.get(f"/customers/{shop.customer_id}")

        answer = shop.customer.patch("/customers/", json={})

        assert (answer.json, answer.headers["ETag"]) == (before.json, before.headers["ETag"])

    @pytest.mark.parametrize("field", ["name", "email", "phone", "password"])
    def test_nothing_of_their_own_record_is_cleared(self, shop: Shop, field: str) -> None:
        answer = shop.customer.patch("/customers", json={field: None})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize("field", ["id", "workshop_id", "erased_at", "role", "created_at", "customer_id"])
    def test_nothing_else_is_taken(self, shop: Shop, field: str) -> None:
        assert shop.customer.patch("/customers", json={field: 1}).status_code == 400
        assert shop.customer.put("/customers", json=body(**{field: 1})).status_code == 400

    def test_a_merge_patch_by_its_media_type_is_taken(self, shop: Shop) -> None:
        answer = shop.customer.open(
            "PATCH", "/customers", data=b'{"name": "Ada"}', content_type="application/merge-patch+json"
        )

        assert (answer.status_code, answer.json["name"]) == (200, "Ada")

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_a_new_password_replaces_the_old(self, shop: Shop, method: str) -> None:
        answer = shop.customer.open(
            method, "/customers", json=body(email=shop.customer.email, password="another-fine-one")
        )

        assert answer.status_code == 200
        assert "password" not in answer.json
        assert sign_in(shop, shop.customer.email) == 401
        assert sign_in(shop, shop.customer.email, "another-fine-one") == 200

    def test_who_signed_in_long_ago_gives_the_present_password_for_another(self, shop: Shop) -> None:
        signed_in_long_ago(shop)
        wanted = {"password": "another-fine-one"}

        answers = [
            shop.customer.patch("/customers", json=wanted | given)
            for given in ({}, {"present_password": "not-it"}, {"present_password": PASSWORD})
        ]

        assert [(answer.status_code, answer.json.get("code")) for answer in answers] == [
            (403, "present_password_needed"), (403, "wrong_password"), (200, None),
        ]  # fmt: skip
        assert sign_in(shop, shop.customer.email, "another-fine-one") == 200

    def test_who_signed_in_long_ago_changes_the_rest_without(self, shop: Shop) -> None:
        signed_in_long_ago(shop)

        assert shop.customer.patch("/customers", json={"name": "Ada"}).json["name"] == "Ada"

    def test_a_put_without_a_password_keeps_it(self, shop: Shop) -> None:
        shop.customer.put("/customers", json=body(email=shop.customer.email))

        assert sign_in(shop, shop.customer.email) == 200

    def test_a_short_password_changes_nothing_at_all(self, shop: Shop) -> None:
        answer = shop.customer.patch("/customers", json={"name": "New Name", "password": "short"})

        assert (answer.status_code, answer.json["code"]) == (400, "password_too_short")
        assert shop.customer.get(f"/customers/{shop.customer_id}").json["name"] == "Customer 0"

    def test_a_new_address_is_in_the_record_at_once_and_not_yet_what_they_sign_in_with(
        self, shop: Shop
    ) -> None:
        new = f"{unique('NEW')}@Example.com"

        answer = shop.customer.patch("/customers", json={"email": new})

        assert answer.json["email"] == new.lower()
        assert (sign_in(shop, shop.customer.email), sign_in(shop, new)) == (200, 401)
        assert shop.customer.get("/auth/me").json["account"]["email"] == shop.customer.email

    def test_an_address_of_another_customer_is_a_conflict(self, shop: Shop) -> None:
        answer = shop.customer.patch(
            "/customers", json={"email": shop.other_customer.email, "name": "New Name"}
        )

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
        assert shop.customer.get(f"/customers/{shop.customer_id}").json["name"] == "Customer 0"

    def test_so_is_the_address_of_an_account_elsewhere(self, shop: Shop, other_shop: Shop) -> None:
        answer = shop.customer.patch("/customers", json={"email": other_shop.owner.email})

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
        assert shop.customer.get(f"/customers/{shop.customer_id}").json["email"] == shop.customer.email
        assert sign_in(shop, shop.customer.email) == 200

    def test_so_is_a_number_of_another_customer(self, shop: Shop) -> None:
        answer = shop.customer.patch("/customers", json={"phone": "555-123-0001"})

        assert (answer.status_code, answer.json["code"]) == (409, "phone_taken")

    def test_their_own_address_and_number_again_are_no_conflict(self, shop: Shop) -> None:
        answer = shop.customer.put(
            "/customers", json=body(email=shop.customer.email.upper(), phone="555-123-0000")
        )

        assert answer.status_code == 200


class TestByTheOwner:
    def test_put_replaces_and_what_is_left_out_is_empty(self, shop: Shop) -> None:
        answer = shop.owner.put(f"/customers/{shop.customer_id}", json={"name": "Only A Name"})

        assert answer.status_code == 200
        assert [answer.json[field] for field in ("name", "email", "phone")] == ["Only A Name", None, None]

    @pytest.mark.parametrize("field", ["email", "phone"])
    def test_patch_clears_with_null_and_leaves_the_rest(self, shop: Shop, field: str) -> None:
        before = shop.owner.get(f"/customers/{shop.customer_id}").json

        answer = shop.owner.patch(f"/customers/{shop.customer_id}", json={field: None})

        assert answer.status_code == 200
        assert answer.json | {"updated_at": ""} == before | {field: None, "updated_at": ""}

    @pytest.mark.parametrize(
        ("changes", "kept"),
        [
            ({"name": "  Corrected "}, {"name": "Corrected"}),
            ({"phone": "212 736 5003"}, {"phone": "+12127365003"}),
            ({"email": "CORRECTED@example.com"}, {"email": "corrected@example.com"}),
        ],
    )
    def test_a_correction_is_seen_at_once(
        self, shop: Shop, changes: dict[str, str], kept: dict[str, str]
    ) -> None:
        path = f"/customers/{shop.customer_id}"

        shop.owner.patch(path, json=changes)

        assert shop.mechanic.get(path).json.items() >= kept.items()
        assert shop.customer.get(path).json.items() >= kept.items()

    def test_a_corrected_name_is_on_the_tickets(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        shop.owner.get("/service_tickets")

        shop.owner.patch(f"/customers/{shop.customer_id}", json={"name": "Corrected"})

        assert shop.owner.get(f"/service_tickets/{ticket['id']}").json["customer"]["name"] == "Corrected"
        assert shop.owner.get("/service_tickets").json[0]["customer"]["name"] == "Corrected"

    def test_a_corrected_address_is_not_what_the_person_signs_in_with(self, shop: Shop) -> None:
        shop.owner.patch(f"/customers/{shop.customer_id}", json={"email": "corrected@example.com"})

        assert sign_in(shop, shop.customer.email) == 200

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", None),
            ("name", ""),
            ("email", "nobody"),
            ("phone", "x"),
            ("password", PASSWORD),
            ("id", 7),
            ("erased_at", None),
        ],
    )
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_what_is_not_theirs_to_change_or_not_valid_is_refused(
        self, shop: Shop, method: str, field: str, value: Any
    ) -> None:
        answer = shop.owner.open(method, f"/customers/{shop.customer_id}", json={"name": "Ada", field: value})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize(("field", "code"), [("email", "email_taken"), ("phone", "phone_taken")])
    def test_what_is_another_customers_is_a_conflict(self, shop: Shop, field: str, code: str) -> None:
        taken = registration()
        shop.nobody.post("/customers", json=taken)

        answer = shop.owner.patch(f"/customers/{shop.customer_id}", json={field: taken[field]})

        assert (answer.status_code, answer.json["code"]) == (409, code)

    @pytest.mark.parametrize("role", ["mechanic", "customer", "other_customer"])
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_nobody_else_corrects(self, shop: Shop, role: str, method: str) -> None:
        caller: Caller = getattr(shop, role)

        assert caller.open(method, f"/customers/{shop.customer_id}", json={"name": "X"}).status_code == 403

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_who_is_unknown_here_is_not_found(self, shop: Shop, other_shop: Shop, method: str) -> None:
        erased = shop.make_customer()
        shop.owner.delete(f"/customers/{erased.id}")
        sent = {"json": {"name": "X"}} if method in ("PUT", "PATCH") else {}

        answers = [
            shop.owner.open(method, f"/customers/{id_}", **sent)
            for id_ in (erased.id, other_shop.customer_id, 10**17)
        ]

        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
            (404, "customer_not_found")
        ] * 3


CHANGES = {
    "own put": lambda shop, headers: shop.customer.put("/customers", json=body(), headers=headers),
    "own patch": lambda shop, headers: shop.customer.patch("/customers", json={"name": "X"}, headers=headers),
    "own delete": lambda shop, headers: shop.customer.delete("/customers", headers=headers),
    "put": lambda shop, headers: shop.owner.put(
        f"/customers/{shop.customer_id}", json=body(), headers=headers
    ),
    "patch": lambda shop, headers: shop.owner.patch(
        f"/customers/{shop.customer_id}", json={"name": "X"}, headers=headers
    ),
    "delete": lambda shop, headers: shop.owner.delete(f"/customers/{shop.customer_id}", headers=headers),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("{now}", 200),
        ('"0-00", {now}', 200),
        ("*", 200),
        ("{old}", 412),
        ("W/{now}", 412),
        ('"x"', 412),
        ("{old}, W/{now}", 412),
    ],
)
def test_if_match_guards_every_change(shop: Shop, change: str, sent: str, status: int) -> None:
    path = f"/customers/{shop.customer_id}"
    old = shop.owner.get(path).headers["ETag"]
    now = shop.owner.patch(path, json={"name": "Seen by nobody"}).headers["ETag"]

    answer = CHANGES[change](shop, {"If-Match": sent.format(old=old, now=now)})

    assert answer.status_code == status
    assert status == 200 or shop.owner.get(path).json["name"] == "Seen by nobody"
