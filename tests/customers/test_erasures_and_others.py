"""Erasures and other people: what is somebody else's stays theirs, whatever address the erased person's record ever had."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.core import outbox, privacy
from app.core.db import atomic
from app.core.outbox import OutboxMessage
from app.extensions import db
from tests.accounts.test_tries import fail, sign_in
from tests.customers.exporting import exported
from tests.estimates.asking import ask, decide, examined, ids
from tests.factories import PASSWORD, Caller, Shop, unique
from tests.mailing import Clock
from tests.service_tickets.life import step_to


def register(shop: Shop, **told: str) -> Caller:
    """Let somebody become a customer with an account; return them."""
    body = {"name": "Anna Obi", "email": f"{unique('anna')}@example.com", "password": PASSWORD} | told
    made = shop.nobody.post("/customers", json=body)
    assert made.status_code == 201, made.json
    return shop.sign_in(body["email"])


def id_of(who: Caller) -> int:
    assert who.principal is not None
    assert who.principal.customer_id is not None
    return who.principal.customer_id


@pytest.mark.usefixtures("nothing_counted")
class TestTheBrakeOfSigningIn:
    def test_of_somebody_else_stays_on_when_a_record_that_was_given_their_address_is_erased(
        self, shop: Shop, other_shop: Shop, clock_set: Clock
    ) -> None:
        target = other_shop.owner.email
        path = f"/customers/{id_of(register(shop, phone='555-111-2222'))}"
        fail(shop, target, clock_set, 5)
        assert sign_in(shop, target).status_code == 429

        assert shop.owner.patch(path, json={"email": target}).status_code == 200
        assert shop.owner.delete(path).status_code == 200

        assert sign_in(shop, target).status_code == 429

    def test_of_the_mechanic_whose_number_a_record_was_given_stays_on(
        self, shop: Shop, clock_set: Clock
    ) -> None:
        who = register(shop, phone="555-111-2222")

        def by_number(phone: str) -> int:
            return shop.nobody.post("/auth/login", json={"phone": phone, "password": "wrong"}).status_code

        for phone in ("555-987-6543", "555-111-2222"):
            assert [by_number(phone) for _ in range(5)] == [401] * 4 + [429]

        assert who.patch("/customers", json={"phone": "555-987-6543"}).status_code == 200
        assert who.delete("/customers").status_code == 200

        assert by_number("555-987-6543") == 429
        assert by_number("555-111-2222") == 401  # nobody's any more

    def test_is_off_at_the_address_of_who_was_erased(self, shop: Shop, clock_set: Clock) -> None:
        who = register(shop, phone="555-111-2222")
        fail(shop, who.email, clock_set, 5)

        assert who.delete("/customers").status_code == 200

        assert sign_in(shop, who.email).status_code == 401

    def test_stays_on_at_an_account_that_goes_on_elsewhere(
        self, shop: Shop, other_shop: Shop, clock_set: Clock
    ) -> None:
        who = register(shop, phone="555-111-2222")
        joined = other_shop.nobody.post(
            "/customers",
            json={"name": "Anna", "email": who.email, "phone": "555-111-2222", "password": PASSWORD},
        )
        assert joined.status_code == 201
        fail(shop, who.email, clock_set, 5)

        assert shop.owner.delete(f"/customers/{id_of(who)}").status_code == 200

        assert sign_in(shop, who.email).status_code == 429


# ---- Mail -------------------------------------------------------------------------------------------------------------


def written_to(shop: Shop, address: str) -> list[dict[str, Any]]:
    """Return what the log has of mail to an address."""
    found: list[dict[str, Any]] = shop.owner.get(
        "/notifications/log", query_string={"recipient": address}
    ).json
    return found


def queue(shop: Shop, topic: str, recipient: str, customer_id: int | None = None, **values: Any) -> None:
    with shop.inside(), atomic():
        outbox.queue(shop.id, topic, recipient, customer_id=customer_id, **values)


def given_out(shop: Shop, customer_id: int) -> list[str]:
    """Return the recipients of what an export has of mail."""
    with shop.inside():
        person = privacy.about(shop.id, customer_id)
        return [row["recipient"] for row in privacy.PARTS["notifications"].give(person)]  # type: ignore[union-attr, index]


class TestMail:
    @pytest.fixture
    def former(self) -> str:
        return f"{unique('shared')}@example.com"

    @pytest.fixture
    def anna(self, shop: Shop, former: str) -> int:
        """Somebody whose record once had the address, and was written to there."""
        anna = shop.make_customer(email=former).id
        queue(shop, "ticket_completed", former, anna, number=1)
        moved = shop.owner.patch(f"/customers/{anna}", json={"email": f"{unique('anna')}@example.com"})
        assert moved.status_code == 200
        return anna

    def test_to_who_has_an_address_now_is_not_given_to_who_had_it(
        self, shop: Shop, anna: int, former: str
    ) -> None:
        bruno = register(shop, name="Bruno Obi", email=former, phone="555-111-3333")
        queue(shop, "ticket_completed", former, id_of(bruno), number=2)
        queue(shop, "password_changed", former)

        assert given_out(shop, anna) == [former]
        assert len(given_out(shop, id_of(bruno))) == 2 + len(
            [one for one in written_to(shop, former) if one["topic"] == "verify_email"]
        )

    def test_to_who_has_an_address_now_stays_when_who_had_it_is_erased(
        self, shop: Shop, anna: int, former: str
    ) -> None:
        bruno = register(shop, name="Bruno Obi", email=former, phone="555-111-3333")
        queue(shop, "ticket_completed", former, id_of(bruno), number=2)
        queue(shop, "password_changed", former)
        before = written_to(shop, former)

        assert shop.owner.delete(f"/customers/{anna}").status_code == 200

        after = written_to(shop, former)
        assert [one for one in before if one not in after] == [before[-1]]  # what was Anna's
        assert {one["state"] for one in after} == {"pending"}

    def test_of_who_is_erased_goes_from_every_address_that_they_had(
        self, shop: Shop, anna: int, former: str
    ) -> None:
        present = shop.owner.get(f"/customers/{anna}").json["email"]
        for address in (former, present):
            queue(shop, "password_changed", address)
        queue(shop, "ticket_completed", present, anna, number=2)

        assert shop.owner.delete(f"/customers/{anna}").status_code == 200

        assert written_to(shop, former) == written_to(shop, present) == []

    @pytest.mark.parametrize("whose", ["owner", "mechanic", "invitation", "supplier", "workshop", "move"])
    def test_to_somebody_else_of_the_workshop_is_not_lost_when_a_record_with_their_address_is_erased(
        self, shop: Shop, whose: str
    ) -> None:
        address = self._given_to(shop, whose)
        queue(shop, "password_changed", address)
        before = written_to(shop, address)
        record = f"/customers/{shop.make_customer(email=None).id}"
        assert shop.owner.patch(record, json={"email": address}).status_code == 200

        assert shop.owner.delete(record).status_code == 200

        assert written_to(shop, address) == before
        assert before[0]["state"] == "pending"

    def _given_to(self, shop: Shop, whose: str) -> str:
        if whose in ("owner", "mechanic"):
            email: str = getattr(shop, whose).email
            return email
        address = f"{unique(whose)}@example.com"
        if whose == "invitation":
            body = {"role": "owner", "email": address, "name": "Ada Obi"}
            assert shop.owner.post("/invitations", json=body).status_code == 201
        elif whose == "supplier":
            assert (
                shop.owner.post("/inventory/suppliers", json={"name": address, "email": address}).status_code
                == 201
            )
        elif whose == "workshop":
            assert shop.owner.patch(f"/workshops/{shop.id}", json={"email": address}).status_code == 200
        else:
            body = {"email": address, "present_password": PASSWORD}
            assert shop.mechanic.post("/auth/email", json=body).status_code < 300
        return address

    def test_to_staff_by_the_account_that_is_a_customer_too_is_not_lost(self, shop: Shop) -> None:
        who = shop.mechanic
        body = {"name": "Jane", "email": who.email, "phone": "555-444-5555", "password": PASSWORD}
        made = shop.nobody.post("/customers", json=body)
        assert made.status_code == 201, made.json
        queue(shop, "password_changed", who.email)

        assert shop.owner.delete(f"/customers/{made.json['id']}").status_code == 200

        assert "pending" in {
            one["state"] for one in written_to(shop, who.email) if one["topic"] == "password_changed"
        }

    def test_to_a_customer_as_such_says_whose_it_is_and_to_the_workshop_nobodys(self, shop: Shop) -> None:
        assert (
            shop.owner.patch(f"/workshops/{shop.id}", json={"email": "desk@example.com"}).status_code == 200
        )
        path = examined(shop)
        estimate = ask(shop, path)
        assert decide(shop, estimate, *ids(estimate)).status_code == 200
        news = shop.mechanic.post(f"{path}/progress", json={"text": "The old discs are off."}).json["id"]
        assert shop.owner.post(f"{path}/progress/{news}/validate").status_code == 200
        for step in ("in_progress", "completed"):
            assert shop.owner.post(f"{path}/status", json=step_to(step)).status_code == 200
        walk_in = shop.make_customer().id
        assert shop.owner.post(f"/customers/{walk_in}/invitation").status_code == 201

        exported(shop, shop.customer, shop.customer_id)
        exported(shop, shop.owner, walk_in)

        with shop.inside():
            rows = db.session.execute(
                select(OutboxMessage.topic, OutboxMessage.customer_id).where(
                    OutboxMessage.workshop_id == shop.id
                )
            ).all()

        mine = {"estimate", "estimate_decided", "progress_update", "ticket_completed", "export_ready"}
        assert {tuple(row) for row in rows} == {(topic, shop.customer_id) for topic in mine} | {
            ("estimate_decided", None), ("invitation_customer", walk_in), ("export_ready", None),
        }  # fmt: skip
