"""Documents on paper: PDF with a font of our own, so that every name is written as it is spelt.

One `Paper` is one document. What it is made of is plain: headings, paragraphs, facts, tables, and drawings of millimetres. The
letters that are used are embedded (`app/core/fonts`), and nothing is read from a network.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fpdf import FPDF

PDF = "application/pdf"
FONTS = Path(__file__).parent / "fonts"
FAMILY = "DejaVu"
MARGIN = 18  # millimetres, on all sides
LINE = 5.0
POINTS = 72 / 25.4  # in a millimetre
_UNKNOWN = "\ufffd"
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]+")

Alignment = Literal["LEFT", "CENTER", "RIGHT"]


Bar = tuple[float, float, float, float]  # x, y, width, height


@dataclass(frozen=True, slots=True)
class Drawing:
    """Black bars that are drawn once and placed as often as one likes."""

    operators: str


def drawing(bars: Iterable[Bar]) -> Drawing:
    """Return bars drawn from a top left corner that is wherever they are placed."""
    drawn = " ".join(
        f"{x * POINTS:.3f} {-y * POINTS:.3f} {width * POINTS:.3f} {-height * POINTS:.3f} re"
        for x, y, width, height in bars
    )
    return Drawing(f"{drawn} f" if drawn else "")


def _document(margin: float) -> FPDF:
    """Return an empty A4 document whose pages count themselves at the foot."""
    from fpdf import FPDF  # ten megabytes, which a server that draws nothing does without

    class Numbered(FPDF):
        footer_text = ""

        def normalize_text(self, text: str) -> str:
            """Write a mark where there are letters that the font does not have, and not nothing."""
            known = self.current_font.cmap  # type: ignore[union-attr]
            written = (letter if letter in "\r\n" or ord(letter) in known else _UNKNOWN for letter in text)
            return re.sub(f"{_UNKNOWN}+", _UNKNOWN, "".join(written))

        def footer(self) -> None:
            if self.footer_text:
                self.set_y(-12)
                self.set_font(FAMILY, size=8)
                self.cell(0, 5, f"{self.footer_text}   {self.page_no()}/{{nb}}", align="C")

        def place(self, operators: str, x: float, y: float) -> None:
            self._out(f"q 1 0 0 1 {x * self.k:.3f} {(self.h - y) * self.k:.3f} cm {operators} Q")

    made = Numbered(format="A4")
    made.add_font(FAMILY, "", str(FONTS / "DejaVuSansCondensed.ttf"))
    made.add_font(FAMILY, "B", str(FONTS / "DejaVuSansCondensed-Bold.ttf"))
    made.set_margin(margin)
    made.set_auto_page_break(margin > 0, max(margin, 16))
    return made


def _cut(text: str, letters: int) -> str:
    return text[:letters].rstrip() + "…"


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text)


class Paper:
    """A document that is being written, from the top of its first page down. Lengths are millimetres."""

    def __init__(
        self,
        title: str,
        *,
        at: datetime,
        language: str,
        author: str,
        foot: str = "",
        margin: float = MARGIN,
    ) -> None:
        """Begin a document. `at` is since when it is as it is: the same one at another time has the same bytes.

        `foot` stands beside the number of each page, none without it.
        """
        self._pdf = _document(margin)
        self._pdf.footer_text = _clean(foot)  # type: ignore[attr-defined]
        self._pdf.set_title(_clean(title))
        self._pdf.set_author(_clean(author))
        self._pdf.set_lang(language)
        self._pdf.set_creation_date(at)
        self._pdf.add_page()
        self._pdf.set_font(FAMILY, size=9)

    # ---- Writing, downwards

    def heading(self, text: str, size: int = 16) -> None:
        """Write a heading."""
        self._pdf.set_font(FAMILY, "B", size)
        self._pdf.multi_cell(0, size / 2, _clean(text), new_x="LMARGIN", new_y="NEXT")
        self._pdf.set_font(FAMILY, size=9)
        self._pdf.ln(2)

    def paragraph(self, text: str) -> None:
        """Write text, broken into lines."""
        self._pdf.multi_cell(0, LINE, _clean(text), new_x="LMARGIN", new_y="NEXT")
        self._pdf.ln(2)

    def facts(self, facts: Iterable[tuple[str, str | None]]) -> None:
        """Write what is known, a line each: what it is, and how it is. What is not known is left out."""
        for name, value in facts:
            if value is None:
                continue
            self._pdf.set_font(FAMILY, "B", 9)
            self._pdf.cell(40, LINE, _clean(name))
            self._pdf.set_font(FAMILY, size=9)
            self._pdf.multi_cell(0, LINE, _clean(value), new_x="LMARGIN", new_y="NEXT")
        self._pdf.ln(2)

    def side_by_side(self, left: Sequence[str], right: Sequence[str]) -> None:
        """Write two blocks beside each other, such as from whom and to whom; the first line of each is bold."""
        top, width = self._pdf.get_y(), self._pdf.epw / 2
        bottoms = []
        for place, lines in enumerate((left, right)):
            self._pdf.set_y(top)
            for number, line in enumerate(lines):
                self._pdf.set_x(self._pdf.l_margin + place * width)
                self._pdf.set_font(FAMILY, "B" if number == 0 else "", 9)
                self._pdf.multi_cell(width - 4, LINE, _clean(line), new_x="LMARGIN", new_y="NEXT")
            bottoms.append(self._pdf.get_y())
        self._pdf.set_font(FAMILY, size=9)
        self._pdf.set_y(max(bottoms) + 5)

    def table(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        widths: Sequence[int],
        aligned: Sequence[Alignment],
    ) -> None:
        """Write a table whose head comes again on every page; `widths` are shares of the page's."""
        with self._pdf.table(
            col_widths=tuple(widths),
            text_align=tuple(aligned),
            line_height=LINE,
            borders_layout="HORIZONTAL_LINES",
        ) as table:
            for row in (heads, *rows):
                line = table.row()
                for text in row:
                    line.cell(_clean(text))
        self._pdf.ln(3)

    def form(self, heads: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[float]) -> None:
        """Write a long form: one line a row, each text cut to its column of so many millimetres, the last one a box to fill in.

        Its head comes again on every page. It is drawn, and not reckoned as a `table`: thousands of rows take a second.
        """
        pdf, height, left = self._pdf, 7.0, self._pdf.l_margin
        lefts = [left + sum(widths[:place]) for place in range(len(widths))]

        def write(texts: Sequence[str], *, bold: bool) -> None:
            for x, width, text in zip(lefts, widths, texts, strict=True):
                if text:
                    fitting = self.fitting(text, width - 2, size=8, bold=bold)
                    self.line(x + 1, pdf.get_y() + 2, fitting, size=8, bold=bold)
            pdf.set_y(pdf.get_y() + height)

        write(heads, bold=True)
        for row in rows:
            if pdf.get_y() + height > pdf.page_break_trigger:
                pdf.add_page()
                write(heads, bold=True)
            pdf.line(left, pdf.get_y(), lefts[-1], pdf.get_y())
            pdf.rect(lefts[-1], pdf.get_y(), widths[-1], height)
            write(row, bold=False)

    def pictures(self, pictures: Sequence[bytes], side: float = 27.0) -> None:
        """Print JPEGs in a row, each within a square of so many millimetres; as many as the page is wide."""
        if self._pdf.get_y() + side > self._pdf.page_break_trigger:
            self._pdf.add_page()
        top = self._pdf.get_y()
        for place, content in enumerate(pictures):
            left = self._pdf.l_margin + place * (side + 2)
            self._pdf.image(io.BytesIO(content), left, top, side, side, keep_aspect_ratio=True)
        self._pdf.set_y(top + side + 4)

    # ---- Drawing, at a place from the top left corner

    def next_page(self) -> None:
        """Go on with a new page."""
        self._pdf.add_page()

    def place(self, drawn: Drawing, x: float, y: float) -> None:
        """Place what was drawn."""
        self._pdf.place(drawn.operators, x, y)  # type: ignore[attr-defined]

    def fitting(self, text: str, width: float, *, size: float = 8, bold: bool = False) -> str:
        """Return as much of a text as fits in a width on one line."""
        self._pdf.set_font(FAMILY, "B" if bold else "", size)
        whole = _clean(text)

        def is_too_wide(letters: int) -> bool:
            return self._pdf.get_string_width(_cut(whole, letters)) > width

        if self._pdf.get_string_width(whole) <= width:
            return whole
        too_many = bisect_left(range(len(whole)), True, key=is_too_wide)
        return _cut(whole, too_many - 1) if too_many else ""

    def line(self, x: float, y: float, text: str, *, size: float = 8, bold: bool = False) -> None:
        """Write one line as it is."""
        self._pdf.set_font(FAMILY, "B" if bold else "", size)
        self._pdf.text(x, y + size * 0.35, _clean(text))

    def content(self) -> bytes:
        """Return the finished document."""
        return bytes(self._pdf.output())
