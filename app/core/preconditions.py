"""ETags of single resources, and If-Match (RFC 9110, section 13).

An ETag reads `"<version>-<digest>"`: the row's version, then a digest of what this caller is shown. If-None-Match compares
the whole; If-Match compares the version, which the database raises with every change of the row.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from flask import Response, g, request

from app.core.db import Versioned
from app.core.errors import Stale

_STRONG = re.compile(r'"([0-9]{1,19})-[0-9a-f]+"')

Expected = frozenset[int] | None


def expected_versions() -> Expected:
    """Return the versions that If-Match accepts; None when there is no such header, or it reads `*`.

    A weak tag or one that is not ours matches nothing, as strong comparison asks.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = (tag.strip() for tag in header.split(","))
    return frozenset(int(match[1]) for tag in tags if (match := _STRONG.fullmatch(tag)))


def require_version(row: Versioned, expected: Expected) -> None:
    """Refuse to go on with a `row` (read under its lock) that the caller has not seen in its present version.

    :raises Stale: the version is not among the `expected` ones.
    """
    if expected is not None and row.version not in expected:
        raise Stale()


def tag(answer: Response, version: int | None) -> None:
    """Give `answer` its ETag: of a single resource with its `version`, of a list without."""
    digest = blake2b(answer.get_data(), digest_size=8)
    for name in ("Link", "X-Total-Count"):
        digest.update(answer.headers.get(name, "").encode())
    prefix = "" if version is None else f"{version}-"
    answer.headers["ETag"] = f'"{prefix}{digest.hexdigest()}"'


def answer_conditionally(answer: Response) -> Response:
    """Return 304 in place of `answer` when the caller already has it."""
    etag = answer.headers.get("ETag")
    if etag and answer.status_code == 200 and caller_has(etag):
        return Response(status=304, headers={"ETag": etag})
    return answer


def caller_has(etag: str) -> bool:
    """Tell whether If-None-Match names `etag`, by the weak comparison: a proxy that compresses makes our tags weak."""
    return request.if_none_match.contains_weak(etag.strip('"'))


def note_version(result: object) -> None:
    """Remember the version of the single resource that a view returned, for its ETag."""
    first = result[0] if isinstance(result, tuple) else result
    version = first.get("version") if isinstance(first, dict) else getattr(first, "version", None)
    g.row_version = version if isinstance(version, int) else None
