"""Idempotency keys with what is no JSON: forms, files, and the page of an estimate."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.estimates.asking import PAGE, ask, by_link, examined, ids
from tests.factories import Shop, unique
from tests.pictures import picture

REUSED = (422, "idempotency_key_reused")


@pytest.fixture
def link(shop: Shop) -> str:
    """The path of an estimate's page."""
    return by_link(ask(shop, examined(shop)))


def post(shop: Shop, path: str, key: str, headers: dict[str, str] | None = None, **form: Any) -> TestResponse:
    return shop.nobody.post(path, data=form, headers={"Idempotency-Key": key, **(headers or {})})


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_forms_are_told_apart_by_their_fields(shop: Shop, link: str, encoding: str) -> None:
    headers = {"Idempotency-Key": unique("f")}
    ada, bob = (
        [
            shop.nobody.post(link, data={"name": name}, headers=headers, content_type=encoding)
            for _ in range(2)
        ]
        for name in ("Ada", "Bob")
    )

    assert [(answer.status_code, "Idempotency-Replayed" in answer.headers) for answer in ada] == [
        (200, False), (200, True),
    ]  # fmt: skip
    assert [(answer.status_code, answer.json["code"]) for answer in bob] == [REUSED] * 2


def test_the_same_boxes_ticked_are_the_same_form_and_others_are_not(shop: Shop) -> None:
    estimate, key = ask(shop, examined(shop)), unique("f")
    both = [str(line) for line in ids(estimate)]
    path = by_link(estimate)

    first, again = (post(shop, path, key, name="Ada", accepted_line_ids=both) for _ in range(2))
    other = post(shop, path, key, name="Ada", accepted_line_ids=both[:1])

    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert other.status_code == 422


def test_files_are_told_apart_by_what_is_in_them(shop: Shop) -> None:
    path, headers = f"/customers/{shop.customer_id}/photo", {"Idempotency-Key": unique("f")}
    ticket = shop.make_ticket()["id"]
    path = f"/service_tickets/{ticket}/attachments"

    first, again, other = (
        shop.owner.post(path, data={"file": (io.BytesIO(content), "car.png")}, headers=headers)
        for content in (picture(), picture(), picture(size=(33, 33)))
    )

    assert first.status_code == 201, first.text
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert (other.status_code, other.json["code"]) == REUSED


def test_a_page_comes_again_with_the_policy_that_lets_its_style_in(shop: Shop, link: str) -> None:
    key = unique("f")

    first, again = (post(shop, link, key, PAGE, name="Ada") for _ in range(2))

    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.data == first.data
    for name in ("Content-Type", "Content-Security-Policy", "Vary"):
        assert again.headers.getlist(name) == first.headers.getlist(name)
    assert "style-src 'self'" in again.headers["Content-Security-Policy"]
    assert again.headers["Vary"] == "Accept"


def test_json_that_comes_again_says_that_a_page_may_come_in_its_place(shop: Shop, link: str) -> None:
    key = unique("f")

    first, again = (post(shop, link, key, name="Ada") for _ in range(2))

    assert again.headers["Vary"] == first.headers["Vary"] == "Accept"


@pytest.mark.parametrize("again", [False, True])
def test_a_refusal_is_told_to_a_browser_on_the_page_with_a_key_too(
    shop: Shop, link: str, again: bool
) -> None:
    key = unique("f")
    if again:
        post(shop, link, key, PAGE, accepted_line_ids="0", name="")

    answer = post(shop, link, key, PAGE, accepted_line_ids="0", name="")

    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Please write your name" in answer.text
    assert ("Idempotency-Replayed" in answer.headers) == again


def test_whoever_has_a_link_stands_in_no_erasures_way(shop: Shop, link: str) -> None:
    assert post(shop, link, unique("f"), PAGE, name="Ada").mimetype == "text/html"

    erased = shop.owner.delete(f"/customers/{shop.customer_id}")

    assert erased.status_code == 200, erased.text


@pytest.mark.parametrize(("written", "gone"), [("Zo\u00eb <O'Hara>", True), ("Somebody Else", False)])
def test_an_erasure_takes_the_pages_on_which_somebody_is_named(
    shop: Shop, link: str, written: str, gone: bool
) -> None:
    key = unique("f")
    customer = shop.make_customer(name="Zo\u00eb <O'Hara>")
    first = post(shop, link, key, PAGE, accepted_line_ids="0", name=written)
    assert first.status_code == 400

    shop.owner.delete(f"/customers/{customer.id}")
    again = post(shop, link, key, PAGE, accepted_line_ids="0", name=written)

    assert (again.status_code == 409) == gone
    assert (again.mimetype == "application/problem+json") == gone
