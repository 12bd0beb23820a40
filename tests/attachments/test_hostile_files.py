"""Files that mean harm: each is refused clearly, in bounded memory, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.attachments.sending import attach, bomb, pdf
from tests.attachments.test_attachments import files_kept
from tests.factories import Shop
from tests.pictures import noise, picture, png

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).parents[2]


def archive(comment: bytes = b"") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("big", b"\0" * 5_000_000)
        packed.comment = comment
    return written.getvalue()


SCRIPT = b"<html><script>fetch('/customers')</script></html>"
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
# A PDF's beginning, an archive behind it, and a PDF's end in the archive's comment.
BOTH_AT_ONCE = pdf() + archive(b"\nstartxref\n10\n%%EOF\n")

HOSTILE = [
    pytest.param(SCRIPT, 415, "attachment_type_not_taken", id="script named .jpg"),
    pytest.param(b"#!/bin/sh\nrm -rf /\n", 415, "attachment_type_not_taken", id="shell script"),
    pytest.param(b"MZ\x90\0" + b"\0" * 500, 415, "attachment_type_not_taken", id="program"),
    pytest.param(SVG, 415, "attachment_type_not_taken", id="SVG with a script"),
    pytest.param(archive(), 415, "attachment_type_not_taken", id="ZIP bomb as PDF"),
    pytest.param(b"", 415, "attachment_type_not_taken", id="nothing"),
    pytest.param(b"GIF89a" + pdf(), 415, "attachment_type_not_taken", id="PDF behind a GIF"),
    pytest.param(b"\n" + pdf(), 415, "attachment_type_not_taken", id="PDF that begins later"),
    pytest.param(png(30_000, 30_000), 413, "too_large", id="30,000 x 30,000 PNG of few bytes"),
    pytest.param(noise()[:20_000], 400, "not_an_image", id="half a JPEG"),
    pytest.param(noise(kind="PNG")[:20_000], 400, "not_an_image", id="half a PNG"),
    pytest.param(b"\xff\xd8\xff" + SCRIPT * 20, 400, "not_an_image", id="script behind a JPEG's beginning"),
    pytest.param(b"%PDF-1.7\n" + SCRIPT, 400, "not_a_document", id="script behind a PDF's beginning"),
    pytest.param(b"%PDF-9.9\n" + pdf()[9:], 400, "not_a_document", id="PDF of no version"),
    pytest.param(b"%PDF-1.7<script>" + pdf()[9:], 400, "not_a_document", id="script in a PDF's header"),
    pytest.param(pdf()[:-30], 400, "not_a_document", id="half a PDF"),
    pytest.param(pdf(after=SCRIPT), 400, "not_a_document", id="script behind a PDF"),
    pytest.param(pdf(after=archive()), 400, "not_a_document", id="archive behind a PDF"),
    pytest.param(BOTH_AT_ONCE, 400, "not_a_document", id="PDF and archive at once"),
    pytest.param(
        pdf().replace(b"startxref\n", b"startxref\n9999999"),
        400,
        "not_a_document",
        id="PDF that leads nowhere",
    ),
    pytest.param(b"\xff\xd8\xff" + b"\0" * 10_000_000, 413, "too_large", id="more than 10 MB"),
]


@pytest.mark.parametrize(("sent", "status", "code"), HOSTILE)
@pytest.mark.parametrize(
    ("name", "kind"), [("brakes.jpg", "image/jpeg"), ("scans/invoice.pdf", "application/pdf")]
)
def test_what_means_harm_is_refused_and_leaves_nothing(
    shop: Shop, sent: bytes, status: int, code: str, name: str, kind: str
) -> None:
    path = f"/service_tickets/{shop.make_ticket()['id']}/attachments"

    answer = attach(shop.owner, path, sent, name, kind)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert files_kept(shop) == set()
    assert shop.owner.get(path).json == []


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\evil.jpg",
        "..",
        "a/../b.jpg",
        "brakes.jpg\x00.exe",
        "a\x07.jpg",
        "a\x85.jpg",
    ],
)
@pytest.mark.parametrize("sent", [picture(), pdf()], ids=["picture", "document"])
def test_a_name_that_leads_elsewhere_is_refused_and_leaves_nothing(
    shop: Shop, sent: bytes, name: str
) -> None:
    path = f"/service_tickets/{shop.make_ticket()['id']}/attachments"

    answer = attach(shop.owner, path, sent, name)

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["file"])
    assert files_kept(shop) == set()


@pytest.mark.parametrize("name", ["C:\\Users\\jan\\car.jpg", "scans/car..jpg", ".jpg"])
def test_dots_and_a_folder_in_a_name_lead_nowhere(shop: Shop, name: str) -> None:
    path = f"/service_tickets/{shop.make_ticket()['id']}/attachments"

    assert attach(shop.owner, path, picture(), name).status_code == 201


def test_a_picture_that_is_something_else_as_well_is_a_picture_afterwards(shop: Shop) -> None:
    path = f"/service_tickets/{shop.make_ticket()['id']}/attachments"
    polyglot = picture() + archive() + SCRIPT

    told = attach(shop.owner, path, polyglot, "brakes.html", "text/html").json

    served = shop.nobody.get(told["url"])
    assert served.headers["Content-Type"] == "image/jpeg"
    assert SCRIPT not in served.data
    assert not zipfile.is_zipfile(io.BytesIO(served.data))


def test_what_is_squeezed_into_a_pdf_is_not_let_out(shop: Shop) -> None:
    path = f"/service_tickets/{shop.make_ticket()['id']}/attachments"

    told = attach(shop.owner, path, bomb(), "invoice.pdf", "application/pdf").json

    assert shop.nobody.get(told["url"]).data == bomb()


MEASURED = """
import json, resource, sys
from app.blueprints.attachments.service import SIDES
from app.blueprints.attachments import papers
from app.core import images
from app.core.errors import DomainError
images.drawn(open(sys.argv[1], "rb").read(), "file", SIDES)  # all that is loaded, is
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
content = open(sys.argv[2], "rb").read()
try:
    if content.startswith(b"%PDF-"):
        papers.require_whole(content)
    else:
        images.drawn(content, "file", SIDES)
    outcome = "taken"
except DomainError as error:
    outcome = error.code
print(json.dumps([outcome, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024]))
"""


@pytest.mark.parametrize(
    ("make", "outcome", "megabytes"),
    [
        pytest.param(lambda: png(30_000, 30_000), "too_large", 20, id="30,000 x 30,000 PNG"),
        pytest.param(bomb, "taken", 20, id="PDF that would be a gigabyte"),
        pytest.param(
            lambda: pdf(b"PK\x05\x06" * 2_000_000), "taken", 40, id="PDF of beginnings of archives' ends"
        ),
        pytest.param(lambda: large("JPEG"), "taken", 320, id="JPEG of 48 megapixels"),
        pytest.param(lambda: large("PNG", (4000, 4000)), "taken", 320, id="PNG of 16 megapixels"),
    ],
)
def test_memory_is_bounded(tmp_path: Path, make: object, outcome: str, megabytes: int) -> None:
    """In a process of its own, whose peak is measured beyond what an ordinary picture needs."""
    assert callable(make)
    for name, content in (("warm", picture()), ("sent", make())):
        (tmp_path / name).write_bytes(content)

    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "warm"), str(tmp_path / "sent")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip

    told, grown = json.loads(ran.stdout.splitlines()[-1])
    assert told == outcome
    assert grown <= megabytes


def large(kind: str, size: tuple[int, int] = (8000, 6000)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "red").save(written, kind)
    return written.getvalue()
