"""No request changes anything without an entry in the audit log: every route that writes, by everybody who may call it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core.audit import AuditEntry
from app.core.tenancy import across_workshops
from app.extensions import db
from tests.security.matrix import CALLERS, Row, rows
from tests.security.situation import Situation
from tests.security.test_access_matrix import prepared

# Signing in, staying in and asking for a code change nothing of the workshop's: the request log has them. A workshop that opens
# has its entry in its own log.
EXEMPT = (
    "POST /customers/login", "POST /mechanics/login", "POST /auth/login", "POST /auth/register", "POST /auth/refresh",
    "POST /auth/logout", "POST /auth/switch", "DELETE /auth/sessions/{session_id}", "POST /auth/recovery",
    "POST /auth/recovery/code", "POST /auth/recovery/password", "POST /auth/email", "POST /auth/email/verification",
    "POST /auth/email/confirmation", "POST /auth/login/second_factor", "POST /invitations/preview",
)  # fmt: skip
WRITING = [row for row in rows() if row.method != "GET" and str(row) not in EXEMPT]


def entries(situation: Situation) -> int:
    """Return how many entries the logs have, of all workshops and of the installation itself."""
    with situation.app.app_context(), across_workshops():
        return db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0


@pytest.mark.parametrize("row", WRITING, ids=str)
def test_a_change_by_anybody_who_may_make_it_is_in_the_log(app: Flask, row: Row) -> None:
    unlogged = []
    for name in CALLERS:
        if row.opens_to(name):
            situation = prepared(app, row, admits=True)
            if row.path.endswith("/assign-mechanic/{mechanic_id}"):
                situation.take_mechanic_off()  # who is assigned already is assigned again without a change
            before = entries(situation)

            answer = situation.send(situation.callers[name], row.method, row.path)

            assert answer.status_code < 300
            if entries(situation) == before:
                unlogged.append(name)

    assert unlogged == []


def test_the_exempt_are_routes_that_write() -> None:
    assert set(EXEMPT) <= {str(row) for row in rows() if row.method != "GET"}
