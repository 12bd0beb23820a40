"""Pictures that people send: known by their bytes, and drawn anew, so that nothing of what was sent is kept but what is seen.

What the camera noted (place, time, serial number), a second picture, a comment, and whatever else was hidden in the file or
after it stay behind. Neither its name nor the type that it was sent as is asked.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Sequence
from typing import ClassVar

from PIL import Image, ImageOps

from app.core.errors import DomainError, Invalid

LONGEST_SIDE = 1024
QUALITY = 85
# How many pixels a picture may have. A JPEG is decoded at about the size that is needed; a progressive one, a PNG and a WebP
# are whole in memory, the last one three times over at four bytes a pixel: 200 MB.
MOST_PIXELS = 50_000_000
MOST_PIXELS_IN_MEMORY = 16_000_000
# Of a progressive JPEG: each costs a pass over the whole picture, and can be as small as a hundred bytes. Cameras make ten.
MOST_SCANS = 100
BEGINNINGS = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "WEBP": b"RIFF"}

# Pillow looks at this when it has read a picture's header, before it decodes: beyond it is refused, and not only warned of.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

_one_at_a_time = threading.Lock()  # what a picture needs in memory, a process needs once


class NotAnImage(Invalid):
    """No picture of a kind that is taken, or a broken one."""

    code, title = "not_an_image", "This is not a picture that can be read."


class PictureTooLarge(DomainError):
    """More bytes or pixels than are taken."""

    status: ClassVar[int] = 413
    code: ClassVar[str] = "too_large"
    title: ClassVar[str] = "The request is too large."


def photo_of(content: bytes) -> bytes:
    """Return a picture as a JPEG without any metadata, upright, its longer side at most 1024 pixels.

    Of a moving picture the first frame is taken; what is transparent is white.
    :raises NotAnImage: it is no JPEG, PNG or WebP, or is broken. :raises PictureTooLarge: it has too many pixels.
    """
    (photo,) = drawn(content, "photo", (LONGEST_SIDE,))
    return photo


def is_known(content: bytes) -> bool:
    """Tell whether something begins as a picture of a kind that is taken does."""
    return _kind_of(content) is not None


def drawn(content: bytes, field: str, sides: Sequence[int]) -> list[bytes]:
    """Return a picture as JPEGs without any metadata, upright, their longer sides at most so many pixels, the largest first.

    Of a moving picture the first frame is taken; what is transparent is white. `field` is where a refusal finds what was sent.
    :raises NotAnImage: it is no JPEG, PNG or WebP, or is broken. :raises PictureTooLarge: it has too many pixels.
    """
    kind = _kind_of(content)
    if kind is None:
        raise NotAnImage("Send a JPEG, a PNG or a WebP.", errors={field: ["Not a JPEG, PNG or WebP."]})
    if kind == "JPEG" and content.count(b"\xff\xda") > MOST_SCANS:
        raise PictureTooLarge(f"A JPEG of more than {MOST_SCANS} scans is not taken.")
    with _one_at_a_time:
        try:
            page = _page(content, kind, sides[0])
            return [_written(page, side) for side in sides]
        except PictureTooLarge:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _beyond(MOST_PIXELS) from error
        except Exception as error:  # decoders raise whatever comes to them on what is broken
            raise NotAnImage("It is broken.", errors={field: ["Broken, or cut short."]}) from error


def _kind_of(content: bytes) -> str | None:
    for kind, beginning in BEGINNINGS.items():
        if content.startswith(beginning) and (kind != "WEBP" or content[8:12] == b"WEBP"):
            return kind
    return None


def _beyond(most: int) -> PictureTooLarge:
    return PictureTooLarge(f"A picture has at most {most // 1_000_000} megapixels.")


def _page(content: bytes, kind: str, side: int) -> Image.Image:
    if kind == "WEBP":  # whose decoder reserves the whole canvas when it is opened
        _require_pixels(_webp_canvas(content), MOST_PIXELS_IN_MEMORY)
    with Image.open(io.BytesIO(content), formats=(kind,)) as sent:
        is_whole = kind != "JPEG" or "progressive" in sent.info
        _require_pixels(sent.size, MOST_PIXELS_IN_MEMORY if is_whole else MOST_PIXELS)
        seen = _upright(_small(sent, side))
    page = Image.new("RGB", seen.size, "white")
    page.paste(seen.convert("RGB"), mask=seen.getchannel("A") if seen.mode in ("RGBA", "LA") else None)
    return page


def _written(page: Image.Image, side: int) -> bytes:
    """Return a page as a JPEG of at most so many pixels a side; the page is shrunk to that."""
    page.thumbnail((side, side))
    written = io.BytesIO()
    page.save(written, "JPEG", quality=QUALITY, optimize=True)
    return written.getvalue()


def _require_pixels(size: tuple[int, int], most: int) -> None:
    if size[0] * size[1] > most:
        raise _beyond(most)


def _webp_canvas(content: bytes) -> tuple[int, int]:
    """Return width and height as the first chunk of a WebP says (RFC 9649, sections 2.5 to 2.7).

    :raises ValueError: it is none of the three that there are. :raises struct.error: it is cut short.
    """
    chunk = content[12:16]
    if chunk == b"VP8X":
        low, high, low_, high_ = struct.unpack_from("<HBHB", content, 24)
        return (low | high << 16) + 1, (low_ | high_ << 16) + 1
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("an unknown kind of WebP")


def _small(sent: Image.Image, side: int) -> Image.Image:
    """Return a picture at the size it is kept in, in a mode of eight bits. Of a JPEG no more is decoded than that needs."""
    if sent.mode.startswith("I"):  # sixteen bits of grey
        sent = sent.point(lambda grey: grey / 256).convert("L")
    elif sent.mode == "1":
        sent = sent.convert("L")
    elif sent.mode == "P" or "transparency" in sent.info:
        sent = sent.convert("RGBA")
    sent.thumbnail((side, side))
    return sent


def _upright(small: Image.Image) -> Image.Image:
    """Return a picture as the camera was held, if it noted that in a way that can be read."""
    try:
        return ImageOps.exif_transpose(small)
    except Exception:
        return small
