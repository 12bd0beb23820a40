"""A stockroom in plain Python, as it should be: what is on the shelves, on tickets, on order and on a sheet.

Whatever is asked of it is done wholly and told to have been (True), or refused, and then nothing has changed (False).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

from app.blueprints.service_tickets.status import FINISHED, OVER, WANTING, allowed_transitions
from app.core.money import rounded

NONE = Decimal(0)


@dataclass
class Shelf:
    """A part: how many are there and how many of them set aside; None on hand: it is not counted."""

    price: Decimal
    on_hand: Decimal | None
    reserved: Decimal = NONE
    removed: bool = False
    divisible: bool = False

    def has(self, quantity: Decimal, own: Decimal = NONE) -> bool:
        """Whether so many can be taken, `own` of which were set aside for the taker."""
        return self.on_hand is None or self.on_hand - self.reserved >= quantity - own

    def move(self, by: Decimal) -> None:
        if self.on_hand is not None:
            self.on_hand += by

    def set_aside(self, wanted: Decimal) -> Decimal:
        given = NONE if self.on_hand is None else min(wanted, self.on_hand - self.reserved)
        self.reserved += given
        return given


@dataclass(eq=False)
class Line:
    """A part on a ticket."""

    part: int
    price: Decimal
    quantity: Decimal
    reserved: Decimal = NONE
    fitted: Decimal = NONE
    place: int = field(default_factory=count().__next__)

    @property
    def lacking(self) -> Decimal:
        return self.quantity - self.reserved - self.fitted

    def shown(self) -> tuple[Any, ...]:
        return (self.part, self.price, self.quantity, self.reserved, self.fitted)


@dataclass
class Ticket:
    """A ticket: its status, and its lines in the order in which they came."""

    status: str = "booked"
    lines: list[Line] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status not in OVER


@dataclass
class Ordered:
    """So many of a part on an order."""

    quantity: Decimal
    price: Decimal
    received: Decimal = NONE
    cancelled: Decimal = NONE

    @property
    def outstanding(self) -> Decimal:
        return self.quantity - self.received - self.cancelled


@dataclass
class Order:
    """A purchase order, which was placed."""

    lines: dict[int, Ordered]
    status: str = "ordered"
    paid: Decimal = NONE


@dataclass
class Sheet:
    """A count that is open: of each part on it, by how much it differed when it was counted, and which were fractions then."""

    differences: dict[int, Decimal | None]
    broken: set[int] = field(default_factory=set)


@dataclass
class Stockroom:
    """All there is. `spent` is what came in by purchase, to the cent."""

    shelves: dict[int, Shelf] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    sheet: Sheet | None = None
    spent: Decimal = NONE

    # ---- By hand

    def move(self, part: int, by: Decimal) -> bool:
        shelf = self.shelves[part]
        if shelf.removed or shelf.on_hand is None or not shelf.has(-by):
            return False
        shelf.move(by)
        return True

    def set_level(self, part: int, level: Decimal | None) -> bool:
        """Say how many there are, or that nobody counts them any more."""
        shelf = self.shelves[part]
        if level is None or shelf.on_hand is None:
            if shelf.removed or shelf.reserved:
                return False
            shelf.on_hand = level
            return True
        return self.move(part, level - shelf.on_hand)

    def divide(self, part: int, divisible: bool) -> bool:
        """Say whether there are fractions of a part: not whether there are some, as long as there are."""
        shelf = self.shelves[part]
        if shelf.removed or (not divisible and any(one % 1 for one in self._quantities(part))):
            return False
        shelf.divisible = divisible
        return True

    def _quantities(self, part: int) -> Iterable[Decimal]:
        """Yield all that there is of a part, or may be: on the shelf, on tickets, on order and on the sheet."""
        yield self.shelves[part].on_hand or NONE
        for ticket in self.tickets.values():
            for line in ticket.lines if ticket.is_open else ():
                if line.part == part:
                    yield from (line.quantity, line.reserved, line.fitted)
        for order in self.orders.values():
            if part in order.lines:
                yield order.lines[part].outstanding
        if self.sheet is not None and part in self.sheet.broken:
            yield Decimal("0.5")

    def remove(self, part: int) -> bool:
        shelf = self.shelves[part]
        if shelf.removed or shelf.reserved or shelf.on_hand or any(self._lacking(part)):
            return False
        shelf.removed = True
        return True

    def _lacking(self, part: int) -> Iterable[Decimal]:
        """Yield how many of a part the lines of tickets lack that are to have it."""
        for ticket in self.tickets.values():
            for line in ticket.lines if ticket.status in WANTING else ():
                if line.part == part:
                    yield line.lacking

    def restore(self, part: int) -> bool:
        was_removed = self.shelves[part].removed
        self.shelves[part].removed = False
        return was_removed

    # ---- On order

    def receive(self, order: Order, came: Mapping[int, tuple[Decimal, Decimal | None]]) -> bool:
        """Take in so many of each part, at a price of their own or as ordered."""
        if order.status not in ("ordered", "partly_received") or any(
            quantity > order.lines[part].outstanding or self.shelves[part].on_hand is None
            for part, (quantity, _) in came.items()
        ):
            return False
        for part, (quantity, price) in came.items():
            line = order.lines[part]
            paid = rounded(quantity * (line.price if price is None else price))
            self.shelves[part].move(quantity)
            line.received += quantity
            order.paid += paid
            self.spent += paid
        self._give(came)
        is_all = not any(line.outstanding for line in order.lines.values())
        order.status = "received" if is_all else "partly_received"
        return True

    def _give(self, parts: Container[int]) -> None:
        """Set aside what tickets lack of some parts, the older ticket first: they are all of one day."""
        for _, ticket in sorted(self.tickets.items()):
            for line in ticket.lines if ticket.status in WANTING else ():
                if line.part in parts and not self.shelves[line.part].removed:
                    line.reserved += self.shelves[line.part].set_aside(line.lacking)

    def cancel_order(self, order: Order) -> bool:
        if order.status not in ("ordered", "partly_received"):
            return False
        for line in order.lines.values():
            line.cancelled = line.quantity - line.received
        order.status = "cancelled" if order.status == "ordered" else "received"
        return True

    # ---- Counted

    def write_sheet(self) -> bool:
        parts = [
            part for part, shelf in self.shelves.items() if shelf.on_hand is not None and not shelf.removed
        ]
        if self.sheet is not None or not parts:
            return False
        self.sheet = Sheet(dict.fromkeys(parts))
        return True

    def count(self, sheet: Sheet, part: int, quantity: Decimal) -> bool:
        on_hand = self.shelves[part].on_hand
        if part not in sheet.differences or on_hand is None:
            return False
        sheet.differences[part] = quantity - on_hand
        (sheet.broken.add if quantity % 1 or on_hand % 1 else sheet.broken.discard)(part)
        return True

    def post(self, sheet: Sheet, release: bool) -> bool:
        """Enter what differs; where that leaves less than is set aside, the newest tickets go without, if `release` says so."""
        differing = {part: by for part, by in sheet.differences.items() if by}
        for part, by in differing.items():
            shelf = self.shelves[part]
            if shelf.on_hand is None or shelf.on_hand + by < 0 or not (release or shelf.has(-by)):
                return False
        for part, by in differing.items():
            self.shelves[part].move(by)
        self._let_go({part for part, by in differing.items() if by < 0})
        self.sheet = None
        return True

    def _let_go(self, parts: Container[int]) -> None:
        for _, ticket in sorted(self.tickets.items(), reverse=True):
            released = []
            for line in reversed(ticket.lines):
                shelf = self.shelves[line.part]
                assert shelf.on_hand is not None or line.reserved == 0
                too_many = min(line.reserved, max(shelf.reserved - (shelf.on_hand or NONE), NONE))
                if line.part in parts and too_many:
                    shelf.reserved -= too_many
                    line.reserved -= too_many
                    released.append(line)
            self._wait(ticket, released)

    # ---- On tickets

    def can_take(self, wanted: Mapping[int, Decimal]) -> bool:
        return all(
            self.shelves[part].has(number) and not self.shelves[part].removed
            for part, number in wanted.items()
        )

    def put_on(self, ticket: Ticket, wanted: Mapping[int, Decimal]) -> bool:
        """Fit at once: more of the same goes with a line of which all are fitted."""
        if not ticket.is_open or not self.can_take(wanted):
            return False
        for part, number in sorted(wanted.items()):
            shelf = self.shelves[part]
            shelf.move(-number)
            same = [line for line in ticket.lines if (line.part, line.price) == (part, shelf.price)]
            whole = [line for line in same if line.fitted == line.quantity]
            if not whole:
                whole = [Line(part, shelf.price, NONE)]
                ticket.lines += whole
            whole[-1].quantity += number
            whole[-1].fitted += number
        return True

    def want(self, ticket: Ticket, wanted: Iterable[tuple[int, Decimal]]) -> bool:
        """Set aside what there is."""
        wanted = list(wanted)
        if not ticket.is_open or any(self.shelves[part].removed for part, _ in wanted):
            return False
        new = [
            Line(part, self.shelves[part].price, number, self.shelves[part].set_aside(number))
            for part, number in wanted
        ]
        ticket.lines += new
        self._wait(ticket, new)
        return True

    def _wait(self, ticket: Ticket, lines: Iterable[Line]) -> None:
        if ticket.status == "in_progress" and any(
            line.lacking and self.shelves[line.part].on_hand is not None for line in lines
        ):
            ticket.status = "waiting_parts"

    def reserve(self, ticket: Ticket, line: Line) -> bool:
        if not ticket.is_open or (line.lacking and self.shelves[line.part].removed):
            return False
        line.reserved += self.shelves[line.part].set_aside(line.lacking)
        return True

    def fit(self, ticket: Ticket, line: Line, quantity: Decimal | None) -> bool:
        left, shelf = line.quantity - line.fitted, self.shelves[line.part]
        wanted = left if quantity is None else quantity
        own = min(line.reserved, wanted)
        if not ticket.is_open or not 0 < wanted <= left or shelf.removed or not shelf.has(wanted, own):
            return False
        shelf.move(-wanted)
        shelf.reserved -= own
        line.reserved -= own
        line.fitted += wanted
        return True

    def give_back(self, ticket: Ticket, line: Line, quantity: Decimal | None) -> bool:
        back = line.fitted if quantity is None else quantity
        if not ticket.is_open or not 0 < back <= line.fitted:
            return False
        if back == line.quantity:
            return self.take_off(ticket, [line])
        self.shelves[line.part].move(back)
        line.fitted -= back
        line.quantity -= back
        return True

    def change(self, ticket: Ticket, line: Line, quantity: Decimal) -> bool:
        """Let a line want another quantity."""
        shelf = self.shelves[line.part]
        if not ticket.is_open or quantity < line.fitted:
            return False
        if quantity != line.quantity and quantity > line.reserved + line.fitted and shelf.removed:
            return False
        if quantity != line.quantity:
            surplus = max(line.reserved + line.fitted - quantity, NONE)
            shelf.reserved -= surplus
            line.reserved -= surplus
            line.quantity = quantity
            line.reserved += shelf.set_aside(line.lacking)
        self._wait(ticket, [line])
        return True

    def take_off(self, ticket: Ticket, lines: Iterable[Line]) -> bool:
        lines = list(lines)
        if not ticket.is_open or not lines:
            return False
        self._release(lines)
        ticket.lines = [line for line in ticket.lines if line not in lines]
        return True

    def _release(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.shelves[line.part].reserved -= line.reserved
            self.shelves[line.part].move(line.fitted)
            line.reserved = NONE

    def exchange(self, ticket: Ticket, adding: Iterable[int], removing: int) -> bool:
        """Take one part off, and put others on that are still in the inventory."""
        wanted = Counter(part for part in adding if not self.shelves[part].removed)
        numbers = {part: Decimal(number) for part, number in wanted.items()}
        if not ticket.is_open or not self.can_take(numbers):
            return False
        self.take_off(ticket, [line for line in ticket.lines if line.part == removing])
        return self.put_on(ticket, numbers)

    def step(self, ticket: Ticket, to: str) -> bool:
        if to not in allowed_transitions(ticket.status, "owner"):
            return False
        if to == "completed" and not self._complete(ticket):
            return False
        if to == "cancelled":
            self._release(ticket.lines)
        begins = to == "in_progress" and ticket.status != "waiting_parts"
        ticket.status = "waiting_parts" if begins and self._are_missing(ticket) else to
        return True

    def _are_missing(self, ticket: Ticket) -> bool:
        lacking: defaultdict[int, Decimal] = defaultdict(Decimal)
        for line in ticket.lines:
            lacking[line.part] += line.lacking
        return not all(self.shelves[part].has(number) for part, number in lacking.items())

    def _complete(self, ticket: Ticket) -> bool:
        """Fit what is left, out of what is there for anybody where it was not set aside."""
        left = [line for line in ticket.lines if line.fitted < line.quantity]
        lacking: defaultdict[int, Decimal] = defaultdict(Decimal)
        for line in left:
            lacking[line.part] += line.lacking
        if not self.can_take(lacking):
            return False
        for line in left:
            self.fit(ticket, line, None)
        return True

    def delete(self, id_: int) -> bool:
        ticket = self.tickets[id_]
        if ticket.status in FINISHED:
            return False
        if ticket.status != "cancelled":
            self._release(ticket.lines)
        del self.tickets[id_]
        return True
