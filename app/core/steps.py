"""Answers that leave at whole steps of time, so that how long they took to make does not tell what was found."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import current_app, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STEP = "shop.step"


def leave_at_a_step() -> None:
    """Let the answer to this request leave when a multiple of REGISTRATION_STEP_MS has passed since it came."""
    request.environ[STEP] = current_app.config["REGISTRATION_STEP_MS"] / 1000


class EvenSteps:
    """Holds what is to leave at a step. As a WSGI layer: what Flask tidies up after an answer takes its time too."""

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        answer = self._wsgi_app(environ, start_response)
        if step := environ.get(STEP):
            time.sleep(step - (time.perf_counter() - began) % step)
        return answer
