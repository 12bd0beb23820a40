"""What is looked at in a PDF before it is kept: that it is one, whole, and nothing else. It is never decompressed here."""

from __future__ import annotations

import re

from app.blueprints.attachments.errors import NotADocument

HEADER = b"%PDF-"
# ISO 32000-2, section 7.5: a header with a version, and a trailer that says where the cross-references are.
_HEADER = re.compile(rb"%PDF-(?:1\.[0-7]|2\.0)[\r\n \t%]")
_TRAILER = re.compile(rb"startxref\s{1,4}(\d{1,10})\s{1,4}%%EOF\s{0,64}\Z")
_TAIL = 1024
_END_OF_ZIP = b"PK\x05\x06"
_LONGEST_ZIP_END = 22 + 65_535  # an archive's last record with its comment


def require_whole(content: bytes) -> None:
    """Refuse what is no PDF from the first byte to the last.

    :raises NotADocument: its header, its trailer or its end is not a PDF's, or it is an archive too.
    """
    if not _HEADER.match(content):
        raise _refusal("It does not begin as a PDF does.")
    trailer = _TRAILER.search(content[-_TAIL:])
    if trailer is None:
        raise _refusal("It is cut short, or something follows its end.")
    if int(trailer[1]) >= len(content):
        raise _refusal("Its trailer leads nowhere.")
    if _is_an_archive(content):
        raise _refusal("It is an archive as well.")


def _is_an_archive(content: bytes) -> bool:
    """Tell whether a ZIP ends where the file does: programs that look for one from the end would open it."""
    tail = content[-_LONGEST_ZIP_END:]
    place = tail.rfind(_END_OF_ZIP)
    while place >= 0:
        if place + 22 <= len(tail) and place + 22 + int.from_bytes(
            tail[place + 20 : place + 22], "little"
        ) == len(tail):
            return True
        place = tail.rfind(_END_OF_ZIP, 0, place)
    return False


def _refusal(why: str) -> NotADocument:
    return NotADocument(why, errors={"file": [why]})
