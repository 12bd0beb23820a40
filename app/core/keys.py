"""API keys, as they are written: `msk_<prefix>_<secret>`, and whom this process last saw behind each.

The prefix is what people and secret scanners know a key by; the secret has 256 random bits, so its SHA-256 is safe to keep
and to look up by. Who is behind a key is asked of the cache or the database with each request. What is remembered here is
no more than a guess at the answer: it lets the kept answer be fetched in the same trip, and a key be counted for itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import Any

MARK = "msk_"
FORM = re.compile(r"msk_[a-z2-7]{10}_[A-Za-z0-9_-]{43}")
MOST_SEEN = 10_000

_seen: dict[bytes, Any] = {}


def new_key() -> tuple[str, str]:
    """Return how a new key begins, and the key."""
    prefix = MARK + base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]
    return prefix, f"{prefix}_{secrets.token_urlsafe(32)}"


def is_meant(sent: str) -> bool:
    """Tell whether what was sent in place of a token is meant to be a key."""
    return sent.startswith(MARK)


def digest_of(key: str) -> bytes | None:
    """Return the digest that a key is kept as, None for what has not the form of one."""
    return hashlib.sha256(key.encode()).digest() if FORM.fullmatch(key) else None


def last_seen(digest: bytes) -> Any:
    """Return the principal that this process last admitted by a key, None for one it does not know."""
    return _seen.get(digest)


def see(digest: bytes, principal: Any) -> None:
    """Remember who was admitted by a key."""
    if len(_seen) >= MOST_SEEN:
        _seen.clear()
    _seen[digest] = principal


def forget(digest: bytes) -> None:
    """Forget a key that is not good any more."""
    _seen.pop(digest, None)
