"""A refresh whose answer was lost: sent again with its `Idempotency-Key`, and by nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.accounts.browsing import Browser
from tests.factories import Shop, unique

REUSED = (422, "idempotency_key_reused")


@pytest.fixture
def browser(shop: Shop) -> Browser:
    found = Browser(shop)
    found.sign_in()
    return found


def cookies(answer: TestResponse) -> list[str]:
    return answer.headers.getlist("Set-Cookie")


def put_back(browser: Browser, answer: TestResponse) -> None:
    """Let a browser have the cookies from before an answer that it never got."""
    browser.client.set_cookie(
        "refresh_token", cookies(answer)[0].partition("=")[2].partition(";")[0],
        domain="shop.example.com", path="/auth", secure=True,
    )  # fmt: skip


@pytest.fixture
def lost(shop: Shop) -> tuple[Browser, TestResponse, str]:
    """A browser to which the answer to its refresh never came; that answer, and the key it went with."""
    browser, key = Browser(shop), unique("r")
    signed_in = browser.sign_in()
    answer = browser.post("/auth/refresh", csrf=browser.csrf, key=key)
    assert answer.status_code == 200
    put_back(browser, signed_in)
    return browser, answer, key


def test_an_answer_that_was_lost_comes_again_with_its_cookies(
    lost: tuple[Browser, TestResponse, str],
) -> None:
    browser, first, key = lost

    again = browser.post("/auth/refresh", csrf=browser.csrf, key=key)
    further = browser.post("/auth/refresh", csrf=again.json["csrf_token"])

    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert cookies(again) == cookies(first)
    assert len(cookies(again)) == 2
    assert further.status_code == 200


def test_a_sign_in_that_was_lost_comes_again_with_its_cookies(shop: Shop) -> None:
    key = unique("l")
    first = Browser(shop).sign_in(key)
    browser = Browser(shop)

    again = browser.sign_in(key)

    assert (again.data, cookies(again)) == (first.data, cookies(first))
    assert browser.post("/auth/refresh", csrf=browser.csrf).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [{}, {"csrf": "the browser's"}, {"cookie": "another"}],
    ids=["neither", "no cookie", "another's cookie"],
)
def test_who_has_but_the_address_and_the_key_is_given_no_token(
    shop: Shop, lost: tuple[Browser, TestResponse, str], sent: dict[str, Any]
) -> None:
    browser, _, key = lost
    other = Browser(shop)
    csrf = browser.csrf if "csrf" in sent else None
    if "cookie" in sent:
        other.sign_in()
        csrf = other.csrf

    answer = other.post("/auth/refresh", csrf=csrf, key=key)

    assert (answer.status_code, answer.json["code"]) == REUSED
    assert "auth_token" not in answer.json
    assert cookies(answer) == []


@pytest.mark.parametrize("csrf", [None, "0" * 64], ids=["none", "another"])
def test_the_cookie_alone_is_not_enough(lost: tuple[Browser, TestResponse, str], csrf: str | None) -> None:
    browser, _, key = lost

    answer = browser.post("/auth/refresh", csrf=csrf, key=key)

    assert (answer.status_code, answer.json["code"]) == REUSED


def test_a_tab_that_comes_after_the_cookie_was_renewed_takes_another_key(browser: Browser) -> None:
    key = unique("r")
    first = browser.post("/auth/refresh", csrf=browser.csrf, key=key)

    late = browser.post("/auth/refresh", csrf=browser.csrf, key=key)
    anew = browser.post("/auth/refresh", csrf=first.json["csrf_token"], key=unique("r"))

    assert (late.status_code, late.json["code"]) == REUSED
    assert anew.status_code == 200


def test_signing_out_again_makes_a_browser_forget_again(browser: Browser) -> None:
    key, cookie = unique("o"), browser.client.get_cookie("refresh_token", "shop.example.com", "/auth")
    assert cookie is not None
    first = browser.post("/auth/logout", csrf=browser.csrf, key=key)
    browser.client.set_cookie(
        "refresh_token", cookie.value, domain="shop.example.com", path="/auth", secure=True
    )

    again = browser.post("/auth/logout", csrf=browser.csrf, key=key)

    assert (again.status_code, cookies(again)) == (200, cookies(first))
