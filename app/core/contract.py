"""The contract of a route: who may call it, how often, what is cached; said by decorators beside the view.

`app.core.serving` puts the steps that it asks for around the view. Undeclared routes cannot be registered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.core.caching import CachePolicy
from app.core.scopes import SCOPES

View = Callable[..., Any]
Decorated = TypeVar("Decorated", bound=View)


class UndeclaredRoute(RuntimeError):
    """A route without a declared access or limit; the application does not start with one."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: who has one of the `scopes`; any member where `members`; else anybody.

    `recognises`: a token, if anybody sends one, is read all the same. `keys`: an API key is as good as being signed in.
    """

    scopes: tuple[str, ...] = ()
    members: bool = False
    keys: bool = False
    recognises: bool = False

    @property
    def is_public(self) -> bool:
        return not (self.scopes or self.members)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a route declares."""

    access: Access | None = None
    limit: str | None = None
    cache: CachePolicy | None = None
    forms: bool = False
    longest_file: int | None = None
    serves: tuple[str, ...] = ()
    versioned: bool = True
    even: bool = False
    page: bool = False
    cookie: str | None = None


def contract_of(view: View) -> Contract:
    """Return what `view` declares so far."""
    found: Contract = getattr(view, "contract", Contract())
    return found


def _declare(view: Decorated, **parts: Any) -> Decorated:
    view.contract = replace(contract_of(view), **parts)  # type: ignore[attr-defined]
    return view


def limited(name: str) -> Callable[[Decorated], Decorated]:
    """Declare the rate limit of a view, by its name in `config.RATE_LIMITS`."""
    return lambda view: _declare(view, limit=name)


def needs(*any_of: str) -> Callable[[Decorated], Decorated]:
    """Declare the scopes of which a caller of a view must have one; app/core/scopes.py has the table.

    :raises UndeclaredRoute: a scope that is not in it.
    """
    if unknown := [name for name in any_of if name not in SCOPES]:
        raise UndeclaredRoute(f"There is no scope {', '.join(unknown)}.")
    return lambda view: _declare(view, access=Access(any_of))


def signed_in(view: Decorated) -> Decorated:
    """Declare that whoever is signed in may call a view: it is about the caller alone, and not for API keys."""
    return _declare(view, access=Access(members=True))


def signed_in_or_by_key(view: Decorated) -> Decorated:
    """Declare that whoever is signed in may call a view, and whoever sends an API key."""
    return _declare(view, access=Access(members=True, keys=True))


def public(view: Decorated) -> Decorated:
    """Declare that anybody may call a view."""
    return _declare(view, access=Access())


def public_recognising_members(view: Decorated) -> Decorated:
    """Declare that anybody may call a view, which treats members by their role."""
    return _declare(view, access=Access(recognises=True))


def takes_forms(view: Decorated) -> Decorated:
    """Declare that a view's body may come as a form's fields too."""
    return _declare(view, forms=True)


def takes_file(longest: int) -> Callable[[Decorated], Decorated]:
    """Declare that a view's body is a form with a file (`location="files"`) of at most so many bytes."""
    return lambda view: _declare(view, longest_file=longest)


def serves_file(*types: str) -> Callable[[Decorated], Decorated]:
    """Declare that a view answers with a file of one of these media types, and with 304 to whoever has it."""
    return lambda view: _declare(view, serves=types)


def shows_page(view: Decorated) -> Decorated:
    """Declare that a view answers with a page, in HTML, whoever would rather have one."""
    return _declare(view, page=True)


def takes_cookie(name: str) -> Callable[[Decorated], Decorated]:
    """Declare that a view's callers may show who they are by this cookie, with `X-CSRF-Token` beside it."""
    return lambda view: _declare(view, cookie=name)


def evenly_timed(view: Decorated) -> Decorated:
    """Declare that a view's answers to strangers leave at whole steps of time, which then does not tell what was found."""
    return _declare(view, even=True)


def unversioned(view: Decorated) -> Decorated:
    """Declare that what a view writes has no version: no ETag comes back, and If-Match means nothing."""
    return _declare(view, versioned=False)


def cached(lifetime: str, *, reads: tuple[str, ...]) -> Callable[[Decorated], Decorated]:
    """Declare that a view's answer is kept until one of the tables it `reads` is written to."""
    return lambda view: _declare(view, cache=CachePolicy(lifetime, reads))
