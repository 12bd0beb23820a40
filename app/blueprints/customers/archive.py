"""The archive of an export: a ZIP with one document, the files, and a page that says what is in it.

It is written as it is read: what a person has is never whole in memory, only what it is compressed to.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from app.core import clock, files, privacy
from app.core.files import FileNotHere, StoredFile
from app.core.privacy import Contents, Subject

DOCUMENT, GUIDE = "data.json", "README.txt"
FORMAT = 1


class _Sink:
    """Where the archive is written to, and taken from in parts."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, written: bytes) -> int:
        self._waiting += written
        return len(written)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def taken(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def written(subject: Subject) -> Iterator[bytes]:
    """Yield the archive of all that is kept of a person, in parts. In their workshop.

    A file that its store has lost is no reason to give nothing of the rest: the guide names it.
    """
    sink, made_at = _Sink(), clock.now()
    stored: dict[str, StoredFile] = {}
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        with archive.open(_entry(DOCUMENT, made_at), "w") as entry:
            for text in _document(subject, made_at, stored):
                entry.write(text)
                yield sink.taken()
        lost: list[str] = []
        for name, file in stored.items():
            with archive.open(_entry(name, made_at), "w") as entry:
                try:
                    for piece in files.read(file):
                        entry.write(piece)
                        yield sink.taken()
                except FileNotHere:
                    lost.append(name)
        archive.writestr(_entry(GUIDE, made_at), _guide(made_at, lost))
    yield sink.taken()


def _entry(name: str, moment: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _document(subject: Subject, made_at: datetime, stored: dict[str, StoredFile]) -> Iterator[bytes]:
    """Yield the document: a JSON object with a member for each part. Files are noted in `stored`, by name."""
    yield b'{\n"format": %d,\n"made_at": %s' % (FORMAT, _json(made_at))
    for name, part in privacy.PARTS.items():
        yield b",\n%s: " % _json(name)
        yield from _contents(name, part.give(subject), stored)
    yield b"\n}\n"


def _contents(part: str, given: Contents, stored: dict[str, StoredFile]) -> Iterator[bytes]:
    if isinstance(given, StoredFile):
        yield _json(_noted(given.name, given, stored))
    elif given is None or isinstance(given, dict):
        yield _json(given)
    else:
        between = b"[\n"
        for row in given:
            if isinstance(file := row.get("file"), StoredFile):
                name, ending = file.name.rsplit(".", 1)
                row |= _noted(f"{part}/{name}-{row['id']}.{ending}", file, stored)
            yield between + _json(row)
            between = b",\n"
        yield b"[]" if between == b"[\n" else b"\n]"


def _noted(name: str, file: StoredFile, stored: dict[str, StoredFile]) -> dict[str, Any]:
    """Note a file for the archive, and return what its document says of it."""
    stored[name] = file
    return {"file": name, "content_type": file.content_type, "size": file.size}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return clock.rfc3339(value)
        case date():
            return value.isoformat()
        case Decimal():
            return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} has no form in an export")


def _guide(made_at: datetime, lost: Sequence[str]) -> str:
    """Return the page that says what is in the archive, and which files are not whole."""
    missing = "".join(f"\nLost, and not here or not whole: {name}\n" for name in lost)
    parts = "\n".join(f"  {name}: {part.says}" for name, part in privacy.PARTS.items())
    return (
        f"All that this workshop keeps of you, as of {clock.rfc3339(made_at)}.\n\n"
        f"{DOCUMENT} is JSON (RFC 8259), an object with these members. Instants are in UTC; null or [] means that\n"
        f"there is nothing.\n\n  format: {json.dumps(FORMAT)}\n  made_at: when this was made.\n{parts}\n\n"
        f"Where a member says `file`, that file is beside it.\n{missing}"
    )
