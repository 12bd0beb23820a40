"""Row-level security: on PostgreSQL, a workshop's rows are hidden from whoever acts in another."""

from __future__ import annotations

from app.core.row_security import expose, protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = (
    "api_keys", "audit_entries", "audit_heads", "closures", "consents", "counters", "customer_photos", "customer_profiles",
    "customers", "erasures", "exports", "file_pieces", "files", "invitations", "mechanics", "memberships", "opening_periods",
    "outbox_messages", "parts", "person_keys", "roles", "service_ticket_mechanics", "service_ticket_parts",
    "service_ticket_status_changes", "service_tickets", "vehicles", "workshop_specialisations",
)  # fmt: skip


def upgrade() -> None:
    protect(*TABLES)


def downgrade() -> None:
    expose(*TABLES)
