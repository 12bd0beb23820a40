"""`flask take-second-factor-away`: the last way in for an owner who has lost phone and recovery codes."""

from __future__ import annotations

from flask import Flask

from tests.accounts.test_second_factor import actions, sign_in, told
from tests.factories import Shop
from tests.mailing import Clock
from tests.second_factors import switch_on


def take_away(app: Flask, email: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["take-second-factor-away", "--email", email])
    return result.exit_code, result.output.strip()


def test_lets_an_owner_sign_in_by_password_alone(app: Flask, shop: Shop, clock_set: Clock) -> None:
    switch_on(shop.owner, clock_set)
    before = told(sign_in(shop, shop.owner.email))

    done = take_away(app, shop.owner.email.upper())

    assert before == (401, "second_factor_required")
    assert done == (
        0,
        f"The second factor of {shop.owner.email} is switched off. Signing in needs the password alone.",
    )
    assert sign_in(shop, shop.owner.email).status_code == 200
    assert actions(shop)[-1] == "account.second_factor_removed"


def test_says_where_there_is_none(app: Flask, shop: Shop) -> None:
    code, said = take_away(app, shop.owner.email)

    assert code == 1
    assert "There is no second factor here." in said


def test_says_where_there_is_no_account(app: Flask) -> None:
    assert take_away(app, "nobody@example.com") == (1, "Error: nobody@example.com has no account here.")
