"""Two workshops with something of each kind in the first, and a good request for every route that is about it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import quote

from flask import Flask
from werkzeug.test import TestResponse

from app.blueprints.accounts import sessions
from app.blueprints.canned_jobs import service as canned_jobs
from app.blueprints.cores import reading as core_reading
from app.blueprints.cores import returning
from app.blueprints.cores import service as cores
from app.blueprints.customers import exports, photos, preferences
from app.blueprints.estimates import links
from app.blueprints.inspections import recommending, taking, templates
from app.blueprints.inspections import service as inspections
from app.blueprints.inventory.alert_models import StockDigest
from app.blueprints.progress import comments
from app.blueprints.progress import service as progress
from app.blueprints.service_tickets import fitting, moving
from app.blueprints.service_tickets.events import Declined
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.timesheets.models import ClockEntry
from app.core import files, stores, tenancy
from app.core.db import atomic
from app.core.identity import Principal
from app.core.objects import FileObject
from app.core.paging import Walk
from tests import second_factors
from tests.factories import PASSWORD, Caller, Shop, make_admin, make_shop, unique, unique_vin
from tests.pictures import picture
from tests.tampering import owners_connection


@dataclass
class Situation:
    """`shop` has a ticket of its customer with a mechanic, an item and a car with a plate.

    It has a dead letter too, and an invitation of one who walked in. `other_shop` is somebody else's. `admin` and `other_admin`
    administer the installation, and are nothing in either.
    """

    app: Flask
    sender: Caller | None = field(init=False, default=None)
    shop: Shop = field(init=False)
    other_shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        self.shop, self.other_shop = make_shop(self.app), make_shop(self.app)
        self.admin, self.other_admin = make_admin(self.app), make_admin(self.app)
        within = self.within_id = self.shop.make_category(parent_id=self.shop.make_category().id).id
        self.item_id = self.shop.make_part(on_hand=10, sku=SKU, category_id=within).id
        self.category_id = self.shop.make_category().id
        self.rule_id = self.shop.make_markup_rule().id
        self.reference_id = self.shop.make_reference(self.item_id).id
        self.supplier_id = self.shop.make_supplier(email="sales@parts.example.com").id
        self.idle_supplier_id = self.shop.make_supplier().id
        low = self.shop.make_part(on_hand=0, minimum_stock_level=2).id
        offered = f"/inventory/{low}/suppliers/{self.shop.make_supplier().id}"
        assert self.shop.owner.put(offered, json={}).status_code == 200
        supplied = f"/inventory/{self.item_id}/suppliers/{self.supplier_id}"
        assert self.shop.owner.put(supplied, json={"price": 9.8}).status_code == 200
        self.order_id = self.shop.make_order(self.item_id, supplier_id=self.supplier_id)["id"]
        drafted = self.shop.make_part(on_hand=1).id
        self.draft_id = self.shop.make_order(drafted, supplier_id=self.supplier_id, placed=False)["id"]
        self.sheet_item_id = self.shop.make_part(on_hand=3, bin="Z-9").id
        counting = self.shop.owner.post("/inventory/stocktakes", json={"bin": "Z-9"})
        self.stocktake_id = counting.json["id"]
        for one in (self.shop, self.other_shop):
            one.make_part(on_hand=3, bin="Y-1")
        ticket = self.shop.make_ticket()
        self.ticket_id, self.vin = ticket["id"], ticket["VIN"]
        self.notification_id = self.shop.make_dead_letter()
        edit = {"add_mechanic_ids": [self.shop.mechanic_id], "add_item_ids": [self.item_id]}
        staffed = self.shop.owner.put(f"/service_tickets/{self.ticket_id}/edit", json=edit)
        assert staffed.status_code == 200
        self.line_id = self._write_a_line()
        self._exchange_parts()
        self.asked_ticket_id, self.estimate_id = self._ask()
        self.vehicle_id = self.shop.owner.get(f"/vehicles?vin={self.vin}").json[0]["id"]
        made = self.shop.owner.post(f"/vehicles/{self.vehicle_id}/maintenance", json=OIL_CHANGE)
        self.maintenance_id = made.json["id"]
        self.examine()
        plated = self.shop.owner.patch(f"/vehicles/{self.vehicle_id}", json={"plate": unique("GD ")})
        assert plated.status_code == 200
        place = {"listed": True, "latitude": 41.88, "longitude": -87.63, "name": WORKSHOP}
        assert self.shop.owner.patch(f"/workshops/{self.shop.id}", json=place).status_code == 200
        closed = self.shop.owner.post(f"/workshops/{self.shop.id}/closures", json=_closure(self))
        self.closure_id = closed.json["id"]
        person = f"/customers/{self.shop.customer_id}"
        assert self.shop.owner.put(f"{person}/profile", json={"city": "Sopot"}).status_code == 200
        self.walk_in_id = self.shop.make_customer().id
        invited = self.shop.owner.post(f"/customers/{self.shop.make_customer().id}/invitation")
        self.invitation_id = invited.json["id"]
        by_record = {"role": "mechanic", "mechanic_id": self.shop.make_mechanic().id}
        to_own_role = {
            "role": "staff",
            "role_id": self.shop.make_role().id,
            "name": "Sam",
            "email": f"{unique('sam')}@example.com",
        }
        for body in (by_record, to_own_role):
            assert self.shop.owner.post("/invitations", json=body).status_code == 201
        self.role_id, self.member = self.shop.make_role().id, self.shop.make_staff()
        made = self.shop.owner.post("/api_keys", json=_api_key(self))
        self.key_id = made.json["id"]
        consent = {"kind": "photos", "text_version": "1", "given": True}
        assert self.shop.owner.post(f"{person}/consents", json=consent).status_code == 201
        with self.shop.inside():
            self.photo = photos.put(self.shop.id, self.shop.customer_id, PHOTO)
        self.attachment_id = self.shop.make_attachment(self.ticket_id).id
        self.entry_id = self.shop.make_clock_entry(self.ticket_id).id

    def _write_a_line(self) -> int:
        """Put six of a part on the ticket: two are fitted, two set aside, two to be ordered, and some have come meanwhile."""
        part = self.shop.make_part(on_hand=4)
        lines = f"/service_tickets/{self.ticket_id}/lines"
        written = self.shop.owner.post(lines, json={"kind": "part", "item_id": part.id, "quantity": 6})
        line_id: int = written.json["lines"][-1]["id"]
        assert self.shop.owner.post(f"{lines}/{line_id}/fit", json={"quantity": 2}).status_code == 200
        came = {"kind": "purchase", "quantity": 10, "unit_cost": 2}
        assert self.shop.owner.post(f"/inventory/{part.id}/movements", json=came).status_code == 201
        return line_id

    def _exchange_parts(self) -> None:
        """Let a finished job have old parts: one on its way to a supplier, one held, one of which nothing is said."""
        by, part = self.shop.owner.principal, self.shop.make_part(core_charge=Decimal("45.00")).id
        assert by is not None
        ticket = self.exchange_ticket_id = self.shop.make_ticket()["id"]
        with self.shop.inside():
            fitted = fitting.add_parts(by, ticket, [{"item_id": part, "quantity": Decimal(3)}])
            line = self.exchange_line_id = fitted["lines"][0]["id"]
            for status in ("received", "in_progress", "completed"):
                moving.change_status(by, ticket, status)
            for _ in range(2):
                cores.settle(by, ticket, line, "held", Decimal(1))
            walk = Walk("id", 2)
            self.sent_core_id, self.core_id = (
                one["id"] for one in core_reading.find(self.shop.id, walk).rows
            )
            returning.send_back(self.shop.id, self.sent_core_id, supplier_id=self.supplier_id)

    def _ask(self) -> tuple[int, int]:
        """Send the customer an estimate of another ticket of theirs, and return both."""
        ticket_id: int = self.shop.make_ticket()["id"]
        path = f"/service_tickets/{ticket_id}"
        assert self.shop.owner.post(f"{path}/status", json={"status": "received"}).status_code == 200
        assert self.shop.owner.post(f"{path}/lines", json=LABOUR).status_code == 201
        return ticket_id, self.shop.owner.post(f"{path}/estimates", json={}).json["id"]

    @property
    def callers(self) -> dict[str, Caller]:
        """The callers by their name in the table; all but the last of them mean the first workshop."""
        return {
            "nobody": self.shop.nobody,
            "customer": self.shop.customer,
            "other customer": self.shop.other_customer,
            "mechanic": self.shop.mechanic,
            "owner": self.shop.owner,
            "other owner": self.other_shop.owner,
            "admin": self.admin,
        }

    @cached_property
    def session_id(self) -> int:
        """Another session of the customer's: ending the one that asks would be seen by the next request."""
        assert self.shop.customer.principal is not None
        with self.app.app_context():
            return sessions.begin(self.shop.customer.principal).principal.session_id

    @property
    def token(self) -> str:
        """What a link to the customer's photo ends with."""
        with self.app.app_context():
            return files.link(self.photo).token

    @property
    def estimate_token(self) -> str:
        """What the link to the estimate ends with."""
        with self.app.app_context():
            return links.token_of(self.shop.id, self.estimate_id)

    @cached_property
    def ids(self) -> dict[str, Any]:
        """What the parameters of a path stand for."""
        return {
            "customer_id": self.shop.customer_id,
            "mechanic_id": self.shop.mechanic_id,
            "item_id": self.item_id,
            "category_id": self.category_id,
            "rule_id": self.rule_id,
            "reference_id": self.reference_id,
            "supplier_id": self.supplier_id,
            "order_id": self.order_id,
            "stocktake_id": self.stocktake_id,
            "session_id": self.session_id,
            "role_id": self.role_id,
            "key_id": self.key_id,
            "member_id": self.member.member_id,
            "ticket_id": self.ticket_id,
            "line_id": self.line_id,
            "core_id": self.core_id,
            "estimate_id": self.estimate_id,
            "vehicle_id": self.vehicle_id,
            "maintenance_id": self.maintenance_id,
            "attachment_id": self.attachment_id,
            "entry_id": self.entry_id,
            "template_id": self.template_id,
            "canned_job_id": self.canned_job_id,
            "inspection_id": self.inspection_id,
            "recommendation_id": self.new_advice_id,
            "update_id": self.update_id,
            "comment_id": self.comment_id,
            "make_id": 1,
            "notification_id": self.notification_id,
            "invitation_id": self.invitation_id,
            "workshop_id": self.shop.id,
            "closure_id": self.closure_id,
            "admin_id": _account_id(self.other_admin),
            "account_id": _account_id(self.shop.customer),
            "token": self.token,
            "path": "swagger-ui.css",
            "filename": "swagger.yaml",
        }

    def send(self, caller: Caller, method: str, path: str, **options: Any) -> TestResponse:
        """Send a good request to the route `path`, which means the first workshop wherever a token says no other."""
        options = {"headers": {"X-Workshop": self.shop.slug}, **options}
        if f"{method} {path}" in FILES:
            name, content = FILES[f"{method} {path}"]
            options.setdefault("data", {name: (io.BytesIO(content(self)), "sent")})
        self.sender = caller
        body = BODIES.get(f"{method} {path}")
        if body is not None:
            options.setdefault("json", body(self))
        ids = self.ids | {"customer_id": self.walk_in_id} if path.endswith("/invitation") else self.ids
        if method == "GET":
            ids = ids | {"inspection_id": self.seen_inspection_id, "update_id": self.seen_update_id}
        if path.startswith("/vehicles/{vehicle_id}/recommendations"):
            ids = ids | {"recommendation_id": self.advice_id}
        if (method, path) == ("DELETE", "/inventory/suppliers/{supplier_id}"):
            ids = ids | {"supplier_id": self.idle_supplier_id}
        if "/estimates" in path:
            ids = ids | {"ticket_id": self.asked_ticket_id, "token": self.estimate_token}
        if "/cores" in path:
            ids = ids | {"ticket_id": self.exchange_ticket_id, "line_id": self.exchange_line_id}
        if path.endswith("/credit"):
            ids = ids | {"core_id": self.sent_core_id}
        if f"{method} {path}" in ABOUT_DRAFTS:
            ids = ids | {"order_id": self.draft_id}
        query = QUERIES.get(f"{method} {path}", "").format(**ids)
        return caller.open(method, path.format(**ids) + query, **options)

    def give_second_factors(self, *, confirmed: bool) -> None:
        """Give everybody a second factor by the secret that is known here: switched on, or only begun."""
        people = [caller for caller in self.callers.values() if caller.principal is not None]
        emails = [caller.email for caller in (*people, self.member)]
        second_factors.give(self.app, emails, confirmed=confirmed)

    def _follow_up(self) -> None:
        """Open a ticket that follows a finished one."""
        done = self.shop.make_ticket()
        for status in ("received", "in_progress", "completed"):
            step = {"status": status}
            assert self.shop.owner.post(f"/service_tickets/{done['id']}/status", json=step).status_code == 200
        self.shop.make_ticket(VIN=done["VIN"], follows_ticket_id=done["id"], follows_as="warranty")

    def start_the_clock(self) -> None:
        """Let the mechanic's clock run on the ticket: only one that runs is stopped."""
        assert (
            self.shop.mechanic.post(f"/service_tickets/{self.ticket_id}/clock/start", json={}).status_code
            == 201
        )

    def finish_the_ticket(self) -> None:
        """Cancel the tickets: a workshop is closed, and a car archived, only once none is open."""
        for ticket_id in (self.ticket_id, self.asked_ticket_id):
            cancelled = self.shop.owner.post(
                f"/service_tickets/{ticket_id}/status", json={"status": "cancelled"}
            )
            assert cancelled.status_code == 200

    def erase_the_customer(self) -> None:
        """Erase the customer: a report of it is there then."""
        assert self.shop.owner.delete(f"/customers/{self.shop.customer_id}").status_code == 200

    def leave_traces(self, table: str) -> None:
        """Let there be a row in a table of `LEFT_BY_SOME`; the other workshop has a file."""
        self._leave_traces_in_the_stock(table)
        self._show_a_photo(table)
        if table in ("customer_photos", "file_pieces", "exports", "service_ticket_attachments"):
            with self.other_shop.inside():
                photos.put(self.other_shop.id, self.other_shop.customer_id, PHOTO)
        if table in ("file_objects", "files"):
            self._leave_objects(linked=table == "files")
        if table == "exports":
            assert self.shop.customer.post(f"/customers/{self.shop.customer_id}/export").status_code == 202
            with self.app.app_context():
                # Some at a time, the oldest first, and other tests have asked for some.
                while exports.make_due():
                    pass
        if table == "erasures":
            self.erase_the_customer()
        if table == "vehicle_readings":
            reading = {"value": 84_200, "unit": "km"}
            assert (
                self.shop.owner.post(f"/vehicles/{self.vehicle_id}/readings", json=reading).status_code == 201
            )
        if table == "service_tickets":
            self._follow_up()
        if table == "vehicle_transfers":
            car = self.shop.make_vehicle(customer_id=self.walk_in_id).id
            to = {"customer_id": self.shop.other_customer_id}
            assert self.shop.owner.post(f"/vehicles/{car}/transfer", json=to).status_code == 200
        self._take_advice(table)
        if table == "vehicle_views":
            assert self.shop.owner.get(f"/vehicles/{self.vehicle_id}").status_code == 200

    def _show_a_photo(self, table: str) -> None:
        """Let an update or a point of an inspection show a photo; the other workshop has photos and updates."""
        path, photo = f"/service_tickets/{self.ticket_id}", {"photo_ids": [self.attachment_id]}
        if table == "progress_update_photos":
            assert self.shop.owner.post(f"{path}/progress", json={**PROGRESS, **photo}).status_code == 201
        elif table == "inspection_point_photos":
            inspection = f"{path}/inspections/{self.inspection_id}"
            seen = {"points": [{"place": 1, "condition": "red", **photo}]}
            assert self.shop.owner.post(f"{inspection}/points", json=seen).status_code == 200
        else:
            return
        there = self.other_shop.make_ticket()["id"]
        self.other_shop.make_attachment(there)
        self.other_shop.owner.post(f"/service_tickets/{there}/progress", json=PROGRESS)

    def _take_advice(self, table: str) -> None:
        """Let work be put off that a part is for, or advice be taken by a line; the other workshop has lines.

        Or let a customer say what a car needs again, or somebody work on a line.
        """
        path = f"/service_tickets/{self.ticket_id}"
        if table == "clock_entries":
            labour = {"kind": "labour", "description": "Brakes", "unit_price": 95}
            there = self.other_shop.make_ticket()["id"]
            self.other_shop.owner.post(f"/service_tickets/{there}/lines", json=labour)
            lines = self.shop.owner.post(f"{path}/lines", json=labour).json["lines"]
            with self.shop.inside(), atomic() as session:
                session.get_one(ClockEntry, self.entry_id).line_id = lines[-1]["id"]
        if table == "maintenance_intervals":
            said = self.shop.customer.post(f"/vehicles/{self.vehicle_id}/maintenance", json=OIL_CHANGE)
            assert said.status_code == 201
        if table == "recommendations":
            with self.shop.inside(), atomic() as session:
                ticket = session.get_one(ServiceTicket, self.ticket_id)
                amounts = Decimal(1), Decimal("5.00"), Decimal(0), Decimal("5.00")
                taking.defer(
                    ticket, None, [Declined(self.line_id, "part", "Filter", self.item_id, *amounts)], "Later."
                )
        elif table == "recommendation_lines":
            taken = self.shop.owner.post(f"{path}/recommendations/{self.new_advice_id}")
            assert taken.status_code == 201
            there = self.other_shop.make_ticket()["id"]
            fee = {"kind": "fee", "description": "Wash", "unit_price": 5}
            self.other_shop.owner.post(f"/service_tickets/{there}/lines", json=fee)

    def _leave_objects(self, *, linked: bool) -> None:
        """Let both workshops have an object in a store, which is the photo's in the first one if it is `linked`."""
        for shop in (self.shop, self.other_shop):
            with shop.inside(), atomic() as session:
                kept = FileObject(
                    workshop_id=shop.id, key=stores.new_key(), store="folder", secret=b"s", state="kept"
                )
                session.add(kept)
                session.flush()
                if linked and shop is self.shop:
                    file = files.find(shop.id, self.photo.id)
                    assert file is not None
                    file.object_key = kept.key

    def examine(self) -> None:
        """Let the ticket have an inspection that is validated, with advice, one that is not, updates likewise, a comment.

        By no requests, which would cost each situation a tenth of a second.
        """
        assert self.shop.owner.principal is not None
        by, ticket = self.shop.owner.principal, self.ticket_id
        with self.shop.inside():
            self.canned_job_id = canned_jobs.add(self.shop.id, **_canned_job(self))["id"]
            self.template_id = templates.add(self.shop.id, standard=False, **_template(self))["id"]
            self.seen_inspection_id, self.advice_id = self._inspection(by)
            inspections.validate(by, ticket, self.seen_inspection_id)
            self.inspection_id, self.new_advice_id = self._inspection(by)
            self.seen_update_id, self.update_id = (
                progress.write(by, ticket, **PROGRESS)["id"] for _ in range(2)
            )
            progress.validate(by, ticket, self.seen_update_id)
            self.comment_id = comments.write(by, ticket, **PROGRESS).id
            preferences.update(self.shop.id, self.shop.customer_id, {"maintenance_reminders": False})

    def _inspection(self, by: Principal) -> tuple[int, int]:
        made = inspections.begin(by, self.ticket_id, self.template_id)["id"]
        seen = {"place": 1, "condition": "red", "note": None, "mechanic_id": self.shop.mechanic_id}
        inspections.check(by, self.ticket_id, made, [seen])
        priced = {"estimated_price": Decimal("89.90"), "labour_hours": None, "parts_price": None, "point": 1}
        work = {"description": "New brake pads", "urgency": "soon"}
        return made, recommending.add(by, self.ticket_id, made, **work, **priced).id

    def discard_the_inspection(self) -> None:
        """Throw the inspection away that is not validated: a ticket has one at a time."""
        path = f"/service_tickets/{self.ticket_id}/inspections/{self.inspection_id}"
        assert self.shop.owner.delete(path).status_code == 200

    def archive_the_vehicle(self) -> None:
        """Archive the vehicle, which has a history: it is restored only then."""
        self.finish_the_ticket()
        assert self.shop.owner.delete(f"/vehicles/{self.vehicle_id}").status_code == 200

    def sell_the_item_out(self, *, takes_out: bool) -> None:
        """Let none of the item be left, or it is not taken out; and take it out, or it is not restored."""
        path = f"/inventory/{self.item_id}"
        assert self.shop.owner.patch(path, json={"on_hand": 0}).status_code == 200
        if takes_out:
            assert self.shop.owner.delete(path).status_code == 200

    def _leave_traces_in_the_stock(self, table: str) -> None:
        if table == "cores":
            there = f"/service_tickets/{self.other_shop.make_ticket()['id']}/lines"
            assert self.other_shop.owner.post(there, json=LABOUR).status_code == 201
        if table in ("markup_rules", "parts"):
            self._price_by_rule()
        if table == "parts":
            replaced = {"replaced_by_id": self.item_id}
            assert self.shop.owner.patch(f"/inventory/{self.sheet_item_id}", json=replaced).status_code == 200
        if table == "purchase_order_lines":
            self.other_shop.make_order(self.other_shop.make_part(on_hand=1).id)
        if table == "stocktakes":
            counted = {"category_id": self.within_id}
            assert self.shop.owner.post("/inventory/stocktakes", json=counted).status_code == 201
        if table == "stocktake_lines":
            assert self.other_shop.owner.post("/inventory/stocktakes", json={}).status_code == 201
        if table == "outbox_attachments":
            self.other_shop.make_dead_letter()
            sent = self.shop.owner.post(f"/inventory/purchase_orders/{self.order_id}/send")
            assert sent.status_code == 200
        if table == "stock_digests":
            with self.shop.inside(), atomic() as session:
                session.add(StockDigest(workshop_id=self.shop.id, day=date(2026, 3, 2)))

    def _price_by_rule(self) -> None:
        """Let an item have its price by the rule of a category; the other workshop has a rule."""
        self.other_shop.make_markup_rule(category_id=self.other_shop.make_category().id)
        category = self.shop.make_category().id
        self.shop.make_markup_rule(category_id=category, cost_from=Decimal(0))
        priced = self.shop.make_part(on_hand=0, category_id=category, pricing="markup").id
        bought = {"kind": "purchase", "quantity": 1, "unit_cost": "5.00"}
        assert self.shop.owner.post(f"/inventory/{priced}/movements", json=bought).status_code == 201

    def keep_hours(self) -> None:
        """Let the workshop be open, and good at something."""
        hours, path = (
            {"days": [{"weekday": 1, "opens": "08:00", "closes": "17:00"}]},
            f"/workshops/{self.shop.id}",
        )
        assert self.shop.owner.put(f"{path}/opening_hours", json=hours).status_code == 200
        assert self.shop.owner.patch(path, json={"specialisations": ["brakes"]}).status_code == 200

    def take_mechanic_off(self) -> None:
        """Take the mechanic off the ticket, and their hours: it is deleted only where nobody works or worked on it."""
        entry = f"/service_tickets/{self.ticket_id}/clock/{self.entry_id}?reason=Mistaken"
        assert self.shop.owner.delete(entry).status_code == 200
        edit = {"remove_mechanic_ids": [self.shop.mechanic_id]}
        assert self.shop.owner.put(f"/service_tickets/{self.ticket_id}/edit", json=edit).status_code == 200

    def suspend(self, what: str) -> None:
        """Suspend the workshop or the customer's account: only what is suspended is reinstated."""
        path = f"/{what}s/{self.ids[f'{what}_id']}/suspend"
        assert self.admin.post(path, json={"reason": "Unpaid"}).status_code == 200

    def everything(self) -> dict[str, list[Any]]:
        """Return all rows of both workshops."""
        mine = f"({self.shop.id:d}, {self.other_shop.id:d})"
        with owners_connection(self.app) as connection:
            return {
                name: sorted(map(tuple, connection.exec_driver_sql(f"{statement} {mine}")), key=repr)
                for name, statement in ROWS.items()
            }


class Shared:
    """Situations for cases that undo what they do: one with rows in the tables asked for, and one of an erased customer."""

    def __init__(self, make: Callable[[], Situation], *, one_at_a_time: bool = False) -> None:
        self._make = make
        self._one_at_a_time = one_at_a_time
        self._made: dict[bool, tuple[Situation, set[str]]] = {}

    def with_rows_in(self, table: str) -> Situation:
        """Return a situation with a row in a table, also in one of `LEFT_BY_SOME`."""
        is_erased = table == "erasures"
        if is_erased not in self._made:
            if self._one_at_a_time:
                self._made.clear()
            self._made[is_erased] = self._make(), set()
        situation, traced = self._made[is_erased]
        if table not in traced:
            situation.leave_traces(table)
            traced.add(table)
        return situation


def _account_id(caller: Caller) -> int:
    assert caller.principal is not None
    return caller.principal.account_id


WORKSHOP = "Obi's Garage"
LABOUR = {"kind": "labour", "description": "Brake pads, front", "quantity": 1.5, "unit_price": 95}
PROGRESS = {"text": "The old discs are off."}
ADVICE = {"description": "New brake pads", "urgency": "soon", "labour_hours": 1.5, "parts_price": 89.9}
INSPECTIONS = "POST /service_tickets/{ticket_id}/inspections"
OIL_CHANGE = {"title": "Oil change", "every_months": 12, "last_done_on": "2026-03-02"}


def _workshop(situation: Situation) -> dict[str, Any]:
    return {
        "name": WORKSHOP, "slug": situation.shop.slug, "country": "US", "currency": "USD", "locale": "en",
        "time_zone": "America/Chicago",
    }  # fmt: skip


def _closure(situation: Situation) -> dict[str, Any]:
    return {"first_day": "2026-12-24", "last_day": "2026-12-26"}


def _customer(situation: Situation) -> dict[str, Any]:
    number = unique()
    return {"name": "Ada Obi", "email": f"{number}@example.com", "phone": f"555-200-{number[1:]:>04}"}


def _registration(situation: Situation) -> dict[str, Any]:
    return _customer(situation) | {"password": PASSWORD}


def _newcomer(situation: Situation) -> dict[str, Any]:
    slug = unique("new-")
    workshop = {"name": "Ada's Garage", "slug": slug}
    return {"workshop": workshop, "email": f"ada@{slug}.example.com", "password": PASSWORD}


def _for_an_owner(situation: Situation) -> dict[str, Any]:
    slug = unique("new-")
    return {"name": "Ada's Garage", "slug": slug, "owner_email": f"ada@{slug}.example.com"}


def _credentials(situation: Situation) -> dict[str, Any]:
    return {"email": situation.shop.customer.email, "password": PASSWORD}


def _profile(situation: Situation) -> dict[str, Any]:
    return {"street": "ul. Prosta 1", "preferred_contact": "phone", "gender": "undisclosed"}


def _mechanic(situation: Situation) -> dict[str, Any]:
    return _customer(situation) | {"salary": 60000}


def _invitation(situation: Situation) -> dict[str, Any]:
    return _mechanic(situation) | {"role": "mechanic"}


def _role(situation: Situation) -> dict[str, Any]:
    return {"name": unique("Front desk "), "scopes": []}


def _api_key(situation: Situation) -> dict[str, Any]:
    return {"name": unique("Export "), "scopes": ["inventory:read"]}


def _item(situation: Situation) -> dict[str, Any]:
    return {"name": "Brake Pad", "price": 49.5}


def _rule() -> dict[str, Any]:
    return {"cost_from": unique(""), "percent": 40}


def _template(situation: Situation) -> dict[str, Any]:
    return {"name": unique("Short "), "sections": [{"name": "Brakes", "points": ["Pads", "Discs"]}]}


def _canned_job(situation: Situation) -> dict[str, Any]:
    line = {"kind": "part", "description": None, "item_id": situation.item_id, "unit_price": None}
    return {"name": unique("Job "), "lines": [{**line, "quantity": Decimal(1)}]}


def _canned_job_sent(situation: Situation) -> dict[str, Any]:
    return {"name": unique("Job "), "lines": [{"kind": "fee", "description": "Disposal", "unit_price": 5}]}


def _supplier(situation: Situation) -> dict[str, Any]:
    return {"name": unique("Parts & Co "), "country": "PL", "tax_id": "8567346215"}


def _order(situation: Situation) -> dict[str, Any]:
    line = {"item_id": situation.item_id, "quantity": 3, "unit_price": 9.8}
    return {"supplier_id": situation.supplier_id, "lines": [line]}


def _ticket(situation: Situation) -> dict[str, Any]:
    return {
        "VIN": unique_vin(), "service_date": "2026-03-02", "service_desc": "Brakes", "customer_id": situation.shop.customer_id
    }  # fmt: skip


def _vehicle(situation: Situation) -> dict[str, Any]:
    return {"VIN": situation.vin, "make": "Honda", "model": "Accord", "year": 2003, "plate": unique("GD ")}


def _with_code(situation: Situation) -> dict[str, Any]:
    return {"present_password": PASSWORD, "code": second_factors.code_now()}


def _edit(situation: Situation) -> dict[str, Any]:
    return {"add_item_ids": [situation.item_id]}


def _decision(situation: Situation) -> dict[str, Any]:
    """Decide as who sends it: staff say how the customer told them."""
    person = None if situation.sender is None else situation.sender.principal
    by_themselves = person is not None and person.role == "customer"
    return {"accepted_line_ids": [], "name": "Ada Obi", **({} if by_themselves else {"how": "phone"})}


ROWS = {
    table.name: f"SELECT * FROM {table.name} WHERE workshop_id IN" for table in tenancy.owned_tables()
} | {"workshops": "SELECT * FROM workshops WHERE id IN"}
SKU = "SKU-4711"
# The tables that only some requests leave a row in.
LEFT_BY_SOME = (
    "customer_photos", "file_pieces", "exports", "erasures", "vehicle_readings", "vehicle_transfers", "vehicle_views",
    "file_objects",
    "outbox_attachments",
    "stock_digests",
    "progress_update_photos",
    "inspection_point_photos",
    "recommendation_lines",
)  # fmt: skip
FILES: dict[str, tuple[str, Callable[[Situation], bytes]]] = {
    "PUT /customers/{customer_id}/photo": ("photo", lambda _: PHOTO),
    "POST /service_tickets/{ticket_id}/attachments": ("file", lambda _: PHOTO),
    "POST /inventory/imports/parts": ("file", lambda _: f"name,price\n{unique('Belt ')},5\n".encode()),
    "POST /inventory/imports/suppliers": ("file", lambda _: f"name\n{unique('Oil Ltd ')}\n".encode()),
    "POST /inventory/imports/stock": (
        "file",
        lambda situation: f"id,on_hand\n{situation.item_id},77\n".encode(),
    ),
}
PHOTO = picture(size=(8, 8))
Body = Callable[[Situation], Any]
BODIES: dict[str, Body] = {
    "POST /workshops": _for_an_owner,
    "POST /workshops/{workshop_id}/suspend": lambda _: {"reason": "Unpaid since June."},
    "POST /accounts/{account_id}/suspend": lambda _: {"reason": "Sends spam."},
    "POST /admins": lambda _: {"email": f"{unique('new-admin')}@example.com", "name": "Ada Obi"},
    "PATCH /admins/{admin_id}": lambda _: {"name": "Ada O."},
    "PUT /workshops/{workshop_id}": _workshop,
    "PATCH /workshops/{workshop_id}": lambda _: {"city": "Chicago"},
    "PUT /workshops/{workshop_id}/opening_hours": lambda _: {
        "days": [{"weekday": 1, "opens": "08:00", "closes": "17:00"}]
    },
    "POST /workshops/{workshop_id}/closures": lambda _: {
        "first_day": "2027-01-01",
        "last_day": "2027-01-01",
    },
    "PUT /workshops/{workshop_id}/closures/{closure_id}": lambda _: {
        "first_day": "2026-12-24",
        "last_day": "2026-12-27",
    },
    "POST /customers/login": _credentials,
    "POST /mechanics/login": _credentials,
    "POST /auth/login": _credentials,
    "POST /auth/register": _newcomer,
    "POST /auth/refresh": lambda _: {},
    "POST /auth/recovery": lambda _: {"email": f"{unique('lost')}@example.com"},
    "POST /auth/recovery/code": lambda situation: {"email": situation.shop.customer.email, "code": "000000"},
    "POST /auth/recovery/password": lambda _: {"reset_token": "none", "password": PASSWORD},
    "POST /auth/password": lambda _: {"present_password": PASSWORD, "password": "wrench-otter-lagoon-42"},
    "POST /auth/email": lambda _: {"present_password": PASSWORD, "email": f"{unique('new')}@example.com"},
    "POST /auth/email/confirmation": lambda _: {"token": "none"},
    "POST /auth/logout": lambda _: {},
    "POST /auth/login/second_factor": lambda _: {"challenge": "none", "code": "000000"},
    "POST /auth/second_factor": lambda _: {"present_password": PASSWORD},
    "POST /auth/second_factor/confirmation": lambda _: {"code": second_factors.code_now()},
    "POST /auth/second_factor/recovery_codes": _with_code,
    "POST /auth/second_factor/removal": _with_code,
    "POST /auth/switch": lambda situation: {"workshop": situation.shop.slug},
    "POST /customers": _registration,
    "POST /inventory/{item_id}/movements": lambda _: {"kind": "purchase", "quantity": 5, "unit_cost": 9.5},
    "PUT /customers": _customer,
    "PATCH /customers": lambda _: {"name": "Ada O."},
    "PUT /customers/{customer_id}": _customer,
    "PATCH /customers/{customer_id}": lambda _: {"name": "Ada O."},
    "PUT /customers/{customer_id}/profile": _profile,
    "PATCH /customers/{customer_id}/profile": lambda _: {"city": "Gdynia"},
    "POST /customers/{customer_id}/consents": lambda _: {
        "kind": "marketing",
        "text_version": "2026-03",
        "given": True,
    },
    "POST /mechanics": _mechanic,
    "PUT /mechanics/{mechanic_id}": lambda situation: (
        _mechanic(situation) | {"email": situation.shop.mechanic.email}
    ),
    "PATCH /mechanics/{mechanic_id}": lambda _: {"name": "Jane W."},
    "POST /invitations": _invitation,
    "POST /invitations/preview": lambda _: {"token": "none"},
    "POST /invitations/accept": lambda _: {"token": "none", "password": PASSWORD},
    "POST /roles": _role,
    "PUT /roles/{role_id}": _role,
    "PATCH /roles/{role_id}": lambda _: {"description": "For the winter."},
    "POST /api_keys": _api_key,
    "PATCH /api_keys/{key_id}": lambda _: {"name": "Accounting"},
    "PUT /members/{member_id}/phone": lambda _: {"phone": "555-987-6500"},
    "PUT /members/{member_id}/role": lambda situation: {"role": "staff", "role_id": situation.role_id},
    "POST /inventory/suppliers": _supplier,
    "PUT /inventory/suppliers/{supplier_id}": _supplier,
    "PATCH /inventory/suppliers/{supplier_id}": lambda _: {"city": "Sopot"},
    "PUT /inventory/{item_id}/suppliers/{supplier_id}": lambda _: {"price": 8.5, "preferred": True},
    "POST /inventory/purchase_orders": _order,
    "PUT /inventory/purchase_orders/{order_id}": _order,
    "PATCH /inventory/purchase_orders/{order_id}": lambda _: {"note": "Ring first."},
    "POST /inventory/purchase_orders/proposals": lambda _: {},
    "POST /inventory/purchase_orders/{order_id}/place": lambda _: {},
    "POST /inventory/purchase_orders/{order_id}/receipts": lambda _: {},
    "POST /inventory/purchase_orders/{order_id}/cancel": lambda _: {},
    "POST /inventory/stocktakes": lambda _: {"bin": "Y-1"},
    "POST /inventory/stocktakes/{stocktake_id}/counts": lambda situation: {
        "counts": [{"item_id": situation.sheet_item_id, "quantity": 2}]
    },
    "POST /inventory/stocktakes/{stocktake_id}/post": lambda _: {"leave_uncounted": True},
    "POST /inventory/{item_id}/references": lambda _: {
        "kind": "equivalent",
        "manufacturer": "Mann",
        "number": unique("W 712/"),
    },
    "POST /inventory/markup_rules": lambda _: _rule(),
    "PUT /inventory/markup_rules/{rule_id}": lambda _: _rule(),
    "PATCH /inventory/markup_rules/{rule_id}": lambda _: {"percent": 12.5},
    "POST /inventory/categories": lambda _: {"name": unique("Belts ")},
    "PUT /inventory/categories/{category_id}": lambda _: {"name": unique("Belts ")},
    "PATCH /inventory/categories/{category_id}": lambda _: {"name": unique("Belts ")},
    "POST /inventory": _item,
    "PUT /inventory/{item_id}": _item,
    "PATCH /inventory/{item_id}": lambda _: {"price": 12},
    "POST /vehicles": lambda situation: {"VIN": unique_vin(), "customer_id": situation.shop.customer_id},
    "PUT /vehicles/{vehicle_id}": _vehicle,
    "PATCH /vehicles/{vehicle_id}": lambda _: {"colour": "Silver"},
    "POST /vehicles/{vehicle_id}/maintenance": lambda _: OIL_CHANGE,
    "PUT /vehicles/{vehicle_id}/maintenance/{maintenance_id}": lambda _: {**OIL_CHANGE, "every_months": 6},
    "POST /vehicles/{vehicle_id}/readings": lambda _: {"value": 84_200, "unit": "km"},
    "POST /vehicles/{vehicle_id}/transfer": lambda situation: {"customer_id": situation.walk_in_id},
    "PUT /customers/{customer_id}/notification_preferences": lambda _: {"completion_notices": False},
    "POST /canned_jobs": _canned_job_sent,
    "PUT /canned_jobs/{canned_job_id}": _canned_job_sent,
    "POST /inspections/templates": _template,
    "PUT /inspections/templates/{template_id}": _template,
    INSPECTIONS: lambda _: {},
    f"{INSPECTIONS}/{{inspection_id}}/points": lambda _: {"points": [{"place": 1, "condition": "green"}]},
    f"{INSPECTIONS}/{{inspection_id}}/finish": lambda _: {"summary": "Sound."},
    f"{INSPECTIONS}/{{inspection_id}}/recommendations": lambda _: ADVICE,
    "PATCH /service_tickets/{ticket_id}/inspections/{inspection_id}/recommendations/{recommendation_id}": lambda _: {
        "urgency": "now"
    },
    "POST /vehicles/{vehicle_id}/recommendations/{recommendation_id}/state": lambda _: {"state": "declined"},
    "POST /service_tickets/{ticket_id}/progress": lambda _: PROGRESS,
    "PATCH /service_tickets/{ticket_id}/progress/{update_id}": lambda _: {"text": "The new discs are on."},
    "POST /service_tickets/{ticket_id}/comments": lambda _: PROGRESS,
    "PATCH /service_tickets/{ticket_id}/comments/{comment_id}": lambda _: {"text": "Ring them up."},
    "POST /service_tickets": _ticket,
    "PUT /service_tickets/{ticket_id}": _ticket,
    "PATCH /service_tickets/{ticket_id}": lambda _: {"service_desc": "Brakes and oil"},
    "PUT /service_tickets/{ticket_id}/edit": _edit,
    "PUT /service_tickets/{ticket_id}/update-mechanics": _edit,
    "POST /service_tickets/{ticket_id}/inventory": lambda situation: {
        "item_id": situation.item_id,
        "quantity": 1,
    },
    "POST /service_tickets/{ticket_id}/estimates": lambda _: {},
    "POST /service_tickets/{ticket_id}/estimates/{estimate_id}/decision": _decision,
    "POST /estimates/{token}": lambda _: {"accepted_line_ids": [], "name": "Ada Obi"},
    "POST /service_tickets/{ticket_id}/lines": lambda _: LABOUR,
    "PATCH /service_tickets/{ticket_id}/lines/{line_id}": lambda _: {"quantity": 5},
    "POST /service_tickets/{ticket_id}/lines/{line_id}/fit": lambda _: {"quantity": 1},
    "POST /service_tickets/{ticket_id}/lines/{line_id}/return": lambda _: {"quantity": 1},
    "POST /service_tickets/{ticket_id}/lines/{line_id}/cores": lambda _: {"outcome": "held"},
    "POST /inventory/cores/{core_id}/return": lambda situation: {"supplier_id": situation.supplier_id},
    "POST /inventory/cores/{core_id}/credit": lambda _: {"amount": 45},
    "POST /inventory/cores/{core_id}/reject": lambda _: {"reason": "Cracked."},
    "POST /service_tickets/{ticket_id}/status": lambda _: {"status": "cancelled"},
    "PATCH /service_tickets/{ticket_id}/attachments/{attachment_id}": lambda _: {
        "visible_to_customer": False
    },
    "POST /service_tickets/{ticket_id}/clock/start": lambda situation: {
        "mechanic_id": situation.shop.mechanic_id
    },
    "POST /service_tickets/{ticket_id}/clock/stop": lambda situation: {
        "mechanic_id": situation.shop.mechanic_id
    },
    "PATCH /service_tickets/{ticket_id}/clock/{entry_id}": lambda _: {
        "started_at": "2026-03-02T08:00:00Z",
        "ended_at": "2026-03-02T09:30:00Z",
        "reason": "Forgot to stop.",
    },
}
ABOUT_DRAFTS = (
    "PUT /inventory/purchase_orders/{order_id}", "PATCH /inventory/purchase_orders/{order_id}",
    "POST /inventory/purchase_orders/{order_id}/place",
)  # fmt: skip
QUERIES = {
    "GET /vehicles/hints": "?VIN=1HGCM82633A004352",
    "GET /mechanics/search": "?name=mel",
    "GET /inventory/labels": "?items={item_id}",
    "GET /inventory/lookup": f"?code={SKU}",
    "DELETE /service_tickets/{ticket_id}/clock/{entry_id}": "?reason=Mistaken",
    "GET /workshops/nearby": "?lat=41.9&lng=-87.6",
    "DELETE /workshops/{workshop_id}": f"?name={quote(WORKSHOP)}",
}
