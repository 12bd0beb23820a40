"""The page of an estimate in Chromium: by the keyboard alone, on a phone and on a desk. SCREENSHOTS names where pictures go."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.browser import chromium
from tests.browser.chromium import Chromium, Tab
from tests.estimates.asking import ask, by_link, examined
from tests.factories import Shop

pytestmark = pytest.mark.browser

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
LINES = (
    {"kind": "labour", "description": "Front brakes: pads and discs replaced, bled", "quantity": 2.25, "unit_price": 95},
    {"kind": "fee", "description": "Front brake discs and pads", "quantity": 1, "unit_price": 189.9},
    {"kind": "fee", "description": "Rust protection of the sills", "quantity": 1, "unit_price": 80},
    {"kind": "discount", "description": "Regular customer", "unit_price": 20},
)  # fmt: skip
SAID = "The front pads are down to 2 mm, and one disc is scored.\nThe sills can wait until autumn."
FOCUSED = "document.activeElement.id || document.activeElement.type"
ALERT = "document.querySelector('[role=alert]').innerText"
WIDTH = "document.documentElement.scrollWidth"
TWICE_AS_LARGE = "document.documentElement.style.fontSize = '200%'"
NARROWEST = """Math.min(...[...document.querySelectorAll('.how')].map(
    how => how.getBoundingClientRect().width / parseFloat(getComputedStyle(how).fontSize)))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = chromium.found()
    if program is None:
        pytest.skip("There is no Chromium on this machine (apt install chromium, or CHROMIUM=<path>).")
    with Chromium(program, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """Where the suite's application is served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def estimate(shop: Shop) -> dict[str, Any]:
    entry = {"name": "Demo Garage", "tax_rate": 10.25}
    assert shop.owner.patch(f"/workshops/{shop.id}", entry).status_code == 200
    return ask(shop, examined(shop, *LINES), message=SAID)


@pytest.fixture(params=SIZES)
def page(browser: Chromium, address: str, estimate: dict[str, Any], request: pytest.FixtureRequest) -> Tab:
    """The page of an estimate with three lines to decide on."""
    return browser.open(address + by_link(estimate), *SIZES[request.param])


def boxes(page: Tab) -> list[bool]:
    found: list[bool] = page.value(
        "[...document.querySelectorAll('[type=checkbox]')].map(box => box.checked)"
    )
    return found


def test_no_width_scrolls_sideways(page: Tab) -> None:
    for width in (320, 390, 600, 1280, 1920):
        page.resize(width, 800)
        assert page.value(WIDTH) <= width


def test_letters_twice_as_large_are_read_without_scrolling_sideways(page: Tab) -> None:
    page.value(TWICE_AS_LARGE)

    for width in (320, 390, 1280):
        page.resize(width, 800)
        assert page.value(WIDTH) <= width
        assert page.value(NARROWEST) >= 4


def test_its_style_is_let_in(page: Tab) -> None:
    assert page.value("getComputedStyle(document.querySelector('.lines')).listStyleType") == "none"


def test_the_keyboard_alone_decides(page: Tab) -> None:
    been = []
    for _ in range(5):
        page.press("Tab")
        been.append(page.value(FOCUSED))
        assert page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if len(been) in (1, 3):
            page.press(" ")
        if been[-1] == "name":
            page.write("Ada Obi")
    ticked = boxes(page)
    page.send_by("Enter")

    assert [one.partition("-")[0] for one in been] == ["line", "line", "line", "name", "submit"]
    assert ticked == [True, False, True]
    assert "you agreed to some of it" in page.value("document.querySelector('[role=status]').innerText")
    assert page.value("document.querySelector('form')") is None


def test_without_a_name_nothing_is_sent_and_it_is_gone_to(page: Tab) -> None:
    page.press("Tab", " ", "Tab", "Tab", "Tab", "Tab")
    at = page.value(FOCUSED)
    page.press("Enter")

    assert at == "submit"

    assert page.value(FOCUSED) == "name"
    assert boxes(page) == [True, False, False]
    assert page.value("document.querySelector('form').checkValidity()") is False


def test_a_name_that_is_none_keeps_what_was_ticked_and_says_so(page: Tab) -> None:
    page.press("Tab", " ", "Tab", "Tab", "Tab")
    page.write("   ")
    page.send_by("Enter")

    assert "write your name" in page.value(ALERT)
    assert boxes(page) == [True, False, False]


def test_a_picture_of_it_is_kept_where_one_is_asked_for(
    browser: Chromium, address: str, estimate: dict[str, Any], tmp_path: Path
) -> None:
    kept = Path(os.environ.get("SCREENSHOTS", tmp_path))

    for name, size in SIZES.items():
        page = browser.open(address + by_link(estimate), *size)
        page.press("Tab", " ", "Tab")
        (kept / f"estimate-{name}.png").write_bytes(page.picture())

    assert all((kept / f"estimate-{name}.png").read_bytes().startswith(b"\x89PNG") for name in SIZES)
