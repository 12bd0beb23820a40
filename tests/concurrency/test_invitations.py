"""An invitation accepted or sent from several places at once: one gets it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.models import Account, Membership
from app.blueprints.customers import service as customers
from app.blueprints.invitations import accepting, service
from app.blueprints.invitations.models import Invitation
from app.blueprints.mechanics import service as mechanics
from app.core import links
from app.extensions import db
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.factories import PASSWORD, Shop
from tests.invitations.post import new_mechanic, new_owner

RACERS = 4


def to_the_staff(shop: Shop) -> TestResponse:
    return shop.owner.post("/invitations", json=new_owner())


def to_claim_a_record(shop: Shop) -> TestResponse:
    return shop.owner.post(f"/customers/{shop.make_customer().id}/invitation")


Invite = Callable[[Shop], TestResponse]
INVITED = pytest.mark.parametrize("invite", [to_the_staff, to_claim_a_record])


def race_for_one_link(
    shop: Shop, invite: Invite, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[TestResponse], int]:
    """Accept one invitation from several places; they meet where each has seen it good, and nobody joined. Count who did."""
    tokens: list[str] = []
    monkeypatch.setattr(
        links, "frontend", lambda page, token: tokens.append(token) or "https://shop.example.com"
    )
    invitation = invite(shop)
    assert invitation.status_code == 201
    monkeypatch.setattr(accounts, "_hash_of", meeting.before(accounts._hash_of))
    monkeypatch.setattr(accounts, "join", Meeting(RACERS).before(accounts.join))
    accept = partial(shop.nobody.post, "/invitations/accept", {"token": tokens[-1], "password": PASSWORD})

    answers = race(*[accept] * RACERS)

    with shop.inside():
        joined = db.session.scalars(
            select(Membership.id)
            .join(Account, Account.id == Membership.account_id)
            .where(Account.email == invitation.json["email"])
        ).all()
    return sorted(answers, key=lambda answer: answer.status_code), len(joined)


@INVITED
def test_of_several_who_bring_one_link_one_gets_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, invite: Invite
) -> None:
    answers, joined = race_for_one_link(shop, invite, Meeting(RACERS), monkeypatch)

    assert [answer.status_code for answer in answers] == [201] + [400] * (RACERS - 1)
    assert {answer.json["code"] for answer in answers[1:]} == {"invitation_refused"}
    assert joined == 1


@INVITED
def test_control_without_the_locks_and_the_constraints_all_do(
    lax_shop: Shop, monkeypatch: pytest.MonkeyPatch, invite: Invite
) -> None:
    meeting = Meeting(RACERS)
    without_row_locks(monkeypatch, accepting, customers, mechanics)

    with without_write_lock(lax_shop.app):
        answers, joined = race_for_one_link(lax_shop, invite, meeting, monkeypatch)

    assert meeting.was_held
    assert [answer.status_code for answer in answers] == [201] * RACERS
    assert joined == RACERS


# ---- Sending ----------------------------------------------------------------------------------------------------


def race_to_invite(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[TestResponse], int]:
    """Invite one person from several places; they meet where each has seen nobody invited. Count what is open."""
    body: dict[str, Any] = new_mechanic()
    monkeypatch.setattr(service, "_renew", meeting.after(service._renew))

    answers = race(*[partial(shop.owner.post, "/invitations", body)] * RACERS)

    with shop.inside():
        made = db.session.scalars(select(Invitation.id).where(Invitation.email == body["email"])).all()
    return sorted(answers, key=lambda answer: answer.status_code), len(made)


def test_of_several_invitations_of_one_person_at_once_one_is_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, made = race_to_invite(shop, Meeting(RACERS), monkeypatch)

    assert [answer.status_code for answer in answers] == [201] + [409] * (RACERS - 1)
    assert {answer.json["code"] for answer in answers[1:]} == {"invitation_open"}
    assert made == 1


def test_control_without_the_unique_index_all_are(
    lax_shop: Shop, without_invitation_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(RACERS)

    with without_write_lock(lax_shop.app):
        answers, made = race_to_invite(lax_shop, meeting, monkeypatch)

    assert meeting.was_held
    assert [answer.status_code for answer in answers] == [201] * RACERS
    assert made == RACERS
