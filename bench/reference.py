"""What the application is held against: a bare Flask view that answers the very bytes the application answered.

No token is read, nothing is counted, cached, logged or asked of a database. BENCH_ANSWERS names a JSON file with, for each
workload, the status, the content type and the body that the application gave; each is served at `/<workload>`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flask import Flask, Response


def make_reference(answers: dict[str, dict[str, Any]]) -> Flask:
    """Return an application that gives each of `answers` at its own path."""
    made = Flask(__name__, static_folder=None)
    for name, kept in answers.items():
        made.add_url_rule(f"/{name}", name, view_of(**kept), methods=["GET", "POST"])
    return made


def view_of(status: int, content_type: str, body: str) -> Any:
    """Return a view that always answers the same."""
    content = body.encode()

    def view() -> Response:
        return Response(content, status=status, content_type=content_type)

    return view


app = make_reference(json.loads(Path(os.environ["BENCH_ANSWERS"]).read_text(encoding="utf-8")))
