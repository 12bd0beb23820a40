"""Pictures that tests send, made as they are needed."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return a picture as a file of a kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (300, 200), colour: Any = (200, 30, 30), **options: Any
) -> bytes:
    """Return a plain picture as a file of a kind."""
    return encoded(Image.new("RGB", size, colour), kind, **options)


def halves(kind: str = "JPEG", **options: Any) -> bytes:
    """Return a picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (400, 200), "red")
    image.paste("blue", (200, 0, 400, 200))
    return encoded(image, kind, **options)


def noise(size: tuple[int, int] = (600, 400), kind: str = "JPEG") -> bytes:
    """Return a picture that does not compress."""
    return encoded(Image.effect_noise(size, 80).convert("RGB"), kind)


def frames(kind: str) -> bytes:
    """Return a moving picture, red first and then black."""
    file = io.BytesIO()
    first, *others = [Image.new("RGB", (300, 200), colour) for colour in ("red", "black", "black")]
    first.save(file, kind, save_all=True, append_images=others)
    return file.getvalue()


def exif(**tags: Any) -> Image.Exif:
    """Return what a camera notes: how it was held, and where it was."""
    noted = Image.Exif()
    noted[0x0112] = tags.get("orientation", 1)
    noted[0x010F] = "Spycam 3000"
    noted.get_ifd(0x8825).update({1: "N", 2: (52.0, 13.0, 47.0), 3: "E", 4: (21.0, 0.0, 42.0)})
    return noted


def png(width: int, height: int, *, content: bytes = b"\0" * 1000) -> bytes:
    """Return a PNG that says it is so large, whatever is in it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(content, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def seen(jpeg: bytes) -> Image.Image:
    """Return a picture as it is seen."""
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image
