"""Encryption at rest: authenticated, with rotating keys; and keyed blind indexes to find what is encrypted.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. A token names its key, so that the newest of ENCRYPTION_KEYS
encrypts, each of them decrypts what it made, and old rows are read until they are rewritten.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterator
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

KEY_NAME_LENGTH = 4
NONCE_LENGTH = 12
MARK_LENGTH = 5
DIGEST_LENGTH = 32


class Unreadable(Exception):
    """A token that no key of ours made, or that was changed."""


@lru_cache(maxsize=8)
def _ring(keys: tuple[str, ...]) -> dict[bytes, AESGCM]:
    """Return the ciphers by their keys' names, newest first. A platform's secret is any text: its digest is the key."""
    return {
        hashlib.sha256(b"name\0" + key.encode()).digest()[:KEY_NAME_LENGTH]: AESGCM(
            hashlib.sha256(b"key\0" + key.encode()).digest()
        )
        for key in keys
    }


def _current_ring() -> dict[bytes, AESGCM]:
    return _ring(tuple(current_app.config["ENCRYPTION_KEYS"]))


def encrypt(text: str) -> bytes:
    """Return `text` encrypted under the newest key, as ASCII."""
    return encrypt_bytes(text.encode())


def encrypt_bytes(content: bytes) -> bytes:
    """Return `content` encrypted under the newest key, as ASCII."""
    name, cipher = next(iter(_current_ring().items()))
    nonce = os.urandom(NONCE_LENGTH)
    return base64.urlsafe_b64encode(name + nonce + cipher.encrypt(nonce, content, name))


def decrypt(token: bytes | str) -> str:
    """Return the text of `token`.

    :raises Unreadable: no key of ENCRYPTION_KEYS made it, or it was changed.
    """
    return decrypt_bytes(token).decode()


def decrypt_bytes(token: bytes | str) -> bytes:
    """Return the content of `token`.

    :raises Unreadable: no key of ENCRYPTION_KEYS made it, or it was changed.
    """
    try:
        raw = base64.urlsafe_b64decode(token)
        name, nonce, sealed = (
            raw[:KEY_NAME_LENGTH],
            raw[KEY_NAME_LENGTH : KEY_NAME_LENGTH + NONCE_LENGTH],
            raw[KEY_NAME_LENGTH + NONCE_LENGTH :],
        )
        return _current_ring()[name].decrypt(nonce, sealed, name)
    except (KeyError, ValueError, InvalidTag) as error:
        raise Unreadable from error


def marks() -> dict[bytes, str]:
    """Return the names of ENCRYPTION_KEYS, the newest first, by how their tokens begin.

    A mark is as many characters as a key's name alone decides: 30 of its 32 bits.
    """
    return {base64.urlsafe_b64encode(name)[:MARK_LENGTH]: name.hex() for name in _current_ring()}


# ---- Files of a key of their own -----------------------------------------------------------------------------------

SEAL_LENGTH = 16  # bytes that a sealed piece is longer


def new_key() -> bytes:
    """Return a key for one file that is kept outside of the database: its row has the key, encrypted."""
    return AESGCM.generate_key(256)


def sealed_pieces(key: bytes, pieces: list[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a file encrypted under its own key, which encrypts nothing else: a nonce is a piece's place.

    Each is bound to its place and to whether it is the last, so that none can be left out, changed or moved.
    """
    cipher = AESGCM(key)
    for place, piece in enumerate(pieces):
        yield cipher.encrypt(_nonce(place), piece, _is_last(place == len(pieces) - 1))


def opened_piece(key: bytes, place: int, sealed: bytes, *, last: bool) -> bytes:
    """Return a piece of a file that `sealed_pieces` encrypted.

    :raises Unreadable: it is another piece, or was changed.
    """
    try:
        return AESGCM(key).decrypt(_nonce(place), sealed, _is_last(last))
    except (ValueError, InvalidTag) as error:
        raise Unreadable from error


def _nonce(place: int) -> bytes:
    return place.to_bytes(NONCE_LENGTH, "big")


def _is_last(last: bool) -> bytes:
    return b"last" if last else b"more"


# ---- Finding what is encrypted ---------------------------------------------------------------------------------------


def keyed_digest(purpose: str, content: bytes) -> bytes:
    """Return the HMAC-SHA-256 of `content` under BLIND_INDEX_KEY; `purpose` keeps the uses apart."""
    key = current_app.config["BLIND_INDEX_KEY"].encode()
    return hmac.digest(key, purpose.encode() + b"\0" + content, "sha256")


def signed(purpose: str, named: bytes) -> str:
    """Return a token for addresses that names something and shows that we said so; anybody can read what it names."""
    return base64.urlsafe_b64encode(named + keyed_digest(purpose, named)).decode().rstrip("=")


def named_in(purpose: str, token: str) -> bytes:
    """Return what a `signed` token names.

    :raises Unreadable: it was not signed by us for this purpose, or was changed.
    """
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError as error:
        raise Unreadable from error
    named, signature = raw[:-DIGEST_LENGTH], raw[-DIGEST_LENGTH:]
    if not hmac.compare_digest(signature, keyed_digest(purpose, named)):
        raise Unreadable
    return named


def blind_index(purpose: str, text: str) -> bytes:
    """Return a keyed digest (16 bytes) by which an encrypted `text` is found without being read.

    `purpose` separates the indexes, so that equal values of two columns do not show as equal.
    """
    return keyed_digest(purpose, text.encode())[:16]


class EncryptedText(TypeDecorator[str]):
    """A text column that the database only ever holds encrypted."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else decrypt(bytes(value))


class EncryptedBytes(TypeDecorator[bytes]):
    """A column of bytes, of a few hundred kilobytes at most, that the database only ever holds encrypted."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt_bytes(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else decrypt_bytes(bytes(value))
