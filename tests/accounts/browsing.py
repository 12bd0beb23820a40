"""A browser that signs in by a cookie."""

from __future__ import annotations

from typing import Any

from werkzeug.test import Client, TestResponse

from tests.factories import PASSWORD, Shop


class Browser:
    """A browser: it keeps cookies, and a page in it has what the answers' bodies said."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.client: Client = shop.app.test_client()
        self.csrf = ""

    def post(
        self, path: str, *, csrf: str | None = None, key: str | None = None, **body: Any
    ) -> TestResponse:
        sent = {"X-Workshop": self.shop.slug, "X-CSRF-Token": csrf, "Idempotency-Key": key}
        headers = {name: value for name, value in sent.items() if value is not None}
        return self.client.post(path, json=body, headers=headers, base_url="https://shop.example.com")

    def sign_in(self, key: str | None = None) -> TestResponse:
        credentials = {"email": self.shop.customer.email, "password": PASSWORD}
        answer = self.post("/auth/login", key=key, refresh_in="cookie", **credentials)
        self.csrf = answer.json["csrf_token"]
        return answer
