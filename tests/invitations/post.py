"""Invitations as their people see them: sent by the staff, read in the mail, accepted by who has read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from tests.accounts.letters import Letters
from tests.factories import PASSWORD, Caller, Shop, unique

LINK = re.compile(r"/accept-invitation#token=(\S+)")


def new_mechanic(**overrides: Any) -> dict[str, Any]:
    """Return what invites somebody to be a mechanic."""
    return {
        "role": "mechanic", "email": f"{unique('jane')}@example.com", "name": "Jane Wrench", "phone": "555-987-6543",
        "salary": 60000, **overrides,
    }  # fmt: skip


def new_owner(**overrides: Any) -> dict[str, Any]:
    """Return what invites somebody to be an owner."""
    return {"role": "owner", "email": f"{unique('olga')}@example.com", "name": "Olga Owner", **overrides}


def new_staff(role_id: int, **overrides: Any) -> dict[str, Any]:
    """Return what invites somebody to a role of the workshop's own."""
    return {
        "role": "staff", "role_id": role_id, "email": f"{unique('sam')}@example.com", "name": "Sam Staff", **overrides
    }  # fmt: skip


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


@dataclass
class Post:
    """A shop's invitations, and what came by mail."""

    shop: Shop
    letters: Letters

    @property
    def owner(self) -> Caller:
        """The shop's owner, with a token that is good by the clock as it stands."""
        return Caller(self.shop.app, self.shop.owner.principal, self.shop.slug, self.shop.owner.email)

    @property
    def mechanic(self) -> Caller:
        """The shop's mechanic, likewise."""
        return Caller(self.shop.app, self.shop.mechanic.principal, self.shop.slug, self.shop.mechanic.email)

    def invite(self, body: dict[str, Any], by: Caller | None = None) -> dict[str, Any]:
        """Invite somebody, and return the invitation."""
        answer = (by or self.owner).post("/invitations", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json
        return made

    def invite_customer(self, customer_id: int, by: Caller | None = None) -> dict[str, Any]:
        answer = (by or self.mechanic).post(f"/customers/{customer_id}/invitation")
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json
        return made

    def token(self, invitation: dict[str, Any]) -> str:
        """Return the token of the latest link that was mailed to an invitation's address."""
        return self.token_at(invitation["email"])

    def token_at(self, address: str) -> str:
        """Return the token of the latest invitation that was mailed to an address."""
        links = [link for text in self.letters.to(address) for link in LINK.findall(text)]
        return str(links[-1])

    def preview(self, token: str) -> TestResponse:
        return self.shop.nobody.post("/invitations/preview", json={"token": token})

    def accept(
        self, token: str, by: Caller | None = None, address: str = "127.0.0.1", **body: Any
    ) -> TestResponse:
        """Accept an invitation, with the usual password unless something else is sent."""
        sent = {"token": token, "password": PASSWORD, **body}
        return (by or self.shop.nobody).post(
            "/invitations/accept",
            json={name: value for name, value in sent.items() if value is not None},
            environ_base={"REMOTE_ADDR": address},
        )

    def state(self, invitation: dict[str, Any]) -> str:
        """Return how an invitation stands."""
        state: str = self.owner.get(f"/invitations/{invitation['id']}").json["state"]
        return state


def signed_in(shop: Shop, answer: TestResponse) -> Caller:
    """Return whoever an answer signed in."""
    return Caller(shop.app, headers={"Authorization": f"Bearer {answer.json['auth_token']}"})
