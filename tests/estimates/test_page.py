"""The page of an estimate, read as a screen reader would: what is named, in which language, in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from tests.estimates.asking import PADS, PAGE, RUST, ask, by_link, decide, examined, ids
from tests.factories import Shop
from tests.watching import statements

DISCOUNT = {"kind": "discount", "description": "Regular customer", "unit_price": 10}
WITHOUT_END = {"meta", "link", "input", "br", "img", "hr"}
HANDLERS = ("onclick", "onload", "onsubmit", "onchange", "onfocus")


@dataclass
class Element:
    """An element: its tag, attributes, all text within, and what it is in."""

    tag: str
    attributes: dict[str, str | None]
    within: tuple[str, ...]
    text: str = field(default="")


class Page(HTMLParser):
    """A page's elements in their order. It refuses tags that don't nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), tuple(one.tag for one in self._open))
        self.elements.append(element)
        if tag not in WITHOUT_END:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    def by_id(self, wanted: str) -> Element:
        (found,) = [element for element in self.elements if element.attributes.get("id") == wanted]
        return found


def page_of(shop: Shop, state: str) -> Page:
    """Return the page of an estimate in a state, with a line of each kind of standing."""
    terms = {"locale": "pl-PL"} if state == "polish" else {}
    assert shop.owner.patch(f"/workshops/{shop.id}", {"tax_rate": 10.25, **terms}).status_code == 200
    estimate = ask(shop, examined(shop, PADS, RUST, DISCOUNT), message="Down to 2 mm.\nPlease soon.")
    path = by_link(estimate)
    if state == "decided":
        decide(shop, estimate, *ids(estimate, "Brake pads, front"))
    if state == "unknown":
        path = path[:-3] + "AAA"
    if state == "misread":
        return Page(shop.nobody.post(path, data={"accepted_line_ids": "0"}, headers=PAGE).text)
    return Page(shop.nobody.get(path, headers=PAGE).text)


STATES = ("sent", "polish", "decided", "unknown", "misread")


@pytest.mark.parametrize("state", STATES)
def test_a_page_has_its_language_a_title_one_heading_and_one_main_part(shop: Shop, state: str) -> None:
    page = page_of(shop, state)

    (root,), (title,), (heading,), (main,) = (page.all(tag) for tag in ("html", "title", "h1", "main"))
    assert root.attributes["lang"] == ("pl" if state == "polish" else "en")
    assert title.text.strip()
    assert heading.text.strip()
    assert "main" in heading.within
    assert main.within == ("html", "body")
    assert [
        meta.attributes["content"] for meta in page.all("meta") if meta.attributes.get("name") == "viewport"
    ] == ["width=device-width, initial-scale=1"]


@pytest.mark.parametrize("state", STATES)
def test_nothing_on_a_page_runs_nor_has_a_style_of_its_own(shop: Shop, state: str) -> None:
    page = page_of(shop, state)

    assert page.all("script", "style", "iframe", "object", "img") == []
    for element in page.elements:
        assert not {"style", "tabindex", "autofocus", *HANDLERS} & set(element.attributes)


@pytest.mark.parametrize("state", STATES)
def test_an_id_is_there_once_and_what_refers_to_one_finds_it(shop: Shop, state: str) -> None:
    page = page_of(shop, state)

    named = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(named) == len(set(named))
    for element in page.elements:
        for attribute in ("for", "aria-describedby", "aria-labelledby"):
            for wanted in (element.attributes.get(attribute) or "").split():
                assert page.by_id(wanted).text.strip() or page.by_id(wanted).tag == "input"


def test_each_box_says_what_is_agreed_to_what_it_is_of_and_what_it_comes_to(shop: Shop) -> None:
    page = page_of(shop, "sent")
    labels = {label.attributes["for"]: label.text for label in page.all("label")}

    boxes = [box for box in page.all("input") if box.attributes["type"] == "checkbox"]
    told = [
        (
            labels[box.attributes["id"]],
            *[page.by_id(one).text for one in (box.attributes["aria-describedby"] or "").split()],
        )
        for box in boxes
    ]

    assert told == [
        (
            "I agree to: Brake pads, front",
            "1.5\N{NBSP}h \N{MULTIPLICATION SIGN} $100.00, Tax 10.25\N{NBSP}%",
            "$165.38",
        ),
        ("I agree to: Rust protection", "1 \N{MULTIPLICATION SIGN} $80.00, Tax 10.25\N{NBSP}%", "$88.20"),
    ]
    assert {field.attributes["id"] for field in page.all("input")} == set(labels)


def test_a_page_is_gone_through_as_it_is_read_lines_then_name_then_button(shop: Shop) -> None:
    page = page_of(shop, "sent")

    stops = [element for element in page.all("a", "input", "button") if "form" in element.within]

    assert [stop.attributes["type"] for stop in stops] == ["checkbox", "checkbox", "text", "submit"]
    assert "required" in stops[2].attributes
    assert (stops[2].attributes["autocomplete"], stops[2].attributes["maxlength"]) == ("name", "200")


def test_who_sent_it_without_a_name_is_told_before_all_else(shop: Shop) -> None:
    page = page_of(shop, "misread")

    alerts = [element for element in page.elements if element.attributes.get("role") == "alert"]

    assert [alert.text.strip() for alert in alerts] == [
        "That did not work. Please write your name, and choose among the work on this page."
    ]
    assert page.elements.index(alerts[0]) < page.elements.index(page.all("form")[0])


def test_numbers_and_times_are_written_as_where_the_workshop_is(shop: Shop) -> None:
    page = page_of(shop, "polish")

    how = [element.text for element in page.elements if element.attributes.get("class") == "how"]

    assert how[0].startswith("1,5\N{NBSP}h ")
    assert how[0].endswith("10,25\N{NBSP}%")
    assert how[2].split(",")[0][4] == "-"


def test_what_was_decided_ends_with_what_was_agreed_to(shop: Shop) -> None:
    page = page_of(shop, "decided")

    sums = [(name.text, amount.text) for name, amount in zip(page.all("dt"), page.all("dd"), strict=True)]
    said = [element.text for element in page.elements if element.attributes.get("role") == "status"]

    assert sums[-2:] == [("Total", "$242.55"), ("Agreed", "$154.35")]
    assert said == ["Thank you: you agreed to some of it. You agreed to $154.35."]


def test_who_sends_it_twice_is_told_what_was_decided_and_of_no_failure(shop: Shop) -> None:
    estimate = ask(shop, examined(shop))
    sent = {"accepted_line_ids": ids(estimate, PADS["description"]), "name": "Ada Obi"}

    first, again = (shop.nobody.post(by_link(estimate), data=sent, headers=PAGE) for _ in range(2))

    page = Page(again.text)
    assert (first.status_code, again.status_code) == (200, 409)
    assert [element.text for element in page.elements if element.attributes.get("role")] == [
        "This estimate was decided already. Thank you: you agreed to some of it. You agreed to $150.00.",
        page.all("ul")[0].text,
    ]


def test_a_no_to_more_work_does_not_say_that_nothing_is_done(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    decide(shop, estimate, *ids(estimate))
    shop.mechanic.post(f"{path}/lines", json={**RUST, "description": "Wax"})
    more = ask(shop, path)
    decide(shop, more)

    page = Page(shop.nobody.get(by_link(more), headers=PAGE).text)

    assert [element.text for element in page.elements if element.attributes.get("role") == "status"] == [
        "You declined this estimate. Nothing more will be done. You agreed to $230.00."
    ]


def test_a_long_page_costs_as_many_statements_as_a_short_one(shop: Shop) -> None:
    short, long = (
        by_link(ask(shop, examined(shop, *[{**PADS, "description": f"Pads {n}"} for n in range(number)])))
        for number in (1, 20)
    )

    costs = []
    for path in (short, long):
        with statements(shop.app) as seen:
            assert shop.nobody.get(path, headers=PAGE).status_code == 200
        costs.append(len(seen))

    assert costs[0] == costs[1] <= 4


@pytest.mark.parametrize(
    ("phone", "dialled"), [("312-555-0100", "tel:+13125550100"), ("312-555-0100 x12", "tel:312555010012")]
)
def test_the_workshop_is_called_from_the_page(shop: Shop, phone: str, dialled: str) -> None:
    assert shop.owner.patch(f"/workshops/{shop.id}", json={"phone": phone}).status_code == 200
    path = by_link(ask(shop, examined(shop)))

    page, told = Page(shop.nobody.get(path, headers=PAGE).text), shop.nobody.get(path).json

    (link,) = page.all("a")
    assert link.attributes["href"] == dialled
    assert link.text == told["workshop_phone"]


def test_a_workshop_without_a_number_shows_none(shop: Shop) -> None:
    path = by_link(ask(shop, examined(shop)))

    page, told = Page(shop.nobody.get(path, headers=PAGE).text), shop.nobody.get(path).json

    assert page.all("a") == []
    assert told["workshop_phone"] is None
