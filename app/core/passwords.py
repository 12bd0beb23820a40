"""Passwords: Argon2id (RFC 9106) with OWASP's parameters, from the configuration; rehashed at sign-in when they rise."""

from __future__ import annotations

import os
import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

LONGEST_PASSWORD = 128

# A check takes 19 MiB and a core for 17 ms. More at once than there are cores make each slower, and the process larger.
_places = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1) // 2))


def least_length() -> int:
    """Return how many characters a new password must have in this installation."""
    least: int = current_app.config["PASSWORD_MINIMUM_LENGTH"]
    return least


def free_tries_by_address() -> int:
    """Return how many failed sign-ins from one address are free before it has to wait."""
    free: int = current_app.config["FREE_TRIES_BY_ADDRESS"]
    return free


def too_easy(password: str, personal: list[str]) -> list[str]:
    """Return what makes `password` too easy to guess for who knows what is `personal`; nothing where it is good enough.

    Judged by zxcvbn (D. Wheeler, USENIX Security 2016): at least PASSWORD_LEAST_SCORE of its scores from 0 to 4.
    """
    least = current_app.config["PASSWORD_LEAST_SCORE"]
    if least == 0:  # what is judged costs some milliseconds
        return []
    from zxcvbn import zxcvbn  # 12 MB of words, which a process that judges nothing does without

    judged = zxcvbn(password, user_inputs=personal, max_length=LONGEST_PASSWORD)
    if judged["score"] >= least:
        return []
    feedback = judged["feedback"]
    return [words for words in (feedback["warning"], *feedback["suggestions"]) if words] or [
        "Too easy to guess."
    ]


@lru_cache(maxsize=8)
def _hasher(memory_kib: int, iterations: int) -> PasswordHasher:
    return PasswordHasher(time_cost=iterations, memory_cost=memory_kib, parallelism=1)


def _current() -> PasswordHasher:
    return _hasher(current_app.config["ARGON2_MEMORY_KIB"], current_app.config["ARGON2_ITERATIONS"])


@lru_cache(maxsize=8)
def _nobody(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody's password")


def hash_password(password: str) -> str:
    """Return the hash to keep of `password`."""
    hasher = _current()
    with _places:
        return hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Tell whether `password` is the one `kept` was made of; an unknown account takes as long as a known one."""
    hasher = _current()
    try:
        with _places:
            hasher.verify(kept or _nobody(hasher), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Tell whether `kept` was made with weaker parameters than the configuration asks for now."""
    return _current().check_needs_rehash(kept)
