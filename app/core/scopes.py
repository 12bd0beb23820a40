"""What a caller may do, by name: the scopes, and which of them each built-in role carries.

A route asks for a scope (`contract.needs`); a role, an API key or a role that an owner made is a set of them. This is the one
table; docs/security.md shows it, and a test keeps the two alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

Role = Literal["owner", "mechanic", "staff", "customer", "admin"]
ROLES: tuple[Role, ...] = ("owner", "mechanic", "staff", "customer", "admin")
STAFF: tuple[Role, ...] = ("owner", "mechanic", "staff")
MEMBERS: tuple[Role, ...] = ("owner", "mechanic", "staff", "customer")

# Each scope: what it lets one do, and the built-in roles that have it.
SCOPES: dict[str, tuple[str, tuple[Role, ...]]] = {
    "own:read": ("See one's own record, cars and tickets.", ("customer",)),
    "own:write": ("Change one's own record and cars, and open and cancel one's own tickets.", ("customer",)),
    "workshop:write": (
        "Change the workshop's entry, settings, hours and closures, and close it.",
        ("owner",),
    ),
    "customers:read": ("See the workshop's customers.", ("owner", "mechanic")),
    "customers:create": ("Record a customer who walked in.", ("owner", "mechanic")),
    "customers:write": ("Change and erase customers' records.", ("owner",)),
    "mechanics:read": ("See who works here, by name and contact.", ("owner", "mechanic")),
    "mechanics:names": ("See who works here, by name.", ("owner", "mechanic", "customer")),
    "mechanics:write": ("Hire, change and dismiss mechanics.", ("owner",)),
    "mechanics:salary": ("See salaries.", ("owner",)),
    "invitations:read": ("See who is invited, and what came of it.", ("owner",)),
    "invitations:write": ("Invite staff, and send again and withdraw invitations.", ("owner",)),
    "tickets:read": ("See every service ticket.", ("owner", "mechanic")),
    "tickets:write": ("Open, change and move every service ticket.", ("owner", "mechanic")),
    "canned_jobs:write": ("Make, change and remove canned jobs.", ("owner",)),
    "hours:read": ("See the hours that every mechanic worked.", ("owner",)),
    "hours:write": ("Start and stop every mechanic's clock, and correct what it says.", ("owner",)),
    "tickets:oversee": (
        "Validate what customers are shown of inspections and progress, and delete staff's comments.",
        ("owner",),
    ),
    "vehicles:read": ("See every vehicle, its plates, readings and keepers.", ("owner", "mechanic")),
    "vehicles:write": ("Add, change and archive every vehicle, and hand it over.", ("owner", "mechanic")),
    "vehicles:override": ("Record an odometer reading that is less than before.", ("owner",)),
    "inventory:read": ("See the parts.", ("owner", "mechanic")),
    "inventory:write": ("Add, change and remove parts.", ("owner",)),
    "stock:write": ("Receive, return, adjust, value and write off stock.", ("owner", "mechanic")),
    "suppliers:read": ("See who supplies parts, and at what price.", ("owner", "mechanic")),
    "suppliers:write": ("Record, change and remove suppliers, and what they supply.", ("owner",)),
    "purchasing:write": ("Draft purchase orders, order, send and cancel them.", ("owner",)),
    "members:read": ("See who may sign in to the workshop, and as what.", ("owner",)),
    "members:write": ("Give its members another role, and end their membership.", ("owner",)),
    "roles:read": ("See the roles, and what each scope lets one do.", ("owner",)),
    "roles:write": ("Make, change and remove roles of the workshop's own.", ("owner",)),
    "api_keys:read": ("See the API keys, and when each was used last.", ("owner",)),
    "api_keys:write": ("Make, name and revoke API keys.", ("owner",)),
    "audit:read": ("See who changed what.", ("owner", "admin")),
    "notifications:read": ("See what was sent in the workshop's name.", ("owner", "admin")),
    "notifications:write": ("Send again what could not be sent.", ("owner", "admin")),
    "reports:read": ("See rankings and figures.", ("owner", "mechanic")),
    "admins:read": ("See who administers the installation.", ("admin",)),
    "admins:write": ("Make, change and dismiss admins of the installation.", ("admin",)),
    "accounts:read": ("See the accounts of the installation, and what each is where.", ("admin",)),
    "accounts:suspend": ("Suspend accounts and reinstate them.", ("admin",)),
    "workshops:read": ("See every workshop's entry, be it unlisted, suspended or closed.", ("admin",)),
    "workshops:open": ("Open a workshop for its owner.", ("admin",)),
    "workshops:suspend": ("Suspend workshops and reinstate them.", ("admin",)),
}

# What members of a workshop can have at all: the rest is the installation's.
OF_A_WORKSHOP = tuple(name for name, (_, roles) in SCOPES.items() if roles != ("admin",))
# What a role of a workshop's own can hold: neither what is about a customer's own record nor what is the installation's.
GRANTABLE = tuple(name for name, (_, roles) in SCOPES.items() if "owner" in roles)
# What no API key has: a key hands out no rights, neither to people nor to other keys.
FOR_PEOPLE = frozenset(
    {"members:write", "roles:write", "invitations:write", "api_keys:read", "api_keys:write"}
)
FOR_KEYS = tuple(name for name in GRANTABLE if name not in FOR_PEOPLE)


@lru_cache(maxsize=8)
def of_role(role: Role) -> frozenset[str]:
    """Return the scopes that a built-in role carries: none for `staff`, whose role is of the workshop's own making."""
    return frozenset(name for name, (_, roles) in SCOPES.items() if role in roles)


def known(names: Iterable[str]) -> frozenset[str]:
    """Return those of `names` that are scopes: what an old row names and is no more is worth nothing."""
    return frozenset(names) & SCOPES.keys()
