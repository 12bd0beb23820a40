"""Secrets stay in: no answer, problem or log line has what its reader is not meant to see."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from nacl.pwhash import argon2id
from werkzeug.test import TestResponse

from app.blueprints.accounts.models import Account
from app.blueprints.customers import service as customers
from app.extensions import db
from tests.document import UNDOCUMENTED
from tests.factories import PASSWORD, Shop, account_of, unique
from tests.security.matrix import CALLERS, Row, rows
from tests.security.situation import Situation
from tests.watching import log_lines

pytestmark = [pytest.mark.no_cover, pytest.mark.one_database]  # counting lines would take as long again

SALARY = Decimal("98765.43")
GETS = [row for row in rows() if row.method == "GET"]


def secrets_of(app: Flask, situation: Situation) -> set[str]:
    """Return what is for nobody: the installation's keys, and the passwords and hashes of the first workshop's people."""
    emails = [situation.shop.customer.email, situation.shop.mechanic.email, situation.shop.owner.email]
    with app.app_context():
        hashes = [account_of(email).password_hash or "" for email in emails]
    config = app.config
    return {PASSWORD, *hashes, config["SECRET_KEY"], *config["ENCRYPTION_KEYS"], config["BLIND_INDEX_KEY"]}


def whole(answer: TestResponse) -> str:
    return f"{answer.headers}\n{answer.get_data().decode(errors='replace')}"


# Columns that are for the database alone.
COLUMNS = re.compile(
    r"password_hash|\$argon2|workshop_id|vin_digest|tail_digest|erased_at|left_at|archived_at"
)


@pytest.mark.parametrize("row", rows(), ids=str)
def test_no_answer_has_a_secret_in_it_or_a_column_that_is_for_the_database_alone(
    app: Flask, situation: Situation, row: Row
) -> None:
    secrets = secrets_of(app, situation)
    documents = row.path.startswith(
        UNDOCUMENTED
    )  # whose examples have a password, and whose words are columns'

    answers = {name: whole(situation.send(situation.callers[name], row.method, row.path)) for name in CALLERS}

    if documents:
        secrets.remove(PASSWORD)
    assert {(name, secret) for name, text in answers.items() for secret in secrets if secret in text} == set()
    assert documents or [column for text in answers.values() for column in COLUMNS.findall(text)] == []


class TestSalaries:
    @pytest.fixture
    def paid(self, situation: Situation) -> Situation:
        """A situation whose every mechanic has a salary that nothing else looks like."""
        paid = situation.shop.owner.patch(
            f"/mechanics/{situation.shop.mechanic_id}", json={"salary": str(SALARY)}
        )
        assert paid.json["salary"] == float(SALARY)
        situation.shop.make_mechanic(salary=SALARY, name="Mel Second")
        return situation

    @pytest.mark.parametrize("first", ["owner", "others"])
    def test_are_in_no_answer_to_anybody_but_the_owner(self, paid: Situation, first: str) -> None:
        """Whether the owner's answer is in the cache already, or theirs is the first."""
        others = [name for name in CALLERS if name != "owner"]
        if first == "owner":
            for row in GETS:
                paid.send(paid.callers["owner"], row.method, row.path)

        seen = set()
        for name in others:
            for row in GETS:
                text = whole(paid.send(paid.callers[name], row.method, row.path))
                of_ones_own = name == "other owner" or row.path.startswith(UNDOCUMENTED)
                if str(SALARY) in text or ("salary" in text and not of_ones_own):
                    seen.add((name, str(row)))

        assert seen == set()

    def test_are_where_the_owner_looks_for_them(self, paid: Situation) -> None:
        answers = [
            row.path
            for row in GETS
            if str(SALARY) in whole(paid.send(paid.callers["owner"], "GET", row.path))
        ]

        assert answers == ["/mechanics", "/mechanics/search", "/mechanics/{mechanic_id}", "/audit"]

    @pytest.mark.parametrize("sort", ["salary", "-salary", "id,salary"])
    @pytest.mark.parametrize("caller", ["mechanic", "customer"])
    def test_cannot_be_found_out_by_sorting(self, paid: Situation, caller: str, sort: str) -> None:
        assert paid.callers[caller].get(f"/mechanics?sort={sort}").status_code == 400

    def test_are_in_no_cursor(self, paid: Situation) -> None:
        """A cursor holds the sort keys of a row in the open."""
        link = paid.callers["mechanic"].get("/mechanics?per_page=1&sort=name").headers["Link"]

        assert "cursor=" in link
        assert paid.callers["mechanic"].get(f"/mechanics?salary={SALARY}").status_code == 400

    def test_make_no_difference_to_what_others_are_answered(self, paid: Situation) -> None:
        """An ETag that changed with a raise would tell of it; the version alone does."""
        path = f"/mechanics/{paid.shop.mechanic_id}"
        before = paid.callers["customer"].get(path)
        paid.shop.owner.patch(path, json={"salary": 1})

        after = paid.callers["customer"].get(path)

        assert after.json == before.json


def odd_requests(situation: Situation) -> list[TestResponse]:
    """Send requests that are refused in many ways, each with something secret or personal in it."""
    shop, password = situation.shop, "tr0ub4dor-and-3"
    person = {
        "name": "Ada Lovelace",
        "email": shop.customer.email,
        "phone": "555-404-4040",
        "password": password,
    }
    taken = {
        "name": "Grace",
        "email": shop.mechanic.email,
        "phone": "555-404-4041",
        "salary": SALARY,
        "password": password,
    }
    return [
        shop.nobody.post("/customers", json=person),
        shop.nobody.post(
            "/customers", json={**person, "email": f"{unique('lovelace')}@example.com", "password": "short7!"}
        ),
        shop.nobody.post("/customers", json={**person, "nickname": password}),
        shop.nobody.post("/customers", data=f'{{"password": "{password}"', content_type="application/json"),
        shop.nobody.post("/customers/login", json={"email": shop.customer.email, "password": password}),
        shop.nobody.post("/customers/login", json={"email": "nobody@example.com", "password": password}),
        shop.nobody.post("/customers/login", json={"email": password, "password": [password]}),
        shop.owner.post("/mechanics", json=taken),
        shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"salary": "98765.432"}),
        shop.owner.post("/service_tickets", json={"VIN": "1HGCM82633A00435-", "customer_id": 1}),
        shop.owner.get("/customers", query_string={"email": "lovelace@", "phone": "555-404-4040"}),
        shop.owner.get("/service_tickets", query_string={"VIN": "IOQ1HGCM82633A004352"}),
        shop.nobody.get("/inventory", headers={"Authorization": f"Bearer {password}"}),
        shop.nobody.get("/inventory", headers={"Authorization": f"Basic {password}"}),
        shop.nobody.get("/inventory", headers={"Authorization": f"Bearer {shop.owner.token[:-3]}abc"}),
        shop.owner.get("/nowhere", headers={"Cookie": f"session={password}"}),
    ]


PERSONAL = (
    "tr0ub4dor-and-3",
    "short7!",
    "Lovelace",
    "lovelace",
    "555-404",
    str(SALARY),
    "1HGCM82633A00435",
    "abc.",
)


def test_problems_do_not_repeat_what_was_sent(situation: Situation) -> None:
    answers = odd_requests(situation)

    assert {answer.status_code for answer in answers} == {400, 401, 404, 409}
    repeated = {
        (answer.request.path, word) for answer in answers for word in PERSONAL if word in whole(answer)
    }
    assert repeated == set()


def test_problems_have_none_of_the_drivers_words(situation: Situation) -> None:
    words = re.compile(
        r"(?i)sqlalchemy|psycopg|pg8000|sqlite|postgres|integrityerror|traceback|constraint|uq_|fk_|select |insert |/app/"
    )

    assert [words.findall(whole(answer)) for answer in odd_requests(situation)] == [[]] * 16


def test_the_log_has_neither_secrets_nor_people_in_it(app: Flask, situation: Situation) -> None:
    """Everything that any caller can ask is asked, and what is refused, while standard output is read."""
    secrets = secrets_of(app, situation)
    tokens = [caller.token for name, caller in situation.callers.items() if name != "nobody"]

    with log_lines() as log:
        for name in CALLERS:
            for row in GETS:
                situation.send(situation.callers[name], row.method, row.path)
        odd_requests(situation)

    people = [
        situation.shop.customer.email,
        situation.shop.mechanic.email,
        "Mel Mechanic",
        "Customer 0",
        *PERSONAL,
    ]
    assert len(log.lines) >= len(CALLERS) * len(GETS)
    assert [word for word in (*secrets, *tokens, *people) if word in log.text] == []


def test_the_log_of_a_fault_of_ours_has_no_values_in_it(
    situation: Situation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack is logged; the values of its statement, which may be anybody's, are not."""
    value = unique("ada.lovelace")

    def broken(*args: Any, **kwargs: Any) -> Any:
        db.session.execute(db.text("SELECT :value FROM no_such_table"), {"value": value})

    monkeypatch.setattr(customers, "find", broken)

    with log_lines() as log:
        answer = situation.shop.owner.get("/customers")

    assert answer.status_code == 500
    assert "no_such_table" in log.text
    assert "no_such_table" not in whole(answer)
    assert value not in log.text + whole(answer)


class TestSigningInTellsNothing:
    """By the work it does, which is counted: time is too coarse a measure for a test."""

    @pytest.fixture
    def verified(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
        """Each (parameters of the hash, outcome) that a password was compared with."""
        seen: list[tuple[str, str]] = []
        verify = argon2id.verify

        def counting(kept: bytes, password: bytes) -> bool:
            seen.append((kept.decode().rpartition("$")[0].rpartition("$")[0], "compared"))
            return verify(kept, password)

        monkeypatch.setattr(argon2id, "verify", counting)
        return seen

    def known(self, shop: Shop) -> str:
        return shop.customer.email

    def unknown(self, shop: Shop) -> str:
        return f"{unique('nobody')}@example.com"

    def closed(self, shop: Shop) -> str:
        assert shop.other_customer.delete("/customers").status_code == 200
        return shop.other_customer.email

    def elsewhere(self, shop: Shop) -> str:
        return shop.mechanic.email

    def without_a_password(self, shop: Shop) -> str:
        email = f"{unique('no-password')}@example.com"
        shop.make_mechanic(email=email)
        return email

    @pytest.mark.parametrize("who", ["known", "unknown", "closed", "elsewhere", "without_a_password"])
    @pytest.mark.parametrize("door", ["/customers/login", "/mechanics/login"])
    def test_one_comparison_for_whoever_is_asked_for(
        self, shop: Shop, verified: list[tuple[str, str]], door: str, who: str
    ) -> None:
        email = getattr(self, who)(shop)
        verified.clear()

        answer = shop.nobody.post(door, json={"email": email, "password": "not-the-password"})

        assert len(verified) == 1
        assert verified[0][0].startswith("$argon2id$")
        assert answer.status_code == 401
        assert {name: answer.json[name] for name in ("code", "title", "detail")} == {
            "code": "wrong_credentials",
            "title": "Invalid email, phone or password.",
            "detail": "Invalid email, phone or password.",
        }

    def test_with_hashes_of_the_same_parameters(self, shop: Shop, verified: list[tuple[str, str]]) -> None:
        for email in (self.known(shop), self.unknown(shop)):
            shop.nobody.post("/customers/login", json={"email": email, "password": "not-the-password"})

        assert len(verified) == 2
        assert verified[0] == verified[1]

    def test_passwords_are_kept_as_hashes_alone(self, app: Flask, shop: Shop) -> None:
        with app.app_context():
            kept = db.session.get(Account, account_of(shop.customer.email).id)

        assert kept is not None
        assert (kept.password_hash or "").startswith("$argon2id$")
        assert PASSWORD not in str(vars(kept))
