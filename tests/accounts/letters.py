"""What is in the mail: the codes and links that an address was sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from app.blueprints.accounts import codes
from tests.factories import Shop
from tests.mailing import Scripted, deliver


@dataclass
class Letters:
    """The post of everybody in a test's hands."""

    shop: Shop
    transport: Scripted

    def to(self, address: str) -> list[str]:
        """Return the texts of the letters to an address, after all that waited was mailed."""
        with self.shop.app.app_context():
            codes.mail_codes()
        while deliver(self.shop):
            pass
        return [letter.text for letter in self.transport.taken if letter.recipient == address]

    def code(self, address: str) -> str:
        """Return the six digits of the latest letter to an address that has some."""
        return [
            code for text in self.to(address) for code in re.findall(r"^\s*(\d{6})\s*$", text, re.MULTILINE)
        ][-1]

    def token(self, address: str) -> str:
        """Return the token of the latest link to an address."""
        links = [link for text in self.to(address) for link in re.findall(r"https?://\S+#\S+", text)]
        return parse_qs(urlsplit(links[-1]).fragment)["token"][0]
