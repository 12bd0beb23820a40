"""Profiles: what is kept of a person, who sees what of it, national ids, consents, and what an erasure leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import LargeBinary, func, select, text, type_coerce
from sqlalchemy.exc import DBAPIError

from app.blueprints.customers import profiles
from app.blueprints.customers.models import Consent, CustomerProfile
from app.core import clock
from app.core.engines import owners_engine
from app.core.sealing import PersonKey
from app.extensions import db
from tests.factories import PASSWORD, Shop, unique
from tests.watching import log_lines

PESEL = "44051401359"
WHOLE: dict[str, Any] = {
    "street": "ul. Prosta 1/2", "city": "Warszawa", "postal_code": "00-850", "country": "PL", "preferred_contact": "sms",
    "birth_date": "1944-05-14", "gender": "undisclosed", "emergency_contact_name": "Jan Obi",
    "emergency_contact_phone": "212-555-0199", "national_id_kind": "PL-PESEL", "national_id": PESEL,
}  # fmt: skip


def path(shop: Shop, what: str = "profile") -> str:
    return f"/customers/{shop.customer_id}/{what}"


def kept(shop: Shop) -> Any:
    with shop.inside():
        return db.session.execute(
            select(
                type_coerce(CustomerProfile.national_id, LargeBinary), CustomerProfile.national_id_digest
            ).where(CustomerProfile.workshop_id == shop.id)
        ).one_or_none()


class TestAProfile:
    def test_is_empty_at_first(self, shop: Shop) -> None:
        answer = shop.owner.get(path(shop))

        assert answer.status_code == 200
        assert answer.headers["ETag"].startswith('"0-')
        assert {value for name, value in answer.json.items() if name not in ("customer_id", "consents")} == {
            None
        }
        assert (answer.json["customer_id"], answer.json["consents"]) == (shop.customer_id, [])

    def test_is_kept_as_it_was_given(self, shop: Shop) -> None:
        put = shop.owner.put(path(shop), json=WHOLE)

        assert put.status_code == 200
        assert put.json == {
            **WHOLE, "customer_id": shop.customer_id, "consents": [], "emergency_contact_phone": "+12125550199",
        }  # fmt: skip
        assert shop.owner.get(path(shop)).json == put.json

    def test_is_replaced_by_put_and_merged_by_patch(self, shop: Shop) -> None:
        shop.owner.put(path(shop), json=WHOLE)

        patched = shop.owner.patch(path(shop), json={"city": "Gdynia", "street": None}).json
        replaced = shop.owner.put(path(shop), json={"city": "Sopot"}).json

        assert (patched["city"], patched["street"], patched["national_id"]) == ("Gdynia", None, PESEL)
        assert [name for name, value in replaced.items() if value] == ["customer_id", "city"]
        assert kept(shop) == (None, None)

    def test_is_changed_in_the_version_that_was_seen(self, shop: Shop) -> None:
        etag = shop.owner.get(path(shop)).headers["ETag"]

        first = shop.owner.patch(path(shop), json={"city": "Gdynia"}, headers={"If-Match": etag})
        second = shop.owner.patch(path(shop), json={"city": "Sopot"}, headers={"If-Match": etag})
        third = shop.owner.patch(
            path(shop), json={"city": "Sopot"}, headers={"If-Match": first.headers["ETag"]}
        )

        assert [answer.status_code for answer in (first, second, third)] == [200, 412, 200]
        assert third.headers["ETag"].startswith('"2-')

    def test_is_the_customers_to_change(self, shop: Shop) -> None:
        assert shop.customer.put(path(shop), json=WHOLE).status_code == 200
        assert shop.owner.get(path(shop)).json["national_id"] == PESEL

    @pytest.mark.parametrize("who", ["owner", "customer"])
    def test_of_somebody_erased_is_not_there(self, shop: Shop, who: str) -> None:
        customer = shop.make_customer()
        shop.owner.delete(f"/customers/{customer.id}")

        for method in ("get", "put"):
            answer = shop.owner.open(
                method.upper(), f"/customers/{customer.id}/profile", json={} if method == "put" else None
            )
            assert (answer.status_code, answer.json["code"]) == (404, "customer_not_found")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("birth_date", "1899-12-31"),
            ("birth_date", (clock.now() + timedelta(days=2)).date().isoformat()),
            ("birth_date", "14.05.1944"),
            ("gender", "unknown"),
            ("preferred_contact", "pigeon"),
            ("country", "Poland"),
            ("country", "pl"),
            ("country", "XX"),
            ("emergency_contact_phone", "call me"),
            ("street", ""),
            ("version", 7),
        ],
    )
    def test_takes_nothing_that_cannot_be(self, shop: Shop, field: str, value: Any) -> None:
        answer = shop.owner.patch(path(shop), json={field: value})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize("day", ["1900-01-01", clock.now().date().isoformat()])
    def test_takes_the_bounds_of_a_life(self, shop: Shop, day: str) -> None:
        assert shop.owner.patch(path(shop), json={"birth_date": day}).json["birth_date"] == day


class TestWhoSeesWhat:
    def test_a_mechanic_sees_how_to_reach_somebody(self, shop: Shop) -> None:
        shop.owner.put(path(shop), json=WHOLE)

        seen = shop.mechanic.get(path(shop)).json

        assert set(seen) == {
            "customer_id", "street", "city", "postal_code", "country", "preferred_contact", "emergency_contact_name",
            "emergency_contact_phone",
        }  # fmt: skip

    def test_a_customer_sees_the_end_of_their_national_id(self, shop: Shop) -> None:
        put = shop.customer.put(path(shop), json=WHOLE)

        assert put.json["national_id"] == shop.customer.get(path(shop)).json["national_id"] == "********359"

    def test_what_a_customer_is_shown_can_be_sent_back(self, shop: Shop) -> None:
        shop.customer.put(path(shop), json=WHOLE)
        seen = shop.customer.get(path(shop)).json
        body = {name: seen[name] for name in WHOLE} | {"city": "Sopot"}

        assert shop.customer.put(path(shop), json=body).status_code == 200
        assert shop.owner.get(path(shop)).json["national_id"] == PESEL

    def test_a_national_id_is_in_no_list_no_log_line_and_not_whole_in_the_audit_log(self, shop: Shop) -> None:
        with log_lines() as log:
            shop.owner.put(path(shop), json=WHOLE)
            shop.owner.patch(path(shop), json={"national_id": "44051401358"})
            shop.owner.put(f"/customers/{shop.make_customer().id}/profile", json=WHOLE)

        texts = [
            shop.owner.get(where).get_data(as_text=True) for where in ("/customers", "/audit?per_page=100")
        ]
        assert [text for text in (*texts, log.text) if PESEL in text or "44051401358" in text] == []
        assert "********359" in texts[1]


class TestNationalIds:
    def test_lie_encrypted_and_are_found_by_a_digest(self, shop: Shop) -> None:
        shop.owner.put(path(shop), json=WHOLE)

        token, digest = kept(shop)

        with shop.inside():
            assert digest == profiles.digest("PL-PESEL", PESEL)
        assert PESEL.encode() not in bytes(token)

    @pytest.mark.parametrize("number", ["44051401358", "1234", "44 05 14 013 58"])
    def test_that_are_none_are_refused_clearly(self, shop: Shop, number: str) -> None:
        answer = shop.owner.patch(path(shop), json={"national_id_kind": "PL-PESEL", "national_id": number})

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_national_id")
        assert answer.json["errors"] == {"national_id": ["Not a valid number of the kind PL-PESEL."]}

    @pytest.mark.parametrize(
        ("sent", "missing"),
        [({"national_id": PESEL}, "national_id_kind"), ({"national_id_kind": "PL-PESEL"}, "national_id")],
    )
    def test_come_with_their_kind(self, shop: Shop, sent: dict[str, str], missing: str) -> None:
        answer = shop.owner.patch(path(shop), json=sent)

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_national_id")
        assert list(answer.json["errors"]) == [missing]

    def test_of_an_unknown_kind_are_refused(self, shop: Shop) -> None:
        answer = shop.owner.patch(path(shop), json={"national_id_kind": "XX-ID", "national_id": PESEL})

        assert (answer.status_code, list(answer.json["errors"])) == (400, ["national_id_kind"])

    def test_are_one_customers_with_the_century_and_without(self, shop: Shop) -> None:
        swedish = {"national_id_kind": "SE-PNR", "national_id": "880320-0016"}
        first = shop.owner.patch(path(shop), json=swedish)
        second = shop.make_customer().id

        refused = shop.owner.patch(
            f"/customers/{second}/profile", json={**swedish, "national_id": "198803200016"}
        )

        assert (first.status_code, first.json["national_id"]) == (200, "198803200016")
        assert (refused.status_code, refused.json["code"]) == (409, "national_id_taken")

    def test_are_one_customers_in_a_workshop(self, shop: Shop, other_shop: Shop) -> None:
        shop.owner.put(path(shop), json=WHOLE)
        second = shop.make_customer().id
        spaced = {**WHOLE, "national_id": "440514 01359"}

        shop.owner.patch(f"/customers/{second}/profile", json={"city": "Gdynia"})
        refused = shop.owner.put(f"/customers/{second}/profile", json=spaced)
        elsewhere = other_shop.owner.put(path(other_shop), json=spaced)

        assert (refused.status_code, refused.json["code"]) == (409, "national_id_taken")
        assert elsewhere.status_code == 200

    def test_of_one_kind_do_not_stand_in_the_way_of_another(self, shop: Shop) -> None:
        number = "710319/2745"
        shop.owner.patch(path(shop), json={"national_id_kind": "CZ-RC", "national_id": number})

        answer = shop.owner.patch(
            f"/customers/{shop.make_customer().id}/profile",
            json={"national_id_kind": "SK-RC", "national_id": number},
        )

        assert answer.status_code == 200

    def test_are_given_when_registering(self, shop: Shop) -> None:
        body = {
            "name": "Ada", "email": f"{unique('ada')}@example.com", "phone": "555-300-4000", "password": PASSWORD,
            "national_id_kind": "PL-PESEL", "national_id": PESEL,
        }  # fmt: skip
        made = shop.nobody.post("/customers", json=body)

        assert made.status_code == 201
        assert "national_id" not in made.json
        assert shop.owner.get(f"/customers/{made.json['id']}/profile").json["national_id"] == PESEL

    def test_that_are_none_let_nobody_register(self, shop: Shop) -> None:
        body = {"name": "Walk-in", "national_id_kind": "PL-PESEL", "national_id": "44051401358"}
        before = shop.owner.get("/customers?page=1").headers["X-Total-Count"]

        answer = shop.owner.post("/customers", json=body)

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_national_id")
        assert shop.owner.get("/customers?page=1").headers["X-Total-Count"] == before


class TestConsents:
    def consent(
        self, shop: Shop, kind: str = "marketing", version: str = "2026-03", given: bool = True
    ) -> Any:
        body = {"kind": kind, "text_version": version, "given": given}
        return shop.customer.post(path(shop, "consents"), json=body)

    def test_are_kept_with_time_and_version_of_the_text(self, shop: Shop) -> None:
        made = self.consent(shop)

        assert made.status_code == 201
        assert (made.json["kind"], made.json["text_version"], made.json["given"]) == (
            "marketing",
            "2026-03",
            True,
        )
        assert shop.customer.get(path(shop, "consents")).json == [made.json]
        assert made.headers["Location"] == path(shop, "consents")

    def test_are_appended_to_and_the_profile_has_the_last_word_on_each(self, shop: Shop) -> None:
        self.consent(shop, "marketing")
        self.consent(shop, "photos")
        withdrawn = self.consent(shop, "marketing", "2026-04", given=False).json

        kinds = [consent["kind"] for consent in shop.owner.get(path(shop, "consents")).json]
        standing = shop.owner.get(path(shop)).json["consents"]
        assert kinds == ["marketing", "photos", "marketing"]
        assert [(one["kind"], one["given"]) for one in standing] == [("marketing", False), ("photos", True)]
        assert standing[0] == withdrawn

    @pytest.mark.parametrize(
        ("field", "value"), [("kind", "tracking"), ("text_version", ""), ("given", "yes"), ("given", 1)]
    )
    def test_take_nothing_odd(self, shop: Shop, field: str, value: Any) -> None:
        body = {"kind": "marketing", "text_version": "1", "given": True, field: value}

        answer = shop.customer.post(path(shop, "consents"), json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize("change", ["UPDATE consents SET given = NOT given", "DELETE FROM consents"])
    def test_are_not_edited(self, shop: Shop, change: str) -> None:
        self.consent(shop)

        with pytest.raises(DBAPIError), shop.app.app_context(), owners_engine(shop.app).begin() as connection:
            connection.execute(text(f"{change} WHERE workshop_id = {shop.id}"))


class TestErasure:
    def test_takes_profile_and_key_and_leaves_consents_that_name_nobody(self, shop: Shop) -> None:
        customer_id = shop.customer_id
        shop.customer.put(path(shop), json=WHOLE)
        shop.customer.post(
            path(shop, "consents"), json={"kind": "photos", "text_version": "1", "given": True}
        )

        assert shop.owner.delete(f"/customers/{customer_id}").status_code == 200

        with shop.inside():
            keys = select(func.count(PersonKey.id)).where(
                PersonKey.kind == "customer", PersonKey.person_id == customer_id
            )
            assert kept(shop) is None
            assert db.session.scalar(keys) == 0
            assert db.session.scalars(select(Consent.customer_id)).all() == [customer_id]
        assert shop.owner.get(f"/customers/{customer_id}/consents").status_code == 404

    def test_lets_the_national_id_go(self, shop: Shop) -> None:
        shop.customer.put(path(shop), json=WHOLE)
        shop.owner.delete(f"/customers/{shop.customer_id}")

        answer = shop.owner.put(f"/customers/{shop.make_customer().id}/profile", json=WHOLE)

        assert answer.status_code == 200
