"""Passwords: Argon2id (RFC 9106) with OWASP's parameters, from the configuration; rehashed at sign-in when they rise."""

from __future__ import annotations

import math
import os
import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from flask import current_app
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

LONGEST_PASSWORD = 128
SHORTEST_WORD = 3
DIALLED = (7, 9, 10)  # digits of a number without what is left out from near by
# Of the squares of a password's length, one for each way in which its signs can be read.
MOST_READ = 8 * LONGEST_PASSWORD**2

# A check takes 7 MiB and a core for some 10 ms. More at once than there are cores make each slower, and the process larger.
_places = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1) // 2))
_judging = threading.Lock()  # zxcvbn keeps what is known of a person in one place for all threads


def least_length() -> int:
    """Return how many characters a new password must have in this installation."""
    least: int = current_app.config["PASSWORD_MINIMUM_LENGTH"]
    return least


def free_tries_by_address() -> int:
    """Return how many failed sign-ins from one address are free before it has to wait."""
    free: int = current_app.config["FREE_TRIES_BY_ADDRESS"]
    return free


def are_judged() -> bool:
    """Tell whether this installation refuses passwords that are easy to guess."""
    return bool(current_app.config["PASSWORD_LEAST_SCORE"] > 0)


def too_easy(password: str, known: Iterable[str | None]) -> list[str]:
    """Return what makes `password` too easy to guess for who knows what is `known`; nothing where it is good enough.

    Judged by zxcvbn (D. Wheeler, USENIX Security 2016): at least PASSWORD_LEAST_SCORE of its scores from 0 to 4.
    """
    if not are_judged():  # what is judged costs some milliseconds
        return []
    from zxcvbn import zxcvbn  # 12 MB of words, which a process that judges nothing does without

    words, run_together = own_words(known), _run_together(password)
    tried = run_together if run_together in words else _legible(password)
    with _judging:
        judged = zxcvbn(tried, user_inputs=words, max_length=LONGEST_PASSWORD)
    if judged["score"] >= current_app.config["PASSWORD_LEAST_SCORE"]:
        return []
    feedback = judged["feedback"]
    return [advice for advice in (feedback["warning"], *feedback["suggestions"]) if advice] or [
        "Too easy to guess."
    ]


def _legible(password: str) -> str:
    """Return what is judged of `password`: with one sign for each letter, where its signs can be read in too many ways.

    zxcvbn takes signs for letters (`4` and `@` for an a) and tries each way to read them, at the square of the length:
    128 signs took it half a minute. Less of a password is no harder to guess, so none passes by this that would not have.
    """
    from zxcvbn.matching import L33T_TABLE

    found = [[sign for sign in signs if sign in password] for signs in L33T_TABLE.values()]
    ways = math.prod(len(signs) for signs in found if signs)
    if ways * len(password) ** 2 <= MOST_READ:
        return password
    left_out = {sign for signs in found for sign in signs} - {signs[0] for signs in found if signs}
    return "".join(character for character in password if character not in left_out)


def own_words(known: Iterable[str | None]) -> list[str]:
    """Return what somebody would try who knows these names, numbers and addresses.

    Each whole, in its single words and run together, with accents and without; of a number also the digits, as they are dialled
    from near and far.
    """
    words: dict[str, None] = {}  # in their order, which is the order of trying
    for said in (part for text in known if text for part in (text, *text.split("@"))):
        digits = re.sub(r"\D", "", said)
        numbers = (
            [digits[-length:] for length in (len(digits), *DIALLED)] if len(digits) >= min(DIALLED) else []
        )
        for word in (said, _run_together(said), *re.split(r"[\W_]+", said), *numbers):
            words |= dict.fromkeys((word.casefold(), _without_accents(word)))
    return [word for word in words if len(word) >= SHORTEST_WORD]


def _run_together(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _without_accents(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _cost() -> tuple[int, int]:
    return current_app.config["ARGON2_MEMORY_KIB"], current_app.config["ARGON2_ITERATIONS"]


def _made(password: str, memory_kib: int, iterations: int) -> str:
    with _places:
        return argon2id.str(password.encode(), opslimit=iterations, memlimit=memory_kib * 1024).decode()


@lru_cache(maxsize=8)
def _nobodys(memory_kib: int, iterations: int) -> str:
    return _made("nobody's password", memory_kib, iterations)


def hash_password(password: str) -> str:
    """Return the hash to keep of `password`, in the string format of Argon2's reference implementation."""
    return _made(password, *_cost())


def matches(kept: str | None, password: str) -> bool:
    """Tell whether `password` is the one `kept` was made of; an unknown account takes as long as a known one."""
    asked = kept or _nobodys(*_cost())
    try:
        with _places:
            argon2id.verify(asked.encode(), password.encode())
    except CryptoError:  # another password, or no hash at all
        return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Tell whether `kept` was made with other parameters than the configuration asks for now."""
    return not kept.startswith("$argon2id$v=19$m={},t={},p=1$".format(*_cost()))
