"""Sending files to a ticket, good ones and others."""

from __future__ import annotations

import zlib

from werkzeug.test import TestResponse

from tests.customers.test_photos import MULTIPART, form
from tests.factories import Caller


def attach(
    caller: Caller, to: str, content: bytes, name: str = "brakes.jpg", kind: str = "image/jpeg", key: str = ""
) -> TestResponse:
    """Send a file to the address of a ticket's attachments."""
    headers = {"Content-Type": MULTIPART} | ({"Idempotency-Key": key} if key else {})
    return caller.open("POST", to, data=form(("file", name, kind, content)), headers=headers)


def pdf(inside: bytes = b"", *, version: bytes = b"1.7", after: bytes = b"") -> bytes:
    """Return a PDF of one empty page, with a stream that has something inside."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(inside) + inside + b"\nendstream",
    ]
    written = b"%PDF-" + version + b"\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    start = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return written + after


def bomb() -> bytes:
    """Return a PDF of some kilobytes whose page would be a gigabyte."""
    squeeze = zlib.compressobj(9)
    return pdf(b"".join(squeeze.compress(b"\0" * 1_000_000) for _ in range(1000)) + squeeze.flush())
