"""Sheets of labels: the name of a part, where it lies, and a code that `GET /inventory/lookup` finds it by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import select

from app.blueprints.inventory import symbols
from app.blueprints.inventory.errors import NothingToScan, PartNotFound
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.symbols import NotWritable
from app.blueprints.workshops.models import Workshop
from app.core.letters import language_of
from app.core.pdf import Bar, Drawing, Paper, drawing
from app.extensions import db

Symbol = Literal["barcode", "qr"]
SYMBOLS: tuple[Symbol, ...] = get_args(Symbol)
MOST_ITEMS = 100
MOST_COPIES = 65
MOST_LABELS = 650
QUIET = 10  # modules of light on each side of a bar code
NARROWEST = 0.19  # millimetres of a module that most scanners still read
NOMINAL = 0.33
PADDING = 2.0


@dataclass(frozen=True, slots=True)
class Layout:
    """A sheet of labels on A4: how many across and down, how large, and where the first one is. Millimetres."""

    across: int
    down: int
    width: float
    height: float
    left: float
    top: float
    gap: float = 0.0

    @property
    def number(self) -> int:
        """How many labels a sheet has."""
        return self.across * self.down

    def corner(self, place: int) -> tuple[float, float]:
        """Return the upper left corner of a label, counted from 0 along the rows."""
        row, column = divmod(place, self.across)
        return self.left + column * (self.width + self.gap), self.top + row * self.height


# As stationers sell them.
LAYOUTS: dict[str, Layout] = {
    "3x8": Layout(3, 8, 70.0, 37.0, 0.0, 0.5),
    "3x7": Layout(3, 7, 63.5, 38.1, 7.25, 15.15, 2.5),
    "5x13": Layout(5, 13, 38.1, 21.2, 4.75, 10.7, 2.5),
}


def sheets(
    workshop_id: int,
    item_ids: Sequence[int],
    *,
    copies: int = 1,
    layout: str = "3x8",
    symbol: Symbol = "barcode",
    skip: int = 0,
) -> bytes:
    """Return labels of parts as a PDF, so many of each, in the order asked for; `skip` leaves what was used of the first sheet.

    A bar code that would be too narrow for a label, or has letters that bar codes lack, is drawn as a QR code.
    :raises PartNotFound: one is unknown here, or taken out. :raises NothingToScan: one has neither barcode nor SKU.
    """
    parts = _parts(workshop_id, item_ids)
    workshop = db.session.scalars(select(Workshop).where(Workshop.id == workshop_id)).one()
    paper = Paper(
        "Labels",
        at=max(part.updated_at for part in parts),
        language=language_of(workshop.locale),
        author=workshop.name,
        margin=0,
    )
    chosen = LAYOUTS[layout]
    drawn = [_drawn(paper, part, chosen, symbol) for part in parts]
    for number, label in enumerate(label for label in drawn for _ in range(copies)):
        place = (number + skip) % chosen.number
        if place == 0 and number:
            paper.next_page()
        _put(paper, label, *chosen.corner(place))
    return paper.content()


def _parts(workshop_id: int, item_ids: Sequence[int]) -> list[Part]:
    statement = select(Part).where(
        Part.workshop_id == workshop_id, Part.id.in_(item_ids), Part.archived_at.is_(None)
    )
    found = {part.id: part for part in db.session.scalars(statement)}
    if missing := [item_id for item_id in item_ids if item_id not in found]:
        raise PartNotFound(f"Item {missing[0]} is unknown.")
    for part in found.values():
        if part.barcode is None and part.sku is None:
            raise NothingToScan(f"{part.name} has neither a barcode nor a SKU.")
    return [found[item_id] for item_id in item_ids]


@dataclass(frozen=True, slots=True)
class _Line:
    """A text on a label, from the label's corner."""

    x: float
    y: float
    text: str
    size: float
    bold: bool = False


@dataclass(frozen=True, slots=True)
class _Label:
    """What a part's label has on it: drawn once, however many copies there are."""

    lines: list[_Line]
    code: Drawing


def _put(paper: Paper, label: _Label, x: float, y: float) -> None:
    for line in label.lines:
        paper.line(x + line.x, y + line.y, line.text, size=line.size, bold=line.bold)
    paper.place(label.code, x, y)


def _drawn(paper: Paper, part: Part, layout: Layout, symbol: Symbol) -> _Label:
    width, small = layout.width - 2 * PADDING, layout.height < 30
    size = 6.5 if small else 9.0
    under = " · ".join(text for text in (part.sku, part.bin) if text)

    def line(y: float, text: str, size: float, *, bold: bool = False) -> _Line:
        return _Line(PADDING, y, paper.fitting(text, width, size=size, bold=bold), size, bold)

    lines = [line(PADDING, part.name, size, bold=True), line(PADDING + size * 0.45, under, size - 1)]
    top = PADDING + size * 0.95
    room = layout.height - PADDING - top
    modules = None if symbol == "qr" else _modules(part, width)
    if modules is None:
        return _Label(lines, drawing(_square(symbols.qr(_code(part)), PADDING, top, room)))
    lines.append(line(top + room - 2.6, _code(part), 6))
    return _Label(lines, drawing(_bars(modules, PADDING, top, width, room - 3)))


def _code(part: Part) -> str:
    code = part.barcode or part.sku
    assert code is not None
    return code


def _modules(part: Part, width: float) -> str | None:
    """Return a part's bar code; None where it has none that a scanner would read in that width."""
    try:
        modules = symbols.ean(part.barcode) if part.barcode else symbols.code_128(part.sku or "")
    except NotWritable:
        return None
    return modules if width / (len(modules) + 2 * QUIET) >= NARROWEST else None


def _bars(modules: str, x: float, y: float, width: float, height: float) -> Iterator[Bar]:
    module = min(NOMINAL, width / (len(modules) + 2 * QUIET))
    left = x + (width - len(modules) * module) / 2
    for place, wide in symbols.runs(modules):
        yield left + place * module, y, wide * module, height


def _square(rows: list[list[bool]], x: float, y: float, room: float) -> Iterator[Bar]:
    module = room / (len(rows) + 4)  # beside the paper's own light
    for down, row in enumerate(rows):
        dark = "".join("1" if module_ else "0" for module_ in row)
        for place, wide in symbols.runs(dark):
            yield x + (place + 2) * module, y + (down + 2) * module, wide * module, module
