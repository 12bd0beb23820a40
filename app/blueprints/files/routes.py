"""The door to files: a signed link opens it, and nothing else does."""

from __future__ import annotations

from flask import Response, stream_with_context

from app.core import files
from app.core.contract import limited, public, serves_file
from app.core.preconditions import answer_conditionally, caller_has
from app.core.serving import Blueprint

bp = Blueprint(
    "files", __name__, url_prefix="/files", description="Photos and exports, by links that expire."
)

# A file that is opened in a browser runs nothing, and belongs to no page of this origin.
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"


TOKEN = {
    "in": "path",
    "name": "token",
    "required": True,
    "description": "What a `url` that was answered ends with.",
    "example": "AAAAAAAAAAEAAAAAAAAAAQAAAABppVnMQ2hlY2tlZCBieSBITUFDLVNIQS0yNTYgYXMgYWx3YXlz",
}


@bp.get("/<string:token>", parameters=[TOKEN])
@limited("files")
@public
@serves_file(*sorted({content_type for content_type, _, _ in files.KINDS.values()}))
@bp.response(200)
def get_file(token: str) -> Response:
    """Send a file to whoever has a link to it.

    The link is its own permission, and expires a quarter of an hour after it was made.
    """
    kept = files.linked(token)
    answer = Response(content_type=kept.content_type)
    answer.headers["Content-Disposition"] = (
        f'{"inline" if kept.is_shown else "attachment"}; filename="{kept.name}"'
    )
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["ETag"] = f'"{kept.sha256.hex()}"'
    if not caller_has(kept.sha256.hex()):
        answer.response = stream_with_context(files.begun(kept))
        answer.content_length = kept.size
    return answer_conditionally(answer)
