"""Pictures: whatever is sent, either a clean small JPEG comes of it or a plain refusal, within bounded memory."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.core import images
from app.core.images import NotAnImage, PictureTooLarge
from tests.pictures import encoded, exif, frames, halves, noise, picture, png, seen

ROOT = Path(__file__).parents[2]
SEGMENTS_OF_A_PLAIN_JPEG = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}  # JFIF, tables, frame, Huffman codes, scan


def segments(jpeg: bytes) -> set[int]:
    """Return the kinds of segments that a JPEG has before its picture."""
    place, found = 2, set()
    while jpeg[place + 1] != 0xDA:
        found.add(jpeg[place + 1])
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return found | {0xDA}


@pytest.mark.parametrize(
    ("sent", "size", "colour"),
    [
        pytest.param(picture("JPEG"), (300, 200), (200, 30, 30), id="JPEG"),
        pytest.param(picture("JPEG", progressive=True), (300, 200), (200, 30, 30), id="progressive"),
        pytest.param(picture("PNG"), (300, 200), (200, 30, 30), id="PNG"),
        pytest.param(picture("WEBP"), (300, 200), (200, 30, 30), id="WebP"),
        pytest.param(picture("WEBP", lossless=True), (300, 200), (200, 30, 30), id="lossless WebP"),
        pytest.param(picture("WEBP", (2048, 1024)), (1024, 512), (200, 30, 30), id="larger"),
        pytest.param(encoded(Image.new("L", (300, 200), 128)), (300, 200), (128, 128, 128), id="grey"),
        pytest.param(
            encoded(Image.new("CMYK", (300, 200), (0, 255, 255, 0))), (300, 200), (254, 0, 0), id="CMYK"
        ),
        pytest.param(
            encoded(Image.new("I;16", (300, 200), 0x8000), "PNG"), (300, 200), (128, 128, 128), id="16 bits"
        ),
        pytest.param(
            encoded(Image.new("1", (300, 200), 1), "PNG"), (300, 200), (255, 255, 255), id="one bit"
        ),
        pytest.param(
            encoded(Image.new("RGBA", (300, 200), (0, 0, 0, 0)), "PNG"), (300, 200), (255, 255, 255),
            id="transparent",
        ),
        pytest.param(
            encoded(Image.new("LA", (300, 200), (0, 0)), "PNG"), (300, 200), (255, 255, 255),
            id="transparent grey",
        ),
        pytest.param(
            encoded(Image.new("RGB", (300, 200), "red").quantize(4), "PNG"), (300, 200), (255, 0, 0), id="palette"
        ),
        pytest.param(
            encoded(Image.new("RGB", (300, 200), "red"), "PNG", transparency=(255, 0, 0)), (300, 200),
            (255, 255, 255), id="a transparent colour",
        ),
        pytest.param(frames("WEBP"), (300, 200), (255, 0, 0), id="moving WebP"),
        pytest.param(frames("PNG"), (300, 200), (255, 0, 0), id="moving PNG"),
        pytest.param(frames("MPO"), (300, 200), (255, 0, 0), id="several pictures in a JPEG"),
        pytest.param(picture("JPEG", (1, 1)), (1, 1), (200, 30, 30), id="one pixel"),
        pytest.param(picture("PNG", (9000, 3)), (1024, 1), (200, 30, 30), id="a line"),
    ],
)  # fmt: skip
def test_a_picture_becomes_a_plain_jpeg(sent: bytes, size: tuple[int, int], colour: Any) -> None:
    drawn = images.photo_of(sent)

    image = seen(drawn)
    shown: Any = image.getpixel((0, 0))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", size)
    assert max(abs(is_ - wanted) for is_, wanted in zip(shown, colour, strict=True)) <= 8
    assert segments(drawn) <= SEGMENTS_OF_A_PLAIN_JPEG


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [(1, (400, 200), "red"), (3, (400, 200), "blue"), (6, (200, 400), "red"), (8, (200, 400), "blue")],
)
def test_it_is_turned_upright_and_what_the_camera_noted_is_gone(
    kind: str, orientation: int, size: tuple[int, int], corner: str
) -> None:
    sent = halves(kind, exif=exif(orientation=orientation))
    assert b"Spycam" in sent

    drawn = images.photo_of(sent)

    image = seen(drawn)
    shown: Any = image.getpixel((5, 5))
    assert image.size == size
    assert ("red" if shown[0] > shown[2] else "blue") == corner
    assert not image.getexif()
    assert b"Spycam" not in drawn


def test_comments_profiles_and_what_hangs_behind_are_gone() -> None:
    sent = picture(comment=b"by Ada", icc_profile=b"a profile") + b"<script>alert(1)</script>PK\x03\x04"

    drawn = images.photo_of(sent)

    assert not any(word in drawn for word in (b"by Ada", b"a profile", b"script", b"PK\x03\x04"))
    assert segments(drawn) <= SEGMENTS_OF_A_PLAIN_JPEG


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_notes_of_a_camera_do_not_break_a_picture() -> None:
    drawn = images.photo_of(picture(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))

    assert seen(drawn).size == (300, 200)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0" * 500, id="zeros"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", id="SVG"),
        pytest.param(b"<!doctype html><script>alert(1)</script>", id="HTML"),
        pytest.param(b"#!/bin/sh\nrm -rf /", id="script"),
        pytest.param(b"%PDF-1.7 ", id="PDF"),
        pytest.param(b"MZ\x90\x00", id="program"),
        pytest.param(frames("GIF"), id="GIF"),
        pytest.param(picture("BMP"), id="BMP"),
        pytest.param(picture("TIFF"), id="TIFF"),
        pytest.param(b"GIF89a" + picture(), id="GIF before a JPEG"),
        pytest.param(b"\xff\xd8\xff", id="beginning of a JPEG"),
        pytest.param(b"\xff\xd8\xff" + b"<script>" * 50, id="script behind a JPEG's beginning"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="beginning of a PNG"),
        pytest.param(b"RIFF\x04\0\0\0WEBP", id="beginning of a WebP"),
        pytest.param(b"RIFF\x04\0\0\0WEBPVP8X", id="more of a WebP"),
        pytest.param(b"RIFF\x04\0\0\0WAVEfmt ", id="sound"),
        pytest.param(noise()[:20_000], id="half a JPEG"),
        pytest.param(noise(kind="PNG")[:20_000], id="half a PNG"),
        pytest.param(noise(kind="WEBP")[:9_000], id="half a WebP"),
        pytest.param(png(100, 100), id="PNG with too little in it"),
        pytest.param(png(0, 100), id="PNG without width"),
    ],
)
def test_what_is_no_picture_or_broken_is_refused(sent: bytes) -> None:
    with pytest.raises(NotAnImage) as refusal:
        images.photo_of(sent)

    assert (refusal.value.status, refusal.value.code) == (400, "not_an_image")


def lying_webp() -> bytes:
    """Return a small WebP that says it is as large as one can be."""
    made = bytearray(picture("WEBP", lossless=True))
    struct.pack_into("<I", made, 21, 16382 | 16382 << 14)
    return bytes(made)


def canvas_webp() -> bytes:
    """Return the same in the extended form, which a moving one has."""
    made = bytearray(frames("WEBP"))
    made[24:30] = (16382).to_bytes(3, "little") * 2
    return bytes(made)


def many_scans() -> bytes:
    """Return a progressive JPEG whose last scan comes again and again: each is a pass over the whole picture."""
    made = picture(progressive=True)
    last = made.rindex(b"\xff\xda")
    return made[:-2] + made[last:-2] * 500 + made[-2:]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(png(30_000, 30_000), id="PNG of 900 megapixels"),
        pytest.param(png(2**31 - 1, 2**31 - 1), id="PNG as large as can be said"),
        pytest.param(png(8_000, 8_000), id="PNG of 64 megapixels"),
        pytest.param(png(5_000, 5_000), id="PNG of 25 megapixels"),
        pytest.param(lying_webp(), id="WebP that says it is large"),
        pytest.param(canvas_webp(), id="WebP on a large canvas"),
        pytest.param(picture("JPEG", (9000, 9000)), id="JPEG of 81 megapixels"),
        pytest.param(picture("JPEG", (5000, 5000), progressive=True), id="progressive JPEG of 25 megapixels"),
        pytest.param(many_scans(), id="JPEG of 500 scans"),
    ],
)
def test_what_would_be_too_large_is_refused_before_it_is_decoded(sent: bytes) -> None:
    assert len(sent) < 3_000_000

    with pytest.raises(PictureTooLarge) as refusal:
        images.photo_of(sent)

    assert (refusal.value.status, refusal.value.code) == (413, "too_large")


WORST = """
import resource, sys
sys.path.insert(0, ".")
from PIL import Image
from app.core import images
from tests.pictures import encoded, picture, png
sent = {
    "png": lambda: encoded(Image.new("RGBA", (4000, 4000), (9, 9, 9, 9)), "PNG"),
    "webp": lambda: encoded(Image.new("RGBA", (4000, 4000), (9, 9, 9, 9)), "WEBP", lossless=True, method=0),
    "jpeg": lambda: picture("JPEG", (7000, 7000)),
    "progressive": lambda: picture("JPEG", (4000, 4000), progressive=True, subsampling=0),
    "bomb": lambda: png(30_000, 30_000),
}[sys.argv[1]]
if sys.argv[2] == "make":
    sys.stdout.buffer.write(sent())
else:
    content = sys.stdin.buffer.read()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        images.photo_of(content)
    except images.PictureTooLarge:
        pass
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg", "progressive", "bomb"])
def test_the_worst_that_is_taken_needs_a_bounded_memory(kind: str) -> None:
    def run(*words: str, **options: Any) -> bytes:
        command = [sys.executable, "-c", WORST, kind, *words]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, check=True, timeout=120, **options
        ).stdout

    megabytes = int(run("measure", input=run("make")))

    assert megabytes < 320, f"{kind}: {megabytes} MB"
