"""What is in the audit log: each change that somebody may make, but for what is no change of business meaning."""

from __future__ import annotations

from sqlalchemy import func, select

from app.core.audit import AuditEntry
from app.core.tenancy import across_workshops
from app.extensions import db
from tests.security.matrix import Row
from tests.security.situation import Situation

# Signing in, staying in and asking for a code change nothing of the workshop's: the request log has them. A workshop that opens
# has its entry in its own log. Where nothing runs low nothing is drafted; the drafts that are made have their entries.
EXEMPT = (
    "POST /customers/login", "POST /mechanics/login", "POST /auth/login", "POST /auth/register", "POST /auth/refresh",
    "POST /auth/logout", "POST /auth/switch", "DELETE /auth/sessions/{session_id}", "POST /auth/recovery",
    "POST /auth/recovery/code", "POST /auth/recovery/password", "POST /auth/email", "POST /auth/email/verification",
    "POST /auth/email/confirmation", "POST /auth/login/second_factor", "POST /invitations/preview",
    "POST /inventory/purchase_orders/proposals",
)  # fmt: skip


def is_to_be_logged(row: Row) -> bool:
    """Tell whether who is let in by a route changes something that the log tells."""
    return row.method != "GET" and str(row) not in EXEMPT


def entries(situation: Situation) -> int:
    """Return how many entries the logs have, of all workshops and of the installation itself."""
    with situation.app.app_context(), across_workshops():
        return db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0
