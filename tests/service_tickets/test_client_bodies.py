"""The client's published documents, word for word: every address answers, every body works unchanged.

`/tickets` of the second document reads `/service_tickets` here.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import PASSWORD, Caller, Shop

JEN = {"name": "Jen", "phone": "555-111-2222"}
BOB = {"name": "Bob", "email": "bob@example.com", "phone": "555-111-3333"}

# What the documents list, and who asks. `{t}` is a ticket, `{m}` a mechanic, `{c}` the customer, `{i}` an item.
PUBLISHED: list[tuple[str, str, str, Any, int]] = [
    ("nobody", "POST", "/customers", JEN | {"email": "jen@example.com", "password": "password123"}, 201),
    ("nobody", "POST", "/customers/login", {"email": "{email}", "password": PASSWORD}, 200),
    ("owner", "GET", "/customers", None, 200),
    ("owner", "GET", "/customers?page=1&per_page=10", None, 200),
    ("customer", "GET", "/customers/{c}", None, 200),
    ("customer", "GET", "/customers/my-tickets", None, 200),
    ("customer", "PUT", "/customers", JEN | {"email": "{email}", "password": "password123"}, 200),
    ("owner", "PUT", "/customers/{c}", JEN | {"email": "{email}"}, 200),
    ("owner", "GET", "/mechanics", None, 200),
    ("customer", "GET", "/mechanics/{m}", None, 200),
    ("owner", "GET", "/mechanics/usage", None, 200),
    ("owner", "GET", "/mechanics/top-3-mechanics", None, 200),
    ("owner", "POST", "/mechanics", BOB | {"salary": 60000.0}, 201),
    ("owner", "PUT", "/mechanics/{m}", BOB | {"salary": 65000}, 200),
    ("owner", "DELETE", "/mechanics/{m}", None, 200),
    ("owner", "GET", "/service_tickets", None, 200),
    ("customer", "GET", "/service_tickets/{t}", None, 200),
    ("customer", "GET", "/service_tickets/my-tickets", None, 200),
    (
        "customer", "POST", "/service_tickets",
        {"VIN": "1HGCM82633A004352", "service_date": "2026-03-02", "service_desc": "Oil change", "customer_id": "{c}"}, 201,
    ),
    (
        "owner", "POST", "/service_tickets",
        {"VIN": "1HGCM82633A004352", "service_date": "2026-03-02", "service_description": "Oil change", "customer_id": "{c}"},
        201,
    ),
    (
        "customer", "PUT", "/service_tickets/{t}",
        {"VIN": "1HGCM82633A004352", "service_date": "2026-03-02", "service_description": "Brakes", "customer_id": "{c}"}, 200,
    ),
    ("mechanic", "PUT", "/service_tickets/{t}/assign-mechanic/{m}", None, 200),
    ("mechanic", "PUT", "/service_tickets/{t}/remove-mechanic/{j}", None, 200),
    (
        "mechanic", "PUT", "/service_tickets/{t}/update-mechanics",
        {"add_mechanic_ids": ["{m}"], "remove_mechanic_ids": ["{j}"]}, 200,
    ),
    ("mechanic", "PUT", "/service_tickets/{t}/edit", {"add_mechanic_ids": ["{m}"], "remove_mechanic_ids": []}, 200),
    ("mechanic", "POST", "/service_tickets/{t}/inventory", {"item_id": "{i}", "quantity": 2}, 201),
    ("mechanic", "GET", "/inventory", None, 200),
    ("mechanic", "GET", "/inventory?page=1&per_page=10", None, 200),
    ("owner", "POST", "/inventory", {"name": "Oil Filter", "price": 19.99}, 201),
    ("owner", "PUT", "/inventory/{i}", {"name": "Oil Filter", "price": 24.99}, 200),
    ("owner", "DELETE", "/inventory/{i}", None, 200),
]  # fmt: skip


def filled(value: Any, known: dict[str, Any]) -> Any:
    """Return `value` with the names in braces filled in; an id in a body stays a number."""
    if isinstance(value, dict):
        return {key: filled(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, known) for inner in value]
    if isinstance(value, str) and value[:1] == "{" and value[1:-1] in known:
        return known[value[1:-1]]
    return value


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("role", "method", "path", "body", "status"), PUBLISHED)
def test_every_published_operation_works(
    shop: Shop, role: str, method: str, path: str, body: Any, status: int, slash: str
) -> None:
    jane = shop.make_mechanic()
    known = {
        "c": shop.customer_id, "m": shop.mechanic_id, "j": jane.id, "t": shop.make_ticket()["id"], "i": shop.make_part().id,
        "email": shop.customer.email,
    }  # fmt: skip
    shop.owner.put(f"/service_tickets/{known['t']}/assign-mechanic/{jane.id}")
    caller: Caller = getattr(shop, role)
    if body is not None and body.get("email") in ("jen@example.com", "bob@example.com"):
        body = body | {
            "email": f"{shop.slug}-{body['email']}"
        }  # an address is one account's on the whole installation
    place, question, query = path.format(**known).partition("?")

    answer = caller.open(method, f"{place}{slash}{question}{query}", json=filled(body, known))

    assert answer.status_code == status


def test_the_whole_story_in_the_clients_words(shop: Shop) -> None:
    """Register, sign in, book; the shop staffs, fits, finishes and delivers; the customer looks on."""
    email = f"{shop.slug}-jen@example.com"
    shop.nobody.post(
        "/customers", json={"name": "Jen", "email": email, "phone": "555-111-2222", "password": "password123"}
    )
    login = shop.nobody.post("/customers/login", json={"email": email, "password": "password123"}).json
    jen = Caller(shop.app, headers={"Authorization": f"Bearer {login['auth_token']}"})
    jens_id = shop.owner.get("/customers", query_string={"email": email}).json[0]["id"]
    mechanic = shop.owner.post(
        "/mechanics",
        json={
            "name": "Bob",
            "email": f"{shop.slug}-bob@example.com",
            "phone": "555-111-3333",
            "salary": 60000,
        },
    ).json
    item = shop.owner.post("/inventory", json={"name": "Oil Filter", "price": 19.99, "on_hand": 4}).json
    booking = {
        "VIN": "1m8gdm9axkp042788",
        "service_date": "2026-03-02",
        "service_description": "Oil change",
        "customer_id": jens_id,
    }

    ticket = jen.post("/service_tickets", json=booking).json
    path = f"/service_tickets/{ticket['id']}"
    shop.mechanic.put(f"{path}/assign-mechanic/{mechanic['id']}")
    shop.mechanic.post(f"{path}/inventory", json={"item_id": item["id"], "quantity": 1})
    for status in ("received", "in_progress", "completed", "delivered"):
        shop.mechanic.post(f"{path}/status", json={"status": status})

    seen = jen.get("/customers/my-tickets").json
    assert [(one["VIN"], one["status"], one["service_desc"]) for one in seen] == [
        ("1M8GDM9AXKP042788", "delivered", "Oil change")
    ]
    assert seen[0]["mechanics"] == [{"id": mechanic["id"], "name": "Bob"}]
    assert seen[0]["inventory_items"] == [
        {"id": item["id"], "name": "Oil Filter", "price": 19.99, "quantity": 1}
    ]
    assert shop.owner.get(f"/inventory/{item['id']}").json["on_hand"] == 3
    ranked = {row["name"]: row["ticket_count"] for row in shop.owner.get("/mechanics/usage").json}
    assert ranked == {"Bob": 1, "Mel Mechanic": 0}
